"""A model of page pictures on one device: pictures in, vectors and, if asked, hidden states out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.checkpoints.families import Batch, VisualFamily, WrittenQuery
from maxsight.encoders.checkpoints.pipeline import device_errors_translated
from maxsight.encoders.checkpoints.replicas import Replica


class Picture(NamedTuple):
    """A page to encode.

    Attributes:
        pixels: Shape ``(height, width, 3)``, RGB.
        with_hidden: Whether its hidden states are wanted too.
    """

    pixels: NDArray[np.uint8]
    with_hidden: bool


class Encoded(NamedTuple):
    """The output of one page or query.

    Attributes:
        vectors: Unit norm. Shape ``(tokens, dim)``, float32.
        hidden: The hidden states that the vectors were made of, or None. Shape ``(tokens, hidden_dim)``, float32.
        boxes: The place of each on the page. Shape ``(tokens, 4)``, float32; None for a query.
    """

    vectors: NDArray[np.float32]
    hidden: NDArray[np.float32] | None
    boxes: NDArray[np.float32] | None


class VisualModel(Replica[Picture, Batch, Encoded]):
    """A checkpoint's backbone and projection on one device. Its family prepares its inputs."""

    def __init__(
        self, family: VisualFamily, model: nn.ModuleList, device: torch.device, options: EncoderOptions
    ) -> None:
        super().__init__(model, device, options)
        self._family = family
        self._backbone, self._projection = model

    @property
    def max_tokens(self) -> int:
        """Tokens of a page of the largest picture."""
        return self._family.tokens(*self._family.largest)

    def encode_query(self, query: WrittenQuery) -> Encoded:
        """Encode one query."""
        with device_errors_translated():
            (encoded,) = self._launch(self._pinned(self._family.prepare_query(query)))()
        return encoded

    def _longest_item(self) -> Picture:
        width, height = self._family.largest
        return Picture(np.full((height, width, 3), 255, np.uint8), with_hidden=True)

    def _prepare(self, items: Sequence[Picture]) -> Batch:
        batch = self._family.prepare_pages([item.pixels for item in items])
        return self._pinned(replace(batch, with_hidden=items[0].with_hidden))

    def _pinned(self, batch: Batch) -> Batch:
        """Put inputs into pinned memory, which a GPU reads by itself."""
        if self.device.type != "cuda":
            return batch
        pinned = {name: tensor.contiguous().pin_memory() for name, tensor in batch.inputs.items()}
        return replace(batch, inputs=pinned)

    def _launch(self, batch: Batch) -> Callable[[], list[Encoded]]:
        """Start one forward pass, and the copy of its results to the host."""
        with self._entered(), torch.inference_mode():
            inputs = {
                name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.inputs.items()
            }
            hidden = self._family.forward(self._backbone, inputs, self.dtype)
            # Norms in half precision are off by 0.4%.
            vectors = nn.functional.normalize(self._projection(hidden).float(), dim=-1)
            returned = [self._to_host(vectors), *([self._to_host(hidden)] if batch.with_hidden else [])]
            done = self._mark()

        def collect() -> list[Encoded]:
            if done is not None:
                done.synchronize()
            arrays = [tensor.float().numpy() for tensor in returned]
            return [
                Encoded(
                    arrays[0][row, :length].copy(),
                    arrays[1][row, :length].copy() if batch.with_hidden else None,
                    batch.boxes[row] if batch.boxes else None,
                )
                for row, length in enumerate(batch.lengths)
            ]

        return collect

    def _to_host(self, tensor: torch.Tensor) -> torch.Tensor:
        if self.device.type != "cuda":
            return tensor.cpu()
        return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor, non_blocking=True)

    def _mark(self) -> torch.cuda.Event | None:
        """Mark the end of the device's queue; None for a device without one."""
        if self.device.type != "cuda":
            return None
        event = torch.cuda.Event()
        event.record()
        return event

    def _entered(self) -> AbstractContextManager[Any]:
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

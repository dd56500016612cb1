"""A model on one device, and several of them sharing the pages of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.checkpoints.batching import BatchLimit, Work, device_errors_translated, run_batches
from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.devices import (
    choose_devices,
    choose_dtype,
    one_for_each,
    pages_per_batch,
    place,
    precision_of,
    release_memory,
)
from maxsight.encoders.checkpoints.families import Batch, VisualFamily, WrittenQuery
from maxsight.encoders.checkpoints.sharing import share

Picture = NDArray[np.uint8]


class Encoded(NamedTuple):
    """What a model says about one page or query.

    Attributes:
        vectors: Unit norm. Shape ``(tokens, dim)``, float32.
        hidden: What the vectors were made of, if that was asked for. Shape ``(tokens, hidden_dim)``, float32.
        boxes: Where each comes from. Shape ``(tokens, 4)``, float32; None for a query.
    """

    vectors: NDArray[np.float32]
    hidden: NDArray[np.float32] | None
    boxes: NDArray[np.float32] | None


class Replica:
    """A checkpoint's model on one device.

    Args:
        family: Prepares what it is given.
        backbone: Its own: it is moved.
        projection: Its own, likewise.
        device: Where to.
        dtype: What to compute in.
        batch_size: The most pages of a batch; None to go by free memory.
    """

    def __init__(
        self,
        family: VisualFamily,
        backbone: nn.Module,
        projection: nn.Module,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int | None,
    ) -> None:
        self._family = family
        self._backbone = backbone
        self._projection = projection
        self.device = device
        self.dtype = dtype
        self._batch_size = batch_size
        place(backbone, device, dtype)
        place(projection, device, dtype)

    @cached_property
    def limit(self) -> BatchLimit:
        """How large its batches may be. Known once asked for: on a GPU a page is encoded to find out."""
        tokens = self._family.tokens(*self._family.largest)
        if self._batch_size is not None:
            return BatchLimit(tokens * self._batch_size, self._batch_size)
        with device_errors_translated():
            pages = pages_per_batch(self.device, self._encode_blank_page)
        # Short pages may be more: what counts is the memory, and that goes by tokens.
        return BatchLimit(tokens * pages, 4 * pages)

    def encode_query(self, query: WrittenQuery) -> Encoded:
        """Encode one query.

        Raises:
            EncoderOutOfMemoryError: The memory does not hold it.
            EncoderError: The device failed otherwise.
        """
        with device_errors_translated():
            (encoded,) = self._launch(self._prepared(self._family.prepare_query(query)), with_hidden=False)()
        return encoded

    def encode_pages(
        self, pictures: Sequence[Picture], work: Work, *, with_hidden: bool
    ) -> Iterator[tuple[int, Encoded]]:
        """Encode pages as long as there is work.

        Args:
            pictures: All that the work is about.
            work: Shared with other replicas.
            with_hidden: Whether hidden states are wanted beside the vectors.

        Yields:
            Positions in ``pictures`` and what became of them.
        """
        return run_batches(
            work,
            self.limit,
            prepare=lambda positions: self._prepared(
                self._family.prepare_pages([pictures[position] for position in positions])
            ),
            launch=lambda batch: self._launch(batch, with_hidden=with_hidden),
            release=lambda: release_memory(self.device),
        )

    def _prepared(self, batch: Batch) -> Batch:
        """Lay inputs where a GPU can fetch them by itself."""
        if self.device.type != "cuda":
            return batch
        pinned = {name: tensor.contiguous().pin_memory() for name, tensor in batch.inputs.items()}
        return Batch(pinned, batch.lengths, batch.boxes)

    def _launch(self, batch: Batch, *, with_hidden: bool) -> Callable[[], list[Encoded]]:
        """Start one forward pass, and the way of its results back to the host."""
        with self._entered(), torch.inference_mode():
            inputs = {
                name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.inputs.items()
            }
            hidden = self._family.forward(self._backbone, inputs, self.dtype)
            # Norms in half precision are off by 0.4%.
            vectors = nn.functional.normalize(self._projection(hidden).float(), dim=-1)
            returned = [self._to_host(vectors), *([self._to_host(hidden)] if with_hidden else [])]
            done = self._mark()

        def collect() -> list[Encoded]:
            if done is not None:
                done.synchronize()
            arrays = [tensor.float().numpy() for tensor in returned]
            return [
                Encoded(
                    arrays[0][row, :length].copy(),
                    arrays[1][row, :length].copy() if with_hidden else None,
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
        """Mark how far the device's queue is filled; None where nothing is queued."""
        if self.device.type != "cuda":
            return None
        event = torch.cuda.Event()
        event.record()
        return event

    def _entered(self) -> AbstractContextManager[Any]:
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

    def _encode_blank_page(self) -> None:
        width, height = self._family.largest
        blank = np.full((height, width, 3), 255, np.uint8)
        self._launch(self._prepared(self._family.prepare_pages([blank])), with_hidden=True)()


class Replicas:
    """One replica per device.

    Args:
        checkpoint: Its model is moved to the first device and copied to the others.
        family: The checkpoint's.
        options: Which devices, and how they compute.

    Raises:
        ModelNotAvailableError: A device is not there.
        EncoderOutOfMemoryError: A device does not hold the model.
    """

    def __init__(self, checkpoint: Checkpoint, family: VisualFamily, options: EncoderOptions) -> None:
        whole = nn.ModuleList([checkpoint.backbone, checkpoint.projection])
        self._family = family
        with device_errors_translated():
            self._replicas = [
                Replica(
                    family,
                    model[0],
                    model[1],
                    device,
                    choose_dtype(options.precision, device),
                    options.batch_size,
                )
                for model, device in one_for_each(whole, choose_devices(options.devices))
            ]

    @property
    def devices(self) -> tuple[str, ...]:
        """Where they are."""
        return tuple(str(replica.device) for replica in self._replicas)

    @property
    def precision(self) -> str:
        """What they compute in."""
        return precision_of(replica.dtype for replica in self._replicas)

    @property
    def batch_pages(self) -> int:
        """How many of the largest pages all of them encode at once."""
        tokens = self._family.tokens(*self._family.largest)
        return sum(max(1, replica.limit.tokens // tokens) for replica in self._replicas)

    def encode_query(self, query: WrittenQuery) -> Encoded:
        """Encode one query, on the first device."""
        return self._replicas[0].encode_query(query)

    def encode_pages(self, pictures: Sequence[Picture], *, with_hidden: bool) -> list[Encoded]:
        """Encode pages on all devices.

        Returns:
            One for each page, in the order given.

        Raises:
            EncoderOutOfMemoryError: A single page is more than a device's memory holds.
            EncoderError: A device failed otherwise.
        """
        work = Work([self._family.page_tokens(picture) for picture in pictures], len(self._replicas))
        return share(
            work,
            [replica.encode_pages(pictures, work, with_hidden=with_hidden) for replica in self._replicas],
        )

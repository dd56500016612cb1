"""The same model on several devices, sharing the pages of one call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from maxsight.encoders.base import Encoder, EncoderOptions
from maxsight.encoders.batching import BatchLimit, Work
from maxsight.encoders.checkpoints.devices import (
    choose_devices,
    choose_dtype,
    one_for_each,
    pages_per_batch,
    place,
    release_memory,
)
from maxsight.encoders.checkpoints.pipeline import Launched, device_errors_translated, run_batches, share
from maxsight.types import EmbeddingSpace

Model = TypeVar("Model", bound=nn.Module)
Item = TypeVar("Item")
Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Replica(ABC, Generic[Item, Batch, Result]):
    """A model on one device. Its items are pictures of pages, or windows of text.

    Args:
        model: Its own model, which it moves to the device.
        device: The device.
        options: The precision, and how many items make a batch.
    """

    def __init__(self, model: nn.Module, device: torch.device, options: EncoderOptions) -> None:
        self.device = device
        self.dtype = choose_dtype(options.precision, device)
        self._batch_size = options.batch_size
        place(model, device, self.dtype)

    @property
    @abstractmethod
    def max_tokens(self) -> int:
        """Tokens of the longest item."""

    @abstractmethod
    def _longest_item(self) -> Item:
        """Make an item of that length."""

    @abstractmethod
    def _prepare(self, items: Sequence[Item]) -> Batch:
        """Make a batch on the host."""

    @abstractmethod
    def _launch(self, batch: Batch) -> Launched[Result]:
        """Start to compute a batch, with one result per item."""

    @cached_property
    def limit(self) -> BatchLimit:
        """The largest batch. On a GPU the first use encodes an item to find it."""
        if self._batch_size is not None:
            return BatchLimit(self.max_tokens * self._batch_size, self._batch_size)
        with device_errors_translated():
            items = pages_per_batch(
                self.device, lambda: self._launch(self._prepare([self._longest_item()]))()
            )
        # More short items fit: memory grows with tokens.
        return BatchLimit(self.max_tokens * items, 4 * items)

    def encode(self, items: Sequence[Item], work: Work) -> Iterator[tuple[int, Result]]:
        """Encode items as long as there is work.

        Args:
            items: All items of the call.
            work: Shared with other replicas.

        Yields:
            Positions in ``items`` and their results.
        """
        return run_batches(
            work,
            self.limit,
            prepare=lambda positions: self._prepare([items[position] for position in positions]),
            launch=self._launch,
            release=lambda: release_memory(self.device),
        )


R = TypeVar("R", bound="Replica[Any, Any, Any]")


class CheckpointEncoder(Encoder, Generic[R]):
    """An encoder whose model is on one or several devices.

    Args:
        space: The space of its vectors.
        model: The model. It is moved to the first device and copied to the others.
        replica: Makes a replica of a model on a device.
        options: The devices, and how they compute.

    Raises:
        ModelNotAvailableError: A device is not there.
        EncoderOutOfMemoryError: A device does not hold the model.
    """

    def __init__(
        self,
        space: EmbeddingSpace,
        model: Model,
        replica: Callable[[Model, torch.device, EncoderOptions], R],
        options: EncoderOptions,
    ) -> None:
        self._space = space
        self._replicas = put_on_devices(model, replica, options)

    @property
    def space(self) -> EmbeddingSpace:
        """The checkpoint's. Each query format has a space of its own."""
        return self._space

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of its replicas."""
        return tuple(str(replica.device) for replica in self._replicas)

    @property
    def precision(self) -> str:
        """The types its replicas compute in, each once."""
        return ", ".join(dict.fromkeys(str(each.dtype).removeprefix("torch.") for each in self._replicas))


def put_on_devices(
    model: Model, replica: Callable[[Model, torch.device, EncoderOptions], R], options: EncoderOptions
) -> list[R]:
    """Move a model to the first of the devices that a user chose, and copy it to the others.

    Raises:
        ModelNotAvailableError: A device is not there.
        EncoderOutOfMemoryError: A device does not hold the model.
    """
    with device_errors_translated():
        return [
            replica(its_own, device, options)
            for its_own, device in one_for_each(model, choose_devices(options.devices))
        ]


def encode_on_all(
    replicas: Sequence[Replica[Item, Batch, Result]], items: Sequence[Item], lengths: Sequence[int]
) -> list[Result]:
    """Encode items on all devices.

    Args:
        replicas: The same model on each device.
        items: What to encode.
        lengths: Tokens of each.

    Returns:
        One result for each item, in order.

    Raises:
        EncoderOutOfMemoryError: A single item is more than a device's memory holds.
        EncoderError: A device failed otherwise.
    """
    work = Work(lengths, len(replicas))
    return share(work, [replica.encode(items, work) for replica in replicas])

"""The devices of this machine: which one computes, in what precision, and how many pages it can hold at once."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from maxsight.encoders.base import Precision
from maxsight.errors import EncoderError, ModelNotAvailableError
from maxsight.threads import cpu_count

Model = TypeVar("Model", bound=nn.Module)

MAX_BATCH_PAGES = 32
"""In one batch, however much memory there is. Far fewer pages use all of a GPU's cores."""
_UNMEASURED_PAGES = {"cpu": 1, "mps": 4}
"""Where memory can't be measured. A CPU is at least as fast with one page at a time: no cache holds more."""
_SHARE_OF_MEMORY = 0.8
"""Of the free memory: allocators leave gaps, and other programs may need some."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that an encoder can run on.

    Attributes:
        name: As given to ``--device``.
        hardware: The name of the hardware.
        memory_bytes: All its memory; None if unknown.
        dtype: The type that encoders compute in there by default.
    """

    name: str
    hardware: str
    memory_bytes: int | None
    dtype: str


def available_devices() -> list[str]:
    """Name the devices of this machine, the fastest kind first."""
    gpus = (
        [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    return [*gpus, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def describe_devices() -> list[Device]:
    """Describe the devices of this machine; ``auto`` means the first."""
    return [_describe(torch.device(name)) for name in available_devices()]


def choose_devices(names: Sequence[str]) -> list[torch.device]:
    """Find devices by name.

    Args:
        names: ``auto`` (the first of :func:`available_devices`), ``cuda``, ``cuda:1``, ``mps``, ``cpu``.

    Raises:
        ModelNotAvailableError: One of them is not on this machine.
    """
    available = available_devices()
    standing_for = {"auto": available[0], "cuda": "cuda:0"}
    for name in names:
        if standing_for.get(name, name) not in available:
            raise ModelNotAvailableError(
                f"there is no device {name!r} here, only {', '.join(available)}",
                hint="Choose one of these, or leave the choice to --device auto.",
            )
    return [torch.device(standing_for.get(name, name)) for name in names]


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Find the floating-point type to compute in."""
    if precision is not Precision.AUTO:
        dtype: torch.dtype = getattr(torch, precision.value)
        return dtype
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda":
        with torch.cuda.device(device):
            return (
                torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
            )
    return torch.float16


def place(module: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Move a module to a device, and its weights to a precision.

    Buffers keep their precision: rotary frequencies in bfloat16 would put a page's last tokens in the wrong places.
    """
    for parameter in module.parameters():
        parameter.requires_grad_(False)
        parameter.data = parameter.data.to(dtype)
    module.eval().to(device)


def one_for_each(model: Model, devices: Sequence[torch.device]) -> Iterator[tuple[Model, torch.device]]:
    """Yield a model for the first device, and a copy of it on each other device.

    A copy is made when the iteration reaches it, tensor by tensor on its own device. If the model has been moved by
    then, the host holds no copy.
    """
    yield model, devices[0]
    for device in devices[1:]:
        yield _copy(model, device), device


def pages_per_batch(device: torch.device, encode_page: Callable[[], object]) -> int:
    """Estimate how many of the largest pages fit into a device's free memory.

    Args:
        device: The model's device.
        encode_page: Encodes one such page there. It is called on a GPU only, where its memory can be measured.
    """
    if device.type != "cuda":
        return _UNMEASURED_PAGES[device.type]
    encode_page()  # libraries allocate workspaces at the first use
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    encode_page()
    per_page = torch.cuda.max_memory_allocated(device) - before
    release_memory(device)
    free, _ = torch.cuda.mem_get_info(device)
    return pages_that_fit(free, per_page)


def pages_that_fit(free_bytes: int, bytes_per_page: int) -> int:
    """Divide free memory by the memory of a page: at least 1, at most :data:`MAX_BATCH_PAGES`."""
    return int(min(MAX_BATCH_PAGES, max(1, free_bytes * _SHARE_OF_MEMORY // max(bytes_per_page, 1))))


def check_finite(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors unchanged if all are finite.

    Raises:
        EncoderError: The model's numbers overflowed, as some do in float16.
    """
    if not np.isfinite(vectors).all():
        raise EncoderError(
            "the model's numbers overflowed",
            hint="Compute in a type of greater range: --dtype bfloat16 or float32.",
        )
    return vectors


def release_memory(device: torch.device) -> None:
    """Return the memory that torch caches to the device."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _copy(model: Model, device: torch.device) -> Model:
    moved: dict[int, object] = {
        id(weight): nn.Parameter(weight.to(device, copy=True), requires_grad=False)
        for weight in model.parameters()
    }
    moved |= {id(buffer): buffer.to(device, copy=True) for buffer in model.buffers()}
    return copy.deepcopy(model, moved)


def _describe(device: torch.device) -> Device:
    dtype = str(choose_dtype(Precision.AUTO, device)).removeprefix("torch.")
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        return Device(str(device), gpu.name, gpu.total_memory, dtype)
    if device.type == "mps":
        return Device(str(device), "Apple GPU", torch.mps.recommended_max_memory(), dtype)
    return Device(str(device), f"{cpu_count()} cores", _memory_bytes(), dtype)


def _memory_bytes() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

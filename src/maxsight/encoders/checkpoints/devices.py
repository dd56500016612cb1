"""Where a model computes and in what precision, and how many pages it can hold at once."""

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
"""In one batch, however much memory there is: a large model is busy with far fewer."""
_PAGES_WITHOUT_MEASURE = {"cpu": 1, "mps": 4}
"""A CPU computes one page after the other at least as fast as several at once, which no cache holds."""
_SHARE_OF_MEMORY = 0.8
"""Of what is free: allocators leave gaps, and others may want some."""


@dataclass(frozen=True, slots=True)
class Device:
    """What an encoder can run on.

    Attributes:
        name: As given to ``--device``.
        hardware: What it is.
        memory_bytes: All that it has; None where that is not known.
        dtype: What encoders compute in there unless told otherwise.
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
    """Find the devices that are asked for.

    Args:
        names: ``auto`` (the first of :func:`available_devices`), ``cuda``, ``cuda:1``, ``mps``, ``cpu``.

    Raises:
        ModelNotAvailableError: One of them is not on this machine.
    """
    return [_choose_device(name) for name in names]


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
    """Bring a module to a device, its weights to a precision.

    Buffers keep theirs: rotary frequencies in bfloat16 would put a page's last tokens in the wrong places.
    """
    for parameter in module.parameters():
        parameter.requires_grad_(False)
        parameter.data = parameter.data.to(dtype)
    module.eval().to(device)


def one_for_each(model: Model, devices: Sequence[torch.device]) -> Iterator[tuple[Model, torch.device]]:
    """Hand out a model for the first device, and a copy of it on every other one.

    A copy is made when it is asked for, tensor by tensor where it is to be: if the model has been moved by then, the
    host holds none of them.
    """
    yield model, devices[0]
    for device in devices[1:]:
        yield _copy(model, device), device


def pages_per_batch(device: torch.device, encode_page: Callable[[], object]) -> int:
    """Find how many of the largest pages fit into a device's free memory.

    Args:
        device: Where the model is.
        encode_page: Encodes one such page there. Called on a GPU only, where what it takes can be measured.
    """
    if device.type != "cuda":
        return _PAGES_WITHOUT_MEASURE[device.type]
    encode_page()  # libraries take their workspaces at the first use
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    encode_page()
    per_page = torch.cuda.max_memory_allocated(device) - before
    release_memory(device)
    free, _ = torch.cuda.mem_get_info(device)
    return pages_that_fit(free, per_page)


def pages_that_fit(free_bytes: int, bytes_per_page: int) -> int:
    """Divide free memory among pages: at least 1, at most :data:`MAX_BATCH_PAGES`."""
    return int(min(MAX_BATCH_PAGES, max(1, free_bytes * _SHARE_OF_MEMORY // max(bytes_per_page, 1))))


def check_finite(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hand on what a model gave.

    Raises:
        EncoderError: Its numbers overflowed, as those of some models do in float16.
    """
    if not np.isfinite(vectors).all():
        raise EncoderError(
            "the model's numbers overflowed",
            hint="Compute in a type of greater range: --dtype bfloat16 or float32.",
        )
    return vectors


def release_memory(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the device."""
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


def _choose_device(name: str) -> torch.device:
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if (chosen := "cuda:0" if name == "cuda" else name) in available:
        return torch.device(chosen)
    raise ModelNotAvailableError(
        f"there is no device {name!r} here, only {', '.join(available)}",
        hint="Choose one of these, or leave the choice to --device auto.",
    )

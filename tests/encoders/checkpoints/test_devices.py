"""Where a model runs, in what precision, and how many pages it takes."""

import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
from opened import open_tiny
from torch.utils._python_dispatch import TorchDispatchMode

from maxsight.encoders.base import Precision
from maxsight.encoders.checkpoints.devices import (
    MAX_BATCH_PAGES,
    available_devices,
    choose_devices,
    choose_dtype,
    one_for_each,
    pages_per_batch,
    pages_that_fit,
    place,
)
from maxsight.errors import ModelNotAvailableError

CPU = torch.device("cpu")
GIGABYTE = 1 << 30


def machine_with(monkeypatch, *, gpus=0, mps=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("gpus", "mps", "chosen"), [(2, False, "cuda:0"), (0, True, "mps"), (0, False, "cpu")], ids=str
)
def test_auto_is_a_gpu_then_apples_then_the_cpu(monkeypatch, gpus, mps, chosen):
    machine_with(monkeypatch, gpus=gpus, mps=mps)
    assert choose_devices(["auto"]) == [torch.device(chosen)]


def test_devices_are_found_by_name_in_the_order_given(monkeypatch):
    machine_with(monkeypatch, gpus=3)
    assert choose_devices(["cuda:2", "cuda", "cpu"]) == [
        torch.device(name) for name in ("cuda:2", "cuda:0", "cpu")
    ]


@pytest.mark.parametrize("name", ["cuda:7", "mps", "cuda:", "tpu", "gpu"])
def test_a_device_that_is_not_there_is_refused_and_what_is_there_is_named(monkeypatch, name):
    machine_with(monkeypatch, gpus=2)
    with pytest.raises(ModelNotAvailableError, match=r"only cuda:0, cuda:1, cpu") as failure:
        choose_devices([name])
    assert repr(name) in str(failure.value)
    assert "--device auto" in failure.value.hint


def test_there_is_always_a_device():
    assert available_devices()[-1] == "cpu"


def test_a_cpu_computes_in_float32_by_default():
    assert choose_dtype(Precision.AUTO, CPU) is torch.float32
    assert choose_dtype(Precision.BFLOAT16, CPU) is torch.bfloat16
    assert choose_dtype(Precision.AUTO, torch.device("mps")) is torch.float16


def test_pages_fill_four_fifths_of_free_memory_within_reason():
    assert pages_that_fit(10 * GIGABYTE, GIGABYTE) == 8
    assert pages_that_fit(GIGABYTE, 4 * GIGABYTE) == 1, "one page is always tried"
    assert pages_that_fit(500 * GIGABYTE, GIGABYTE) == MAX_BATCH_PAGES


def test_on_a_cpu_no_page_is_encoded_to_find_the_batch_size():
    assert pages_per_batch(CPU, encode_page=pytest.fail) >= 1


def test_in_half_precision_positions_are_still_computed_in_float32(tiny_checkpoint):
    """In bfloat16 a rotary frequency is off by up to 0.4%: radians, by a page's thousandth token."""
    opened = open_tiny("colqwen2", tiny_checkpoint)
    before = {name: buffer.clone() for name, buffer in opened.checkpoint.backbone.named_buffers()}
    assert any("inv_freq" in name for name in before)
    place(opened.checkpoint.backbone, CPU, torch.bfloat16)
    assert {weight.dtype for weight in opened.checkpoint.backbone.parameters()} == {torch.bfloat16}
    for name, buffer in opened.checkpoint.backbone.named_buffers():
        assert torch.equal(buffer, before[name])
        assert buffer.dtype == before[name].dtype


class HostTensors(TorchDispatchMode):
    """Counts the values that are made on the host."""

    made = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.device.type == "cpu":
            self.made += result.numel()
        return result


def test_a_copy_for_another_device_is_made_there_and_not_on_the_host():
    """The device without memory stands for a GPU."""
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8))
    model.append(model[0])
    with HostTensors() as host:
        (first, _), (other, device) = one_for_each(model, [CPU, torch.device("meta")])
    assert host.made == 0
    assert first is model
    assert device.type == "meta"
    assert {tensor.device.type for tensor in (*other.parameters(), *other.buffers())} == {"meta"}
    assert other.state_dict().keys() == model.state_dict().keys()
    assert other[2].weight is other[0].weight


def test_a_copy_is_made_only_when_the_one_before_it_is_placed():
    handed_out = one_for_each(torch.nn.Linear(8, 8), [CPU, torch.device("meta")])
    first, _ = next(handed_out)
    first.to(torch.bfloat16)
    assert next(handed_out)[0].weight.dtype == torch.bfloat16

"""Several devices share the pages of one call; two CPU replicas stand for them here."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
from opened import open_tiny, page_image, page_of

from maxsight.encoders.checkpoints.visual_model import VisualModel
from maxsight.errors import EncoderError, EncoderOutOfMemoryError

SIZES = ((425, 550), (250, 300), (300, 150))


@pytest.fixture(scope="module")
def opened(tiny_checkpoint):
    return open_tiny("colqwen2", tiny_checkpoint)


@pytest.fixture(scope="module")
def pages():
    return [page_of(page_image(seed, SIZES[seed % 3]), page_index=seed) for seed in range(9)]


def test_pages_come_back_in_order_from_several_devices(opened, pages):
    one, two = opened.encoder(batch_size=2), opened.encoder(batch_size=2, devices=("cpu", "cpu"))
    for alone, shared in zip(one.encode_pages(pages), two.encode_pages(pages), strict=True):
        np.testing.assert_allclose(shared.vectors, alone.vectors, atol=1e-5)


def test_every_device_has_its_share(opened, pages, monkeypatch):
    """Each device waits until the other has begun. The first has two batches by then: one to compute, one prepared."""
    from threading import Barrier

    both, launch, busy = Barrier(2), VisualModel._launch, set()

    def launch_together(replica, batch):
        if id(replica) not in busy:
            busy.add(id(replica))
            both.wait(timeout=30)
        return launch(replica, batch)

    monkeypatch.setattr(VisualModel, "_launch", launch_together)
    assert len(opened.encoder(batch_size=2, devices=("cpu", "cpu")).encode_pages(pages)) == 9
    assert len(busy) == 2


def test_replicas_do_not_share_weights(opened):
    """Devices can't share weights."""
    first, second = opened.encoder(devices=("cpu", "cpu"))._replicas
    ours, theirs = (next(replica._backbone.parameters()) for replica in (first, second))
    assert torch.equal(ours, theirs)
    assert ours.data_ptr() != theirs.data_ptr()


def test_the_encoder_asks_for_enough_pages_for_all_devices(opened):
    assert (
        opened.encoder(batch_size=4, devices=("cpu", "cpu")).batch_size
        == 2 * opened.encoder(batch_size=4).batch_size
    )


def test_when_a_batch_is_too_much_for_the_memory_no_page_is_lost(opened, pages):
    """The forward pass runs into the allocator's own refusal for more than two pages."""
    expected = opened.encoder(batch_size=2).encode_pages(pages)
    encoder = opened.encoder(batch_size=8)
    with out_of_memory_beyond(opened, pages=2) as tried:
        embeddings = encoder.encode_pages(pages)
        again = len(tried)
        encoder.encode_pages(pages)
    for embedding, same in zip(embeddings, expected, strict=True):
        np.testing.assert_allclose(embedding.vectors, same.vectors, atol=1e-5)
    assert max(tried[:again]) > 2
    assert max(tried[again:]) <= 2, "the size that works is remembered"


def test_a_single_page_that_is_too_much_is_one_clear_error_on_any_number_of_devices(opened, pages):
    for devices in (("cpu",), ("cpu", "cpu")):
        with (
            out_of_memory_beyond(opened, pages=0),
            pytest.raises(EncoderOutOfMemoryError, match="a single page"),
        ):
            # The copy for the second device fails as the first: it is made of the same, hooks and all.
            opened.encoder(batch_size=4, devices=devices).encode_pages(pages)


def test_a_query_that_is_too_much_is_one_clear_error(opened):
    encoder = opened.encoder()
    with out_of_memory_beyond(opened, pages=0), pytest.raises(EncoderOutOfMemoryError):
        encoder.encode_query("total revenue")


def test_numbers_that_overflow_are_an_error_not_a_vector(tiny_checkpoint, pages):
    opened = open_tiny("colqwen2", tiny_checkpoint)
    with torch.no_grad():
        opened.checkpoint.projection.weight.fill_(float("inf"))
    with pytest.raises(EncoderError, match="overflowed") as failure:
        opened.encoder().encode_pages(pages[:1])
    assert "--dtype" in failure.value.hint


class out_of_memory_beyond:
    """Let the backbone ask the allocator for what it can't have whenever a batch has more pages than this."""

    def __init__(self, opened, *, pages):
        self._backbone, self._pages, self._tried = opened.checkpoint.backbone, pages, []

    def __enter__(self):
        def refuse(_module, _args, given):
            self._tried.append(len(given["input_ids"]))
            if self._tried[-1] > self._pages:
                torch.empty(1 << 60)

        self._hook = self._backbone.register_forward_pre_hook(refuse, with_kwargs=True)
        return self._tried

    def __exit__(self, *_):
        self._hook.remove()

"""The contract of visual encoders, on every family."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
from opened import ENGINE, KINDS, open_tiny, page_image, page_of

from maxsight.encoders.base import Precision
from maxsight.encoders.checkpoints import visual
from maxsight.encoders.checkpoints.families.colqwen import ColQwen
from maxsight.errors import InputError
from maxsight.pictures import Fit
from maxsight.types import MAX_VECTORS_PER_PAGE, WHOLE_PAGE


@pytest.fixture(params=KINDS)
def opened(request, opened_once):
    return opened_once(request.param)


@pytest.fixture
def encoder(opened):
    return opened.encoder()


@pytest.fixture(scope="module")
def pages():
    return [page_of(page_image(seed, size), seed) for seed, size in enumerate([(280, 360), (300, 150)])]


def test_page_vectors_are_float32_of_length_1_each_with_a_box(encoder, pages):
    for embedding in encoder.encode_pages(pages):
        assert embedding.vectors.dtype == np.float32
        assert embedding.vectors.shape[1] == encoder.space.dim
        np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-6)
        assert embedding.regions.boxes.shape == (len(embedding.vectors), 4)
        assert embedding.regions.spans is None


def test_vectors_are_of_length_1_in_half_precision_too(tiny_checkpoint, pages):
    """Norms that are computed in bfloat16 are off by up to 0.4%."""
    encoder = open_tiny("colpali", tiny_checkpoint).encoder(precision=Precision.BFLOAT16)
    (embedding,) = encoder.encode_pages(pages[:1])
    np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-6)


def test_query_vectors_are_float32_of_length_1(encoder):
    vectors = encoder.encode_query("What drove net sales?").vectors
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_hidden_states_come_with_the_same_vectors(encoder, pages):
    assert encoder.hidden_states is encoder
    plain = encoder.encode_pages(pages)
    for embedding, (same, hidden) in zip(plain, encoder.encode_pages_with_hidden(pages), strict=True):
        np.testing.assert_array_equal(embedding.vectors, same.vectors)
        assert hidden.shape == (len(embedding.vectors), encoder.hidden_dim)
        assert hidden.dtype == np.float32


def test_hidden_states_of_colpali_are_2048_long(tiny_checkpoint, pages):
    opened = open_tiny("colpali-2048", tiny_checkpoint)
    ((embedding, hidden),) = opened.encoder().encode_pages_with_hidden(pages[:1])
    assert embedding.vectors.shape == (1030, 128)
    assert hidden.shape == (1030, 2048)


def test_vectors_with_hidden_states_take_one_forward_pass_without_a_cache(opened, pages):
    calls = []
    hook = opened.checkpoint.backbone.register_forward_hook(
        lambda _module, _args, output: calls.append(output.get("past_key_values"))
    )
    opened.encoder(batch_size=2).encode_pages_with_hidden([pages[0], pages[0]])
    hook.remove()
    assert calls == [None]


def test_encoding_twice_gives_the_same_vectors(encoder, pages):
    for first, second in zip(encoder.encode_pages(pages), encoder.encode_pages(pages), strict=True):
        np.testing.assert_array_equal(first.vectors, second.vectors)


def test_queries_between_pages_change_nothing(encoder, pages):
    """Qwen's models can remember positions from one call to the next."""
    before, query = encoder.encode_pages(pages[:1])[0], encoder.encode_query("total revenue")
    encoder.encode_pages(pages[1:])
    np.testing.assert_array_equal(encoder.encode_query("total revenue").vectors, query.vectors)
    np.testing.assert_array_equal(encoder.encode_pages(pages[:1])[0].vectors, before.vectors)


def test_no_pages_give_no_embeddings(encoder):
    assert encoder.encode_pages([]) == []
    assert encoder.encode_pages_with_hidden([]) == []


def test_a_page_without_a_picture_is_refused_and_named(encoder, pages):
    with pytest.raises(InputError, match=r"page 5 has no picture") as failure:
        encoder.encode_pages([*pages, page_of(None, page_index=4)])
    assert "minilm" in failure.value.hint


def test_the_space_tells_the_checkpoint_and_how_its_queries_are_written(opened):
    space, checkpoint = opened.encoder().space, opened.checkpoint
    assert (space.encoder, space.revision) == (checkpoint.name, checkpoint.revision)
    assert space.dim == (320 if opened.kind == "engine-colqwen3" else 128)
    assert space.query_format == ("engine" if opened.kind in ENGINE else "native")


def test_the_picture_it_wants_is_what_its_processor_says(opened_once):
    fits = {kind: opened_once(kind).encoder().picture for kind in KINDS}
    assert (fits["colpali"].fit, fits["colpali"].width_px, fits["colpali"].resample) == (
        Fit.STRETCH,
        448,
        "bicubic",
    )
    qwen = fits["colqwen2"]
    assert (qwen.fit, qwen.multiple_px, qwen.min_pixels, qwen.max_pixels) == (
        Fit.MULTIPLE,
        28,
        3136,
        768 * 784,
    )
    assert fits["engine-colqwen3"].multiple_px == 32
    tiles = fits["colmodernvbert"]
    assert (tiles.fit, tiles.longest_edge_px, tiles.resample) == (Fit.LONGEST_EDGE, 512, "lanczos")


def test_the_vectors_of_the_prompt_stand_for_the_whole_page(opened_once, pages):
    """ColPali: 1,024 patches, then <bos>, "Describe the image." and a line break."""
    opened = opened_once("colpali")
    (embedding,) = opened.encoder().encode_pages(pages[:1])
    whole = (embedding.regions.boxes == WHOLE_PAGE).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(whole), np.arange(1024, len(embedding.vectors)))


def test_large_pictures_make_smaller_batches(opened_once, monkeypatch):
    """Pictures of up to 512 x 512 pixels and three bytes each; a device is given one, however large it is."""
    opened = opened_once("colmodernvbert")
    monkeypatch.setattr(visual, "MAX_PICTURE_BYTES", 5 * 3 * 512**2)
    for devices, batch_size, asked_for in ((1, 2, 4), (1, 8, 5), (2, 8, 10)):
        assert opened.encoder(batch_size=batch_size, devices=("cpu",) * devices).batch_size == asked_for
    monkeypatch.setattr(visual, "MAX_PICTURE_BYTES", 1)
    assert opened.encoder(batch_size=8, devices=("cpu", "cpu")).batch_size == 2


def test_it_has_nothing_to_notice_about_a_text(encoder):
    assert encoder.notice("Umsatz") is None


def test_a_page_of_more_patches_than_a_page_may_have_vectors_is_merged(tiny_checkpoint, monkeypatch):
    """A square of 66 x 66 merged patches; hidden states are averaged over the same neighbours."""
    opened = open_tiny("colqwen2", tiny_checkpoint)
    opened.checkpoint.processor.image_processor.size = {"shortest_edge": 3136, "longest_edge": 66 * 66 * 784}
    encoder = opened.encoder()
    assert isinstance(encoder._family, ColQwen)
    ((embedding, hidden),) = encoder.encode_pages_with_hidden([page_of(page_image(0, (1848, 1848)))])
    assert len(embedding.vectors) == len(hidden) == len(embedding.regions) == MAX_VECTORS_PER_PAGE
    np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_on_a_gpu_the_vectors_are_those_of_the_cpu(opened, pages):
    """In float32, with the batch size that its memory gives, and inputs and results copied while it computes."""
    expected = opened.encoder().encode_pages_with_hidden(pages)
    query = opened.encoder().encode_query("total revenue")
    gpu = opened.encoder(batch_size=None, devices=("cuda",))
    assert gpu.batch_size >= 2
    for (there, hidden), (here, states) in zip(gpu.encode_pages_with_hidden(pages), expected, strict=True):
        np.testing.assert_allclose(there.vectors, here.vectors, atol=1e-3)
        np.testing.assert_allclose(hidden, states, atol=1e-2)
    np.testing.assert_allclose(gpu.encode_query("total revenue").vectors, query.vectors, atol=1e-3)

"""Pages and queries of every family against what transformers itself makes of them."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
from opened import KINDS, NATIVE, page_image, page_of

from maxsight.encoders.checkpoints.families import family_of
from maxsight.encoders.checkpoints.families.queries import MAX_QUERY_TOKENS
from maxsight.errors import EmptyQueryError
from maxsight.pictures import fit_picture

SIZES = ((425, 550), (600, 250), (90, 70), (130, 900))
LARGE = (850, 1100)
QUERY = "what is the total revenue in 2023 ?"


@pytest.fixture(params=KINDS)
def opened(request, opened_once):
    return opened_once(request.param)


@pytest.mark.parametrize("size", (*SIZES, LARGE))
def test_a_pages_vectors_are_those_of_transformers(opened, size):
    image = page_image(1, size)
    (embedding,) = opened.encoder().encode_pages([page_of(image)])
    np.testing.assert_allclose(embedding.vectors, opened.page_vectors(image), atol=1e-5)


def test_a_querys_vectors_are_those_of_transformers(opened):
    np.testing.assert_allclose(
        opened.encoder().encode_query(QUERY).vectors, opened.query_vectors(QUERY), atol=1e-5
    )


def test_a_pages_vectors_do_not_depend_on_its_batch_mates(opened):
    """Alone there is no padding; among pages of other shapes there is, in every family that knows shapes."""
    pages = [page_of(page_image(seed, size)) for seed, size in enumerate(SIZES)]
    together = opened.encoder(batch_size=4).encode_pages(pages)
    for page, mate in zip(pages, together, strict=True):
        (alone,) = opened.encoder(batch_size=1).encode_pages([page])
        np.testing.assert_allclose(mate.vectors, alone.vectors, atol=1e-5)
        np.testing.assert_array_equal(mate.regions.boxes, alone.regions.boxes)


@pytest.mark.parametrize(
    "kind", ["colqwen2", "colmodernvbert", "engine-colqwen2_5", "engine-colqwen3", "engine-colidefics3"]
)
def test_pages_of_different_shapes_have_different_numbers_of_vectors(kind, opened_once):
    """Else the test above would say nothing about padding."""
    family = family_of(opened_once(kind).checkpoint)
    assert len({family.page_tokens(np.asarray(page_image(0, size))) for size in SIZES}) >= 3


def test_the_hidden_states_projected_and_normalised_are_the_vectors(opened):
    ((embedding, hidden),) = opened.encoder().encode_pages_with_hidden([page_of(page_image(2))])
    with torch.no_grad():
        np.testing.assert_allclose(opened.projected(torch.from_numpy(hidden)), embedding.vectors, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_pixels_scaled_on_the_device_are_those_of_the_processor(opened, size):
    """8-bit pixels travel; the model gets what the processor would have given it."""
    image, seen = page_image(3, size), {}
    backbone = opened.checkpoint.backbone
    hook = backbone.register_forward_pre_hook(lambda _, args, kwargs: seen.update(kwargs), with_kwargs=True)
    family = family_of(opened.checkpoint)
    batch = family.prepare_pages([np.asarray(image)])
    with torch.inference_mode():
        family.forward(backbone, batch.inputs, torch.float32)
    hook.remove()
    expected = opened.page_inputs(image)["pixel_values"]
    assert batch.inputs["pixels"].dtype == torch.uint8
    np.testing.assert_allclose(seen["pixel_values"].flatten(), expected.flatten(), atol=1e-5)


def test_a_picture_fitted_before_gives_the_same_inputs(opened):
    image, family = page_image(4, (700, 900)), family_of(opened.checkpoint)
    fitted = fit_picture(image, family.picture)
    whole, ready = family.prepare_pages([np.asarray(image)]), family.prepare_pages([fitted])
    assert whole.inputs.keys() == ready.inputs.keys()
    assert all(torch.equal(tensor, ready.inputs[name]) for name, tensor in whole.inputs.items())


def test_the_number_of_tokens_is_known_before_a_page_is_prepared(opened):
    family = family_of(opened.checkpoint)
    for size in (*SIZES, LARGE):
        picture = np.asarray(page_image(0, size))
        assert (family.page_tokens(picture),) == family.prepare_pages([picture]).lengths
        assert family.page_tokens(picture) <= family.tokens(*family.largest)


def test_each_query_vector_names_its_word_or_none(opened):
    query = opened.encoder().encode_query('Why did "net sales" fall (in 2023)?')
    assert query.text == 'Why did "net sales" fall (in 2023)?'
    assert query.words == ("Why", "did", "net", "sales", "fall", "in", "2023")
    named = query.word_index[query.word_index >= 0]
    assert set(named) == set(range(7))
    assert (np.diff(named) >= 0).all()
    assert (query.word_index[-10:] == -1).all(), "what queries are augmented with belongs to no word"


def test_special_tokens_in_a_query_are_plain_text(opened):
    """The words around it keep their places."""
    tokens = opened.processor.tokenizer.all_special_tokens
    for mark in ("<image>", *tokens[:4]):
        query = opened.encoder().encode_query(f"the {mark} table")
        assert query.text == f"the {mark} table"
        assert query.words[0] == "the"
        assert query.words[-1] == "table"
        assert {0, len(query.words) - 1} <= set(query.word_index)


def test_a_query_in_other_scripts_is_encoded_word_by_word(opened):
    query = opened.encoder().encode_query("Straße 日本 — naïve café")
    assert query.words == ("Straße", "日本", "naïve", "café")
    assert set(query.word_index) == {-1, 0, 1, 2, 3}


@pytest.mark.parametrize("text", ["", "  \t\n", "?", "... -- !?", "—"])
def test_a_query_of_nothing_but_space_and_punctuation_is_refused(opened, text):
    with pytest.raises(EmptyQueryError, match="no words"):
        opened.encoder().encode_query(text)


def test_only_the_beginning_of_a_very_long_query_is_searched_for_and_shown(opened):
    text = "What drove net sales in fiscal year 2023? " * 1250
    query = opened.encoder().encode_query(text)
    assert text.startswith(query.text)
    assert MAX_QUERY_TOKENS / 2 < len(query.vectors) <= MAX_QUERY_TOKENS + 40
    assert query.words[:3] == ("What", "drove", "net")
    np.testing.assert_array_equal(query.vectors, opened.encoder().encode_query(query.text).vectors)


def test_native_and_engine_queries_are_of_different_spaces(opened_once):
    native, engine = (opened_once(kind).encoder().space for kind in ("colpali", "engine-colpali"))
    assert (native.query_format, engine.query_format) == ("native", "engine")
    assert not native.matches(engine)


@pytest.mark.parametrize("kind", NATIVE)
def test_queries_of_one_word_and_of_many_are_read_alike(kind, opened_once):
    """transformers pads the shorter of two queries; ours are never padded, so its answer for one alone is ours."""
    opened = opened_once(kind)
    for text in ("table", "how many pages are there"):
        np.testing.assert_allclose(
            opened.encoder().encode_query(text).vectors, opened.query_vectors(text), atol=1e-5
        )

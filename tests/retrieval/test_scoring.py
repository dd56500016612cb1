"""Scores by codes and by vectors, compiled and in numpy, against their definition."""

import numpy as np
import pytest
from hypothesis import given

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.retrieval import scoring
from maxsight.retrieval.codes import PageCodec
from maxsight.retrieval.kernels import loading
from maxsight.retrieval.maxsim import maxsim
from maxsight.retrieval.scoring import score_exact, score_four_bit, score_signs
from maxsight.stores.ragged import PageBytes, PageVectors
from retrieval_pages import CASES, all_signs, anything, codes_of, pages_of, sign_scores, signs_of, unit


@pytest.fixture(params=["numba", "numpy"])
def kernels(request, monkeypatch):
    monkeypatch.setenv("MAXSIGHT_KERNELS", request.param)
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    assert (loading.load_kernels() is loading.NUMPY) == (request.param == "numpy")
    return request.param


def packed(pages, dim):
    return PageVectors.from_arrays([str(number) for number in range(len(pages))], pages, dim)


def in_a_file(pages, dim, between):
    """The same pages as a file may hold them: at odd places, with bytes between vectors."""
    stride = dim * 2 + between
    rows = [np.zeros((len(page), stride), np.uint8) for page in pages]
    for row, page in zip(rows, pages, strict=True):
        row[:, between:] = page.view(np.uint8)
    buffer = np.concatenate([np.zeros(3, np.uint8), *(row.reshape(-1) for row in rows)])
    starts = 3 + between + np.cumsum([0, *(row.size for row in rows)], dtype=np.int64)[:-1]
    data = PageBytes((buffer,), np.zeros(len(pages), np.int32), starts)
    counts = np.array([len(page) for page in pages], np.int64)
    return PageVectors(tuple("x" * len(pages)), counts, data, np.full(len(pages), stride), dim)


@anything
@given(**CASES)
def test_pages_score_exactly_as_the_reference_says(kernels, lengths, dim, tokens, seed):
    rng = np.random.default_rng(seed)
    pages, query = pages_of(rng, lengths, dim), unit(rng, tokens, dim)
    expected = maxsim(query, pages)
    np.testing.assert_allclose(score_exact(query, packed(pages, dim)), expected, rtol=1e-5, atol=1e-5)
    for between in (0, 1, 2):
        stored = in_a_file(pages, dim, between)
        np.testing.assert_allclose(score_exact(query, stored), expected, rtol=1e-5, atol=1e-5)


@anything
@given(**CASES)
def test_signs_score_by_how_well_the_query_agrees_with_them(kernels, lengths, dim, tokens, seed):
    rng = np.random.default_rng(seed)
    pages, codec = pages_of(rng, lengths, dim), PageCodec(dim)
    queries = [unit(rng, tokens, dim), unit(rng, 3, dim)]
    coded = [codec._coded(query).signs for query in queries]
    scores = score_signs(coded, *all_signs(codec, pages))
    stored = [signs_of(codec, page) for page in pages]
    for query, row in zip(coded, scores, strict=True):
        asked = query.levels.astype(float)
        if loading.queries_are_binary():
            asked = np.where(asked >= 0, 1.0, -1.0) * np.abs(asked).mean(axis=1, keepdims=True)
        np.testing.assert_allclose(row, sign_scores(asked, query.scales, stored), rtol=1e-5)
    near = np.abs(
        (codec.rotate(queries[0]) - codec._mean)[:, :128] - coded[0].levels * coded[0].scales[:, None] / 127
    )
    assert near.max() <= coded[0].scales.max() / 254 + 1e-6


@anything
@given(**CASES)
def test_4_bit_codes_score_like_the_vectors_they_stand_for(kernels, lengths, dim, tokens, seed):
    rng = np.random.default_rng(seed)
    pages, codec = pages_of(rng, lengths, dim), PageCodec(dim)
    query = unit(rng, tokens, dim)
    coded, codes = codec._coded(query).four_bit, codes_of(codec, pages)
    scores = score_four_bit(coded, codes.counts, codes.four_bit)
    for page, score in zip(pages, scores, strict=True):
        if not len(page):
            assert score == -np.inf
            continue
        steps = np.floor(codec.rotate(page) / codec._step + 8).clip(0, 15)
        parts = coded.scales * (coded.levels.astype(np.float64) @ steps.T).max(axis=1)
        np.testing.assert_allclose(score, parts.sum(), atol=1e-6 * np.abs(parts).sum())


@pytest.mark.parametrize("dim", [640, 4096])
def test_wide_vectors_score_as_the_reference_says(kernels, dim):
    rng = np.random.default_rng(0)
    pages, codec = pages_of(rng, (5, 0, 40), dim), PageCodec(dim)
    query = unit(rng, 6, dim)
    np.testing.assert_allclose(score_exact(query, packed(pages, dim)), maxsim(query, pages), rtol=1e-4)
    codes = codes_of(codec, pages)
    coded = codec._coded(query).four_bit
    steps = np.floor(codec.rotate(pages[2]) / codec._step + 8).clip(0, 15)
    expected = (coded.scales * (coded.levels.astype(np.float64) @ steps.T).max(axis=1)).sum()
    np.testing.assert_allclose(score_four_bit(coded, codes.counts, codes.four_bit)[2], expected, rtol=1e-5)


@pytest.mark.parametrize("dim", [8, 32, 37, 128])
def test_a_page_with_a_changed_vector_gets_no_score(kernels, dim):
    rng = np.random.default_rng(2)
    lengths = (1, 7, 8, 9, 0, 400)
    query, pages = unit(rng, 4, dim), pages_of(rng, lengths, dim)
    expected = maxsim(query, pages)
    for page, length in enumerate(lengths):
        for vector in {0, length // 2, length - 1} & set(range(length)):
            for value in (0, dim - 1):
                changed = [np.array(one) for one in pages]
                bits = changed[page].view(np.uint16)
                bits[vector, value] ^= (
                    1 << 14
                )  # an exponent bit: numbers below 2 grow by a factor of 65,536, or are NaN
                scores = score_exact(query, packed(changed, dim))
                assert np.flatnonzero(np.isnan(scores)).tolist() == [page]
                others = np.arange(len(pages)) != page
                np.testing.assert_allclose(scores[others], expected[others], rtol=1e-5)


def test_a_pages_score_does_not_depend_on_its_batch_mates(kernels):
    rng = np.random.default_rng(1)
    query, pages = unit(rng, 4, 64), pages_of(rng, (3, 900, 1, 17), 64)
    alone = [score_exact(query, packed([page], 64))[0] for page in pages]
    assert score_exact(query, packed(pages, 64)).tolist() == alone


def test_scores_do_not_depend_on_how_pages_are_shared_out(kernels, monkeypatch):
    rng = np.random.default_rng(4)
    codec, pages = PageCodec(64), pages_of(rng, rng.integers(0, 40, 60), 64)
    codes, query = codes_of(codec, pages), codec._coded(unit(rng, 6, 64))
    signs = all_signs(codec, pages)
    before = score_signs([query.signs], *signs), score_four_bit(query.four_bit, codes.counts, codes.four_bit)
    monkeypatch.setattr(scoring, "MIN_VECTORS_PER_CHUNK", 37)
    after = score_signs([query.signs], *signs), score_four_bit(query.four_bit, codes.counts, codes.four_bit)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_fit_is_refused():
    pages = packed([np.ones((1, 9), np.float16)], 9)
    with pytest.raises(DimensionMismatchError, match="8 dimensions"):
        score_exact(np.ones((1, 8), np.float32), pages)
    with pytest.raises(InputError, match="at least one token"):
        score_exact(np.empty((0, 9), np.float32), pages)

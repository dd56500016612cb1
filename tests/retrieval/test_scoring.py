"""The quick ways to score against the slow ones, compiled and in numpy."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.retrieval import scoring
from maxsight.retrieval.codes import PageCodec
from maxsight.retrieval.kernels import loading
from maxsight.retrieval.maxsim import maxsim
from maxsight.retrieval.scoring import score_exact, score_four_bit, score_signs
from maxsight.stores.ragged import PageBytes, PageVectors
from retrieval_pages import codes_of, unit

CASES = {
    "lengths": st.lists(st.sampled_from([0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 70]), min_size=1, max_size=9),
    "dim": st.sampled_from([16, 48, 100, 128, 200]),
    "tokens": st.sampled_from([1, 2, 4, 5, 12, 16, 20, 37]),
    "seed": st.integers(0, 2**32 - 1),
}


@pytest.fixture(params=["numba", "numpy"])
def kernels(request, monkeypatch):
    monkeypatch.setenv("MAXSIGHT_KERNELS", request.param)
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    assert (loading.load_kernels() is None) == (request.param == "numpy")
    return request.param


def pages_of(rng, lengths, dim):
    return [unit(rng, length, dim).astype(np.float16) for length in lengths]


def packed(pages, dim):
    return PageVectors.of([str(number) for number in range(len(pages))], pages, dim)


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


anything = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)


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


def signs_of(codec, vectors):
    return np.where(codec.rotate(vectors)[:, :128] >= 0, 1.0, -1.0)


def all_signs(codec, pages):
    """How many vectors pages have, and the signs of all of them, laid out as pooled signs are."""
    bits = [np.packbits(signs_of(codec, page) > 0, axis=1, bitorder="little") for page in pages]
    words = [page.view("<u8").T for page in bits]
    return np.array([len(page) for page in pages], np.int64), PageBytes.of(words)


def sign_scores(asked, scales, stored):
    """What pages give by their signs, as it is defined: the squares of what agrees, of each token's best vector."""
    most = np.maximum(1, np.abs(asked).sum(axis=1))
    shares = [(asked @ page.T).max(axis=1, initial=-np.inf) / most for page in stored]
    parts = [scales * most * np.maximum(share, 0) ** 2 for share in shares]
    return [part.sum() if len(page) else -np.inf for part, page in zip(parts, stored, strict=True)]


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
def test_kernels_that_count_bits_score_binary_queries(lengths, dim, tokens, seed):
    kernels = pytest.importorskip("maxsight.retrieval.kernels.bits", reason="numba is not installed")
    rng = np.random.default_rng(seed)
    pages, codec = pages_of(rng, lengths, dim), PageCodec(dim)
    coded = [codec._coded(unit(rng, count, dim)).signs for count in (tokens, 3)]
    (counts, signs), scores = all_signs(codec, pages), np.empty((2, len(lengths)), np.float32)
    kernels.sign_scorer([(query.levels, query.scales) for query in coded])(signs.addresses(), counts, scores)
    stored = [signs_of(codec, page) for page in pages]
    for query, row in zip(coded, scores, strict=True):
        size = np.abs(query.levels.astype(float)).mean(axis=1, keepdims=True)
        rounded = np.where(query.levels >= 0, size, -size)
        np.testing.assert_allclose(row, sign_scores(rounded, query.scales, stored), rtol=1e-5)


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


@anything
@given(**CASES)
def test_the_matrix_unit_gives_the_same_numbers(monkeypatch, lengths, dim, tokens, seed):
    pytest.importorskip("numba")
    from maxsight.retrieval.kernels import bits as kernels
    from maxsight.retrieval.kernels.matrix_unit import allow_matrices

    if not allow_matrices():
        pytest.skip("this processor has no matrix unit (AMX), or the system does not lend it")
    from maxsight.retrieval.kernels import amx as matrix_kernels

    rng = np.random.default_rng(seed)
    codec = PageCodec(dim)
    pages = pages_of(rng, lengths, dim)
    codes = codes_of(codec, pages)
    query = codec._coded(unit(rng, tokens, dim))
    given, plain, by_unit = codes.four_bit.addresses(), *np.empty((2, len(lengths)), np.float32)
    kernels.four_bit_scorer(query.four_bit.levels, query.four_bit.scales)(given, codes.counts, plain)
    matrix_kernels.four_bit_scorer(query.four_bit.levels, query.four_bit.scales)(given, codes.counts, by_unit)
    np.testing.assert_array_equal(by_unit, plain)
    counts, signs = all_signs(codec, pages)
    matrix_kernels.sign_scorer([(query.signs.levels, query.signs.scales)])(
        signs.addresses(), counts, by_unit[None]
    )
    monkeypatch.setenv("MAXSIGHT_KERNELS", "numpy")
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    np.testing.assert_allclose(by_unit, score_signs([query.signs], counts, signs)[0], rtol=1e-5)


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
    monkeypatch.setattr(scoring, "VECTORS_PER_CHUNK", 37)
    after = score_signs([query.signs], *signs), score_four_bit(query.four_bit, codes.counts, codes.four_bit)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_fit_is_refused():
    pages = packed([np.ones((1, 9), np.float16)], 9)
    with pytest.raises(DimensionMismatchError, match="8 dimensions"):
        score_exact(np.ones((1, 8), np.float32), pages)
    with pytest.raises(InputError, match="at least one token"):
        score_exact(np.empty((0, 9), np.float32), pages)


def test_a_small_search_does_not_load_a_compiler_and_a_large_one_does():
    code = """
import sys, numpy as np
from maxsight.retrieval.kernels.loading import kernels_for
assert kernels_for(np.array([100, 200]), 10) is None
assert "numba" not in sys.modules
assert kernels_for(np.array([10**8]), 10) is not None
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("has_unit", [True, False])
def test_whether_queries_are_binary_is_known_before_kernels_are_loaded(monkeypatch, has_unit):
    """How many candidates a search takes depends on it, and the first one may load them."""
    pytest.importorskip("numba")
    if has_unit and not loading.allow_matrices():
        pytest.skip("this processor has no matrix unit (AMX), or the system does not lend it")
    monkeypatch.setattr(loading, "allow_matrices", lambda: has_unit)
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    before = loading.queries_are_binary()
    assert loading.load_kernels().binary_queries is before is loading.queries_are_binary() is not has_unit


def test_without_a_compiler_numpy_does_it_all_and_says_so(monkeypatch, caplog):
    monkeypatch.setenv("MAXSIGHT_KERNELS", "numba")
    monkeypatch.setitem(sys.modules, "maxsight.retrieval.kernels.bits", None)  # importing it fails
    monkeypatch.delattr("maxsight.retrieval.kernels.bits", raising=False)
    monkeypatch.setattr(loading, "_loader", loading._Loader())
    rng = np.random.default_rng(0)
    query, pages = unit(rng, 5, 32), pages_of(rng, (3, 8), 32)
    assert loading.load_kernels() is None
    assert "searches are slower without compiled kernels" in caplog.text
    np.testing.assert_allclose(score_exact(query, packed(pages, 32)), maxsim(query, pages), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="names an x86 processor")
def test_an_older_processor_scores_the_same(tmp_path):
    """Compiled for one without byte products and with half as wide vectors."""
    code = """
import os, numpy as np
from maxsight.retrieval.kernels import loading
from maxsight.retrieval.codes import PageCodec
from maxsight.retrieval.scoring import score_four_bit
from retrieval_pages import codes_of, unit
rng, codec = np.random.default_rng(0), PageCodec(128)
codes = codes_of(codec, [unit(rng, length, 128) for length in (1, 16, 37)])
query = codec._coded(unit(rng, 7, 128)).four_bit
loading.load_kernels().four_bit_scorer
compiled = score_four_bit(query, codes.counts, codes.four_bit)
os.environ["MAXSIGHT_KERNELS"], loading._loader = "numpy", loading._Loader()
np.testing.assert_allclose(compiled, score_four_bit(query, codes.counts, codes.four_bit), rtol=1e-5)
"""
    older = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+f16c"}
    place = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **older, **place})

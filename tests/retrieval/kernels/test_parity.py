"""Each kernel against ``reference``, which computes the same in numpy."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given

from maxsight.retrieval.codes import PageCodec
from maxsight.retrieval.kernels import reference
from maxsight.retrieval.kernels.matrix_unit import request_matrix_unit
from maxsight.stores.ragged import PageVectors
from retrieval_pages import CASES, all_signs, anything, codes_of, pages_of, sign_scores, signs_of, unit


@pytest.fixture(scope="module")
def bits():
    return pytest.importorskip("maxsight.retrieval.kernels.bits", reason="numba is not installed")


@pytest.fixture(scope="module")
def exact():
    return pytest.importorskip("maxsight.retrieval.kernels.exact", reason="numba is not installed")


@pytest.fixture(scope="module")
def amx():
    if not request_matrix_unit():
        pytest.skip("this processor has no matrix unit (AMX), or the system does not lend it")
    return pytest.importorskip("maxsight.retrieval.kernels.amx", reason="numba is not installed")


def sign_queries(codec, rng, *token_counts):
    coded = [codec._coded(unit(rng, count, codec.dim)).signs for count in token_counts]
    return [(query.levels, query.scales) for query in coded]


@anything
@given(**CASES)
def test_counted_bits_score_like_queries_that_are_reduced_to_signs(bits, lengths, dim, tokens, seed):
    rng, codec = np.random.default_rng(seed), PageCodec(dim)
    pages, queries = pages_of(rng, lengths, dim), sign_queries(codec, rng, tokens, 3)
    counts, signs = all_signs(codec, pages)
    binary = [(reference.reduce_to_signs(levels), scales) for levels, scales in queries]
    scores, expected = np.empty((2, 2, len(lengths)), np.float32)
    bits.sign_scorer(queries)(signs.addresses(), counts, scores)
    reference.sign_scorer(binary)(signs.addresses(), counts, expected)
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    stored = [signs_of(codec, page) for page in pages]
    for (levels, scales), row in zip(queries, scores, strict=True):
        size = np.abs(levels.astype(float)).mean(axis=1, keepdims=True)
        asked = np.where(levels >= 0, size, -size)
        np.testing.assert_allclose(row, sign_scores(asked, scales, stored), rtol=1e-5)


@anything
@given(**CASES)
def test_the_matrix_unit_scores_signs_like_the_reference(amx, lengths, dim, tokens, seed):
    rng, codec = np.random.default_rng(seed), PageCodec(dim)
    queries = sign_queries(codec, rng, tokens, 3)
    counts, signs = all_signs(codec, pages_of(rng, lengths, dim))
    scores, expected = np.empty((2, 2, len(lengths)), np.float32)
    amx.sign_scorer(queries)(signs.addresses(), counts, scores)
    reference.sign_scorer(queries)(signs.addresses(), counts, expected)
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def four_bit_scores(kernels, lengths, dim, tokens, seed):
    rng, codec = np.random.default_rng(seed), PageCodec(dim)
    codes = codes_of(codec, pages_of(rng, lengths, dim))
    query, scores = codec._coded(unit(rng, tokens, dim)).four_bit, np.empty(len(lengths), np.float32)
    kernels.four_bit_scorer(query.levels, query.scales)(codes.four_bit.addresses(), codes.counts, scores)
    return scores


@anything
@given(**CASES)
def test_vector_instructions_score_4_bit_codes_like_the_reference(bits, lengths, dim, tokens, seed):
    case = lengths, dim, tokens, seed
    expected = four_bit_scores(reference, *case)
    rounding = 1e-6 * np.abs(expected[np.isfinite(expected)]).max(initial=0) * tokens
    np.testing.assert_allclose(four_bit_scores(bits, *case), expected, atol=rounding)


@anything
@given(**CASES)
def test_the_matrix_unit_scores_4_bit_codes_to_the_last_bit_like_vector_instructions(
    amx, bits, lengths, dim, tokens, seed
):
    case = lengths, dim, tokens, seed
    np.testing.assert_array_equal(four_bit_scores(amx, *case), four_bit_scores(bits, *case))


@anything
@given(**CASES)
def test_exact_scores_are_like_the_reference(exact, lengths, dim, tokens, seed):
    rng = np.random.default_rng(seed)
    pages = PageVectors.from_arrays([""] * len(lengths), pages_of(rng, lengths, dim), dim)
    query, (scores, expected) = unit(rng, tokens, dim), np.empty((2, len(lengths)), np.float32)
    places = pages.data.addresses(), pages.strides, pages.counts
    exact.exact_scorer(query)(*places, scores)
    reference.exact_scorer(query)(*places, expected)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


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
assert loading.load_kernels() is not loading.NUMPY
compiled = score_four_bit(query, codes.counts, codes.four_bit)
os.environ["MAXSIGHT_KERNELS"], loading._loader = "numpy", loading._Loader()
np.testing.assert_allclose(compiled, score_four_bit(query, codes.counts, codes.four_bit), rtol=1e-5)
"""
    older = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+f16c"}
    place = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **older, **place})

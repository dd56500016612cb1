from itertools import pairwise

import numpy as np
import pytest

from maxsight.retrieval import codes
from maxsight.retrieval.codes import BITS, SignCodec, code_scores, round_query
from maxsight.retrieval.maxsim import maxsim


def unit(rng, *shape):
    vectors = rng.standard_normal(shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def structured_pages(rng, pages=400, dim=128):
    """Pages of noisy copies of shared concepts, of different lengths; a few are empty."""
    concepts = unit(rng, 2000, dim)
    result = []
    for page in range(pages):
        own = concepts[rng.integers(0, len(concepts), rng.integers(20, 60))]
        noise = unit(rng, len(own), dim)
        vectors = own + 0.6 * noise
        result.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        if page % 50 == 7:
            result[-1] = np.empty((0, dim), np.float32)
    return concepts, result


def encoded(codec, pages):
    words = [codec.encode(page) for page in pages]
    lo, hi = (np.concatenate(part) for part in zip(*words, strict=True))
    return lo, hi, np.cumsum([0, *map(len, pages)])


def signs(lo, hi):
    """Codes as vectors of plus and minus one, bit by bit. Shape ``(vectors, BITS)``."""
    words = np.stack([lo, hi], axis=1).view(np.uint8)
    return np.unpackbits(words, axis=1, bitorder="little").astype(np.float32) * 2 - 1


def levels(query, bits):
    """The rounded query, put together from its planes. Shape ``(query_tokens, BITS)``."""
    planes = [signs(query.planes[:, bit, 0], query.planes[:, bit, 1]) for bit in range(bits)]
    return sum(2**bit * plane for bit, plane in enumerate(planes)) * query.scales[:, None]


@pytest.mark.parametrize("dim", [16, 128, 300])
def test_a_code_keeps_the_signs_of_the_directions(dim):
    codec, vectors = SignCodec(dim), unit(np.random.default_rng(0), 50, dim)
    lo, hi = codec.encode(vectors)
    assert lo.dtype == hi.dtype == np.uint64
    expected = np.where(vectors @ codec._directions >= 0, 1, -1)
    np.testing.assert_array_equal(signs(lo, hi), expected)


@pytest.mark.parametrize("dim", [128, 300])
def test_directions_are_orthonormal(dim):
    directions = SignCodec(dim)._directions
    np.testing.assert_allclose(directions.T @ directions, np.eye(BITS), atol=1e-5)


def test_codes_are_the_same_in_every_process():
    lo, hi = SignCodec(8).encode(np.eye(8, dtype=np.float32)[:2])
    assert [hex(word) for word in (*lo, *hi)] == [
        "0x8897deee33bb28ed",
        "0xe027f1110a9fbb8",
        "0xf6a2ec70daeff59f",
        "0x44b72b120cae8be5",
    ]


def test_float16_vectors_have_the_codes_of_what_they_say():
    codec, vectors = SignCodec(64), unit(np.random.default_rng(1), 20, 64).astype(np.float16)
    for stored, widened in zip(codec.encode(vectors), codec.encode(vectors.astype(np.float32)), strict=True):
        np.testing.assert_array_equal(stored, widened)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_rounding_a_query_keeps_its_direction_better_with_more_bits(bits):
    rotated = unit(np.random.default_rng(2), 10, BITS)
    rounded = levels(round_query(rotated, bits), bits)
    cosine = (rounded * rotated).sum(1) / np.linalg.norm(rounded, axis=1)
    assert cosine.min() > {1: 0.7, 2: 0.88, 4: 0.985, 8: 0.9999}[bits]


@pytest.mark.parametrize("bits", [1, 4])
def test_counting_bits_gives_the_maxsim_of_rounded_query_and_signs(bits):
    rng = np.random.default_rng(3)
    codec = SignCodec(128)
    pages = [unit(rng, length, 128) for length in (1, 7, 30, 2, 100)]
    lo, hi, offsets = encoded(codec, pages)
    query = round_query(unit(rng, 6, 128), bits)
    pages_of_signs = [signs(lo[start:end], hi[start:end]) for start, end in pairwise(offsets)]
    expected = maxsim(levels(query, bits), pages_of_signs)
    np.testing.assert_allclose(code_scores(query, lo, hi, offsets[:-1]), expected, rtol=1e-5)


def test_scores_do_not_depend_on_how_pages_are_chunked(monkeypatch):
    rng = np.random.default_rng(4)
    codec = SignCodec(128)
    lo, hi, offsets = encoded(codec, [unit(rng, length, 128) for length in rng.integers(1, 40, 60)])
    query = round_query(unit(rng, 6, 128), 4)
    expected = code_scores(query, lo, hi, offsets[:-1])
    monkeypatch.setattr(codes, "VECTORS_PER_CHUNK", 37)
    np.testing.assert_array_equal(code_scores(query, lo, hi, offsets[:-1]), expected)


def test_the_exact_top_10_is_among_the_best_100_candidates():
    rng = np.random.default_rng(5)
    concepts, pages = structured_pages(rng)
    codec = SignCodec(128)
    lo, hi, offsets = encoded(codec, pages)
    recalls = []
    for _ in range(10):
        asked = concepts[rng.integers(0, len(concepts), 12)] + 0.5 * unit(rng, 12, 128)
        query = asked / np.linalg.norm(asked, axis=1, keepdims=True)
        exact = np.argsort(-maxsim(query, pages))[:10]
        found = codec.best_pages(query, lo, hi, offsets, 100)
        recalls.append(len(set(found) & set(exact)) / 10)
    assert np.mean(recalls) >= 0.97


def test_candidates_are_few_distinct_and_never_empty_pages():
    rng = np.random.default_rng(6)
    _, pages = structured_pages(rng)
    codec = SignCodec(128)
    lo, hi, offsets = encoded(codec, pages)
    for limit in (1, 20, 1000):
        found = codec.best_pages(unit(rng, 5, 128), lo, hi, offsets, limit)
        assert len(set(found)) == len(found) == min(limit, sum(map(bool, map(len, pages))))
        assert all(len(pages[page]) for page in found)


def test_without_pages_there_are_no_candidates():
    codec, nothing = SignCodec(32), np.empty(0, np.uint64)
    for offsets in ([0], [0, 0, 0]):
        found = codec.best_pages(np.eye(2, 32, dtype=np.float32), nothing, nothing, np.array(offsets), 10)
        assert found.tolist() == []

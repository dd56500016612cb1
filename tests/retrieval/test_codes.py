import numpy as np
import pytest

from maxsight.retrieval.codes import BITS, SignCodec
from maxsight.retrieval.maxsim import maxsim
from retrieval_pages import codes_of, structured_pages, unit


def signs(stored):
    """Stored signs as vectors of plus and minus one. Shape ``(vectors, BITS)``."""
    words = np.ascontiguousarray(stored.view(np.uint64).reshape(2, -1).T).view(np.uint8)
    return np.unpackbits(words, axis=1, bitorder="little").astype(np.float32) * 2 - 1


def steps(codec, fine, count):
    """Stored fine codes, one step a coordinate. Shape ``(vectors, turned_dim)``."""
    blocks = fine.reshape(-1, codec.turned_dim // 8, 16, 4)
    quads = np.concatenate([blocks & 15, blocks >> 4], axis=1)
    return quads.transpose(0, 2, 1, 3).reshape(-1, codec.turned_dim)[:count]


@pytest.mark.parametrize("dim", [16, 100, 128, 320, 4096])
def test_turning_keeps_lengths_and_angles(dim):
    rng = np.random.default_rng(0)
    left, right = unit(rng, 30, dim), unit(rng, 20, dim)
    codec = SignCodec(dim)
    np.testing.assert_allclose(codec.turn(left) @ codec.turn(right).T, left @ right.T, atol=1e-5)


def test_turning_spreads_what_lies_in_one_coordinate_over_all():
    turned = SignCodec(128).turn(np.eye(128, dtype=np.float32))
    assert np.abs(turned).max() <= 0.5
    assert (turned != 0).mean() > 0.5


@pytest.mark.parametrize("dim", [16, 128, 300])
def test_a_vectors_codes_are_the_signs_and_steps_of_its_coordinates(dim):
    rng = np.random.default_rng(1)
    vectors, centre = unit(rng, 21, dim), 0.1 * unit(rng, 1, dim)[0]
    codec = SignCodec(dim).centred(centre)
    stored, fine = codec.encode(vectors)
    turned = SignCodec(dim).turn(vectors - centre)
    clear = np.abs(turned) > 1e-6
    np.testing.assert_array_equal(
        signs(stored)[clear[:, :BITS]], np.where(turned[:, :BITS] >= 0, 1, -1)[clear[:, :BITS]]
    )
    step = 0.34 / np.sqrt(codec.turned_dim)
    middles = (steps(codec, fine, 21) - 7.5) * step
    inside = np.abs(turned) < 8 * step
    assert np.abs(middles - turned)[inside].max() <= step / 2 + 1e-6
    assert len(fine) == codec.fine_bytes(np.array([21]))[0]


def test_codes_are_the_same_in_every_process():
    stored, fine = SignCodec(8).encode(np.eye(8, dtype=np.float32)[:2])
    assert [hex(word) for word in stored.view(np.uint64)] == [
        "0x5d9dc5e8e2000387",
        "0x723bfdffea64d4b6",
        "0x175c62f83f3dfe79",
        "0x76d238ab8138f157",
    ]
    assert fine[:8].tolist() == [137, 74, 57, 182, 183, 156, 137, 98]


def test_float16_vectors_have_the_codes_of_what_they_say():
    codec, vectors = SignCodec(64), unit(np.random.default_rng(1), 20, 64).astype(np.float16)
    for stored, widened in zip(codec.encode(vectors), codec.encode(vectors.astype(np.float32)), strict=True):
        np.testing.assert_array_equal(stored, widened)


def test_a_page_without_vectors_has_no_codes():
    assert [part.size for part in SignCodec(32).encode(np.empty((0, 32), np.float16))] == [0, 0]


def test_the_exact_top_10_is_among_the_best_30_of_a_quarter_looked_at_closely():
    rng = np.random.default_rng(5)
    concepts, pages = structured_pages(rng)
    codec = SignCodec(128).centred(np.concatenate(pages[:20]).mean(axis=0))
    codes = codes_of(codec, pages)
    recalls = []
    for _ in range(10):
        asked = concepts[rng.integers(0, len(concepts), 12)] + 0.5 * unit(rng, 12, 128)
        query = asked / np.linalg.norm(asked, axis=1, keepdims=True)
        exact = np.argsort(-maxsim(query, pages))[:10]
        found = codec.best_pages([query], codes, 30, candidates=100)[0]
        recalls.append(len(set(found) & set(exact)) / 10)
    assert np.mean(recalls) >= 0.97


def test_the_centre_tells_vectors_apart_that_lie_on_one_side():
    """All vectors lean to one direction; around their centre, their signs differ as those of others do."""
    rng = np.random.default_rng(7)
    leaning = unit(rng, 200, 128) + 4 * unit(rng, 1, 128)
    leaning /= np.linalg.norm(leaning, axis=1, keepdims=True)

    def shared(codec):
        return np.abs(signs(codec.encode(leaning)[0]).mean(axis=0)).mean()

    assert shared(SignCodec(128)) > 0.8
    assert shared(SignCodec(128).centred(leaning.mean(axis=0))) < 0.1


def test_candidates_are_few_distinct_and_never_empty_pages():
    rng = np.random.default_rng(6)
    _, pages = structured_pages(rng)
    codec = SignCodec(128)
    codes = codes_of(codec, pages)
    for limit in (1, 20, 1000):
        found = codec.best_pages([unit(rng, 5, 128)], codes, limit)[0]
        assert len(set(found)) == len(found) == min(limit, sum(map(bool, map(len, pages))))
        assert all(len(pages[page]) for page in found)


def test_several_queries_find_what_each_finds_alone():
    rng = np.random.default_rng(8)
    _, pages = structured_pages(rng)
    codec = SignCodec(128)
    codes = codes_of(codec, pages)
    queries = [unit(rng, tokens, 128) for tokens in (1, 13, 4, 20)]
    together = codec.best_pages(queries, codes, 20, candidates=60)
    for query, found in zip(queries, together, strict=True):
        np.testing.assert_array_equal(found, codec.best_pages([query], codes, 20, candidates=60)[0])


def test_without_pages_there_are_no_candidates():
    codec = SignCodec(32)
    for pages in ([], [np.empty((0, 32), np.float16)] * 2):
        found = codec.best_pages([np.eye(2, 32, dtype=np.float32)], codes_of(codec, pages), 10)
        assert [pages.tolist() for pages in found] == [[]]

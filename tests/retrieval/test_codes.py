import numpy as np
import pytest

from maxsight.retrieval import codes
from maxsight.retrieval.codes import SIGN_BITS, PageCodec
from maxsight.retrieval.maxsim import maxsim
from retrieval_pages import codes_of, structured_pages, unit


def signs(stored):
    """Stored signs as vectors of plus and minus one. Shape ``(vectors, SIGN_BITS)``."""
    words = np.ascontiguousarray(stored.view(np.uint64).reshape(2, -1).T).view(np.uint8)
    return np.unpackbits(words, axis=1, bitorder="little").astype(np.float32) * 2 - 1


def steps(codec, stored, count):
    """Stored 4-bit codes, one step a coordinate. Shape ``(vectors, rotated_dim)``."""
    blocks = stored.reshape(-1, codec.rotated_dim // 8, 16, 4)
    quads = np.concatenate([blocks & 15, blocks >> 4], axis=1)
    return quads.transpose(0, 2, 1, 3).reshape(-1, codec.rotated_dim)[:count]


@pytest.mark.parametrize("dim", [16, 100, 128, 320, 4096])
def test_rotating_keeps_lengths_and_angles(dim):
    rng = np.random.default_rng(0)
    left, right = unit(rng, 30, dim), unit(rng, 20, dim)
    codec = PageCodec(dim)
    np.testing.assert_allclose(codec.rotate(left) @ codec.rotate(right).T, left @ right.T, atol=1e-5)


def test_rotating_spreads_one_coordinate_over_all():
    rotated = PageCodec(128).rotate(np.eye(128, dtype=np.float32))
    assert np.abs(rotated).max() <= 0.5
    assert (rotated != 0).mean() > 0.5


@pytest.mark.parametrize("dim", [16, 128, 300])
def test_a_vectors_codes_are_the_signs_and_steps_of_its_coordinates(dim):
    """Of a page of few vectors, which is not pooled."""
    rng = np.random.default_rng(1)
    vectors, mean = unit(rng, 15, dim), 0.1 * unit(rng, 1, dim)[0]
    codec = PageCodec(dim).with_mean(mean)
    coded = codec.encode(vectors)
    rotated = PageCodec(dim).rotate(vectors - mean)
    clear = np.abs(rotated) > 1e-6
    np.testing.assert_array_equal(
        signs(coded.signs)[clear[:, :SIGN_BITS]],
        np.where(rotated[:, :SIGN_BITS] >= 0, 1, -1)[clear[:, :SIGN_BITS]],
    )
    step = 0.34 / np.sqrt(codec.rotated_dim)
    middles = (steps(codec, coded.four_bit, 15) - 7.5) * step
    inside = np.abs(rotated) < 8 * step
    assert np.abs(middles - rotated)[inside].max() <= step / 2 + 1e-6
    assert len(coded.four_bit) == codec.four_bit_bytes(np.array([15]))[0]


def test_a_page_is_pooled_to_a_quarter_and_a_short_one_not_at_all():
    counts = np.array([0, 1, 64, 65, 256, 257, 1030])
    codec, rng = PageCodec(32), np.random.default_rng(2)
    pooled = [0, 1, 64, 64, 64, 65, 258]
    assert (codec.sign_bytes(counts) // 16).tolist() == pooled
    assert [len(codec.encode(unit(rng, count, 32)).signs) // 16 for count in counts] == pooled


def test_similar_vectors_are_pooled_to_their_mean():
    rng = np.random.default_rng(3)
    directions, mean = unit(rng, 70, 128), 0.5 * unit(rng, 1, 128)[0]
    codec = PageCodec(128).with_mean(mean)
    copies = np.stack([directions + 0.5 * unit(rng, 70, 128) for _ in range(4)], axis=1)  # (70, 4, 128)
    copies /= np.linalg.norm(copies, axis=2, keepdims=True)
    orders = np.stack([np.arange(70), *(rng.permutation(70) for _ in range(3))], axis=1)
    page = np.stack([copies[orders[:, copy], copy] for copy in range(4)], axis=1).reshape(280, 128)
    means = copies.mean(axis=1)
    expected = codec.rotate(means / np.linalg.norm(means, axis=1, keepdims=True) - mean)
    clear = np.abs(expected) > 1e-5
    np.testing.assert_array_equal(signs(codec.encode(page).signs)[clear], np.sign(expected)[clear])
    assert clear.mean() > 0.999


def test_pools_of_equal_vectors_have_equal_signs():
    codec, vector = PageCodec(64), unit(np.random.default_rng(4), 1, 64)
    alone = signs(codec.encode(vector).signs)
    pooled = signs(codec.encode(np.repeat(vector, 300, axis=0).astype(np.float16)).signs)
    assert pooled.shape == (75, SIGN_BITS)
    assert (pooled == alone).mean() > 0.97  # some coordinates are as good as zero
    assert (pooled == pooled[0]).all()


def test_vectors_that_cancel_out_are_pooled_all_the_same():
    """Both lie in one pool, whose mean has no direction."""
    vector = np.zeros((1, 32), np.float16)
    vector[0, 3] = 1
    pooled = signs(PageCodec(32).encode(np.concatenate([vector, -vector] * 150)).signs)
    assert pooled.shape == (75, SIGN_BITS)
    assert np.isfinite(pooled).all()


def test_codes_are_the_same_in_every_process():
    coded = PageCodec(8).encode(np.eye(8, dtype=np.float32)[:2])
    assert [hex(word) for word in coded.signs.view(np.uint64)] == [
        "0x5d9dc5e8e2000387",
        "0x723bfdffea64d4b6",
        "0x175c62f83f3dfe79",
        "0x76d238ab8138f157",
    ]
    assert coded.four_bit[:8].tolist() == [137, 74, 57, 182, 183, 156, 137, 98]


def test_float16_vectors_have_the_codes_of_what_they_say():
    codec, vectors = PageCodec(64), unit(np.random.default_rng(1), 20, 64).astype(np.float16)
    narrow, wide = codec.encode(vectors), codec.encode(vectors.astype(np.float32))
    np.testing.assert_array_equal(narrow.signs, wide.signs)
    np.testing.assert_array_equal(narrow.four_bit, wide.four_bit)


def test_a_page_without_vectors_has_no_codes():
    coded = PageCodec(32).encode(np.empty((0, 32), np.float16))
    assert (coded.signs.size, coded.four_bit.size) == (0, 0)


@pytest.mark.parametrize("copies", [1, 6])
def test_the_exact_top_10_is_among_the_best_30_of_a_quarter_looked_at_closely(copies):
    """For short pages, which are not pooled, and for long ones."""
    rng = np.random.default_rng(5)
    concepts, pages = structured_pages(rng, copies=copies)
    codec = PageCodec(128).with_mean(np.concatenate(pages[:20]).mean(axis=0))
    coded = codes_of(codec, pages)
    recalls = []
    for _ in range(10):
        asked = concepts[rng.integers(0, len(concepts), 12)] + 0.5 * unit(rng, 12, 128)
        query = asked / np.linalg.norm(asked, axis=1, keepdims=True)
        exact = np.argsort(-maxsim(query, pages))[:10]
        found = codec.best_pages([query], coded, 30, candidates=100)[0]
        recalls.append(len(set(found) & set(exact)) / 10)
    assert np.mean(recalls) >= 0.97


def test_the_centre_tells_vectors_apart_that_lie_on_one_side():
    """All vectors lean to one direction; less their mean, their signs differ as those of other vectors."""
    rng = np.random.default_rng(7)
    leaning = unit(rng, 200, 128) + 4 * unit(rng, 1, 128)
    leaning /= np.linalg.norm(leaning, axis=1, keepdims=True)

    def shared(codec):
        return np.abs(signs(codec.encode(leaning).signs).mean(axis=0)).mean()

    assert shared(PageCodec(128)) > 0.8
    assert shared(PageCodec(128).with_mean(leaning.mean(axis=0))) < 0.1


def test_candidates_are_few_distinct_and_never_empty_pages():
    rng = np.random.default_rng(6)
    _, pages = structured_pages(rng)
    codec = PageCodec(128)
    coded = codes_of(codec, pages)
    for limit in (1, 20, 1000):
        found = codec.best_pages([unit(rng, 5, 128)], coded, limit)[0]
        assert len(set(found)) == len(found) == min(limit, sum(map(bool, map(len, pages))))
        assert all(len(pages[page]) for page in found)


@pytest.mark.parametrize(("binary", "expected"), [(False, 3000), (True, 7000)])
def test_a_hundred_times_the_pages_have_ten_times_the_candidates(monkeypatch, binary, expected):
    monkeypatch.setattr(codes, "queries_are_binary", lambda: binary)
    assert [codes.default_candidates(pages) for pages in (0, 100, 10_000, 1_000_000)] == [
        0, 100, expected, 10 * expected,
    ]  # fmt: skip
    assert codes.default_candidates(1_000_000, limit=192) == 20 * expected
    assert codes.default_candidates(1_000_000, limit=3) == 10 * expected


def test_several_queries_find_what_each_finds_alone():
    rng = np.random.default_rng(8)
    _, pages = structured_pages(rng)
    codec = PageCodec(128)
    coded = codes_of(codec, pages)
    queries = [unit(rng, tokens, 128) for tokens in (1, 13, 4, 20)]
    together = codec.best_pages(queries, coded, 20, candidates=60)
    for query, found in zip(queries, together, strict=True):
        np.testing.assert_array_equal(found, codec.best_pages([query], coded, 20, candidates=60)[0])


def test_without_pages_there_are_no_candidates():
    codec = PageCodec(32)
    for pages in ([], [np.empty((0, 32), np.float16)] * 2):
        found = codec.best_pages([np.eye(2, 32, dtype=np.float32)], codes_of(codec, pages), 10)
        assert [pages.tolist() for pages in found] == [[]]

"""Pages of vectors for the tests of ranking."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from maxsight.stores.ragged import PageBytes, PageCodes

CASES = {
    "lengths": st.lists(st.sampled_from([0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 70]), min_size=1, max_size=9),
    "dim": st.sampled_from([16, 48, 100, 128, 200]),
    "tokens": st.sampled_from([1, 2, 4, 5, 12, 16, 20, 37]),
    "seed": st.integers(0, 2**32 - 1),
}

anything = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)


def unit(rng, *shape):
    """Random vectors of length one."""
    vectors = rng.standard_normal(shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def structured_pages(rng, pages=400, dim=128, copies=1):
    """Pages of noisy copies of shared concepts, some of each, of different lengths; a few are empty."""
    concepts = unit(rng, 2000, dim)
    result = []
    for page in range(pages):
        own = np.repeat(concepts[rng.integers(0, len(concepts), rng.integers(20, 60))], copies, axis=0)
        vectors = own + 0.6 * unit(rng, len(own), dim)
        result.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        if page % 50 == 7:
            result[-1] = np.empty((0, dim), np.float32)
    return concepts, result


def codes_of(codec, pages):
    """The codes of pages, in memory."""
    made = [codec.encode(page) for page in pages]
    counts = np.array([len(page) for page in pages], np.int64)
    signs, four_bit = [page.signs for page in made], [page.four_bit for page in made]
    return PageCodes(counts, PageBytes.from_arrays(signs), PageBytes.from_arrays(four_bit))


def pages_of(rng, lengths, dim):
    return [unit(rng, length, dim).astype(np.float16) for length in lengths]


def signs_of(codec, vectors):
    return np.where(codec.rotate(vectors)[:, :128] >= 0, 1.0, -1.0)


def all_signs(codec, pages):
    """The vector counts of pages, and the signs of all their vectors, laid out as pooled signs are."""
    bits = [np.packbits(signs_of(codec, page) > 0, axis=1, bitorder="little") for page in pages]
    words = [page.view("<u8").T for page in bits]
    return np.array([len(page) for page in pages], np.int64), PageBytes.from_arrays(words)


def sign_scores(asked, scales, stored):
    """The definition of sign scores: each token gives the square of its best agreement with a vector."""
    most = np.maximum(1, np.abs(asked).sum(axis=1))
    shares = [(asked @ page.T).max(axis=1, initial=-np.inf) / most for page in stored]
    parts = [scales * most * np.maximum(share, 0) ** 2 for share in shares]
    return [part.sum() if len(page) else -np.inf for part, page in zip(parts, stored, strict=True)]

"""Pages of vectors for the tests of ranking."""

import numpy as np

from maxsight.stores.ragged import PageBytes, PageCodes


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
    return PageCodes(counts, PageBytes.of(signs), PageBytes.of(four_bit))

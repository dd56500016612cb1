"""Pages and queries that are hard to rank, with the shape of ColPali's: 1,030 unit vectors of 128 dimensions a page.

Vectors are noisy copies of 20,000 concepts near a 48-dimensional subspace, all leaning to one common direction. A
document is 20 pages over 300 concepts, popular ones more often; a page repeats few of them, and 20 to 60% of it is
nearly blank. A query takes 12 of its 20 tokens from one page and 8 from anywhere: that page is far ahead, and its
runners-up are so close together that recall@10 is a strict measure. One seed gives the same numbers everywhere.
"""

from dataclasses import dataclass, field

import numpy as np

VECTORS, DIM = 1030, 128
CONCEPTS, CONCEPT_DIM, BLANK_CONCEPTS = 20000, 48, 32
PAGES_PER_DOCUMENT, CONCEPTS_PER_DOCUMENT = 20, 300
QUERY_TOKENS, TOKENS_OF_TARGET = 20, 12
PAGE_NOISE, QUERY_NOISE = 0.55, 1.1


@dataclass
class SyntheticPages:
    """A set of pages, made in order, and then its queries.

    Attributes:
        pages: How many.
        seed: Of everything random.
    """

    pages: int
    seed: int = 0
    _concept_ids: list = field(default_factory=list, init=False, repr=False)

    def __post_init__(self):
        self._random = np.random.default_rng(self.seed)
        basis = self._normal(CONCEPT_DIM, DIM)
        concepts = self._normal(CONCEPTS, CONCEPT_DIM) @ basis / np.sqrt(CONCEPT_DIM)
        concepts += 0.3 * self._normal(CONCEPTS, DIM)
        common = unit(self._normal(DIM))
        self._concepts = unit(unit(concepts) + 0.7 * common)
        popularity = 1 / np.arange(1, CONCEPTS + 1) ** 0.7
        self._popularity = popularity / popularity.sum()

    def documents(self):
        """Yield float32 arrays of the pages of one document, ``(pages, VECTORS, DIM)``; once only."""
        for start in range(0, self.pages, PAGES_PER_DOCUMENT):
            own = self._concepts_drawn(CONCEPTS_PER_DOCUMENT)
            count = min(PAGES_PER_DOCUMENT, self.pages - start)
            yield np.stack([self._page(own) for _ in range(count)]).astype(np.float32)

    def queries(self, count=200):
        """Draw queries for the pages made, ``(count, QUERY_TOKENS, DIM)``, and each one's target page."""
        targets = self._random.integers(0, self.pages, count)
        queries = [self._query(self._concept_ids[target]) for target in targets]
        return np.stack(queries).astype(np.float32), targets

    def _page(self, of_document):
        draw = self._random
        own = np.concatenate([draw.choice(of_document, 40), self._concepts_drawn(20)])
        blank = int(VECTORS * draw.uniform(0.2, 0.6))
        filled = VECTORS - blank
        blanks = draw.integers(0, BLANK_CONCEPTS, blank)
        ids = np.concatenate([blanks, np.repeat(draw.choice(own, size=filled // 4 + 1), 4)[:filled]])
        self._concept_ids.append(ids.astype(np.int16))
        return unit(self._concepts[ids] + PAGE_NOISE / np.sqrt(DIM) * self._normal(VECTORS, DIM))

    def _query(self, page_ids):
        noise = QUERY_NOISE / np.sqrt(DIM)
        of_target = self._random.choice(page_ids[page_ids >= BLANK_CONCEPTS], TOKENS_OF_TARGET, replace=False)
        first = self._concepts[of_target] + noise * self._normal(TOKENS_OF_TARGET, DIM)
        others = QUERY_TOKENS - TOKENS_OF_TARGET
        second = self._concepts[self._concepts_drawn(others)] + noise * self._normal(others, DIM)
        return unit(np.concatenate([first, second]))

    def _concepts_drawn(self, count):
        return self._random.choice(CONCEPTS, size=count, p=self._popularity)

    def _normal(self, *shape):
        return self._random.standard_normal(shape).astype(np.float32)


def unit(vectors):
    """Scale to length one along the last axis."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

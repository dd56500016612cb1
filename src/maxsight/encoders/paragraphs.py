"""One vector for each paragraph: what the encoders that make those have in common.

A query is searched for word by word, each a vector; words in double quotes stay together as one phrase.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.base import Encoder
from maxsight.encoders.merging import merge_neighbours
from maxsight.encoders.query_words import bare_word, has_words, no_words
from maxsight.errors import EmptyQueryError
from maxsight.types import WHOLE_PAGE, Page, PageEmbedding, QueryEmbedding, Regions, Words

MOST_QUERY_PHRASES = 64
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_PHRASE = re.compile(r'"([^"]+)"|(\S+)')


class ParagraphEncoder(Encoder):
    """Makes one vector of a text as a whole: of each paragraph of a page, of each phrase of a query."""

    @abstractmethod
    def _embed(self, texts: Sequence[str], *, are_queries: bool) -> NDArray[np.float32]:
        """One unit-norm vector per text. Shape ``(texts, dim)``."""

    @property
    def batch_size(self) -> int:
        """Pages of records are short; together they fill a batch of texts."""
        return 96

    @property
    def encodes_paragraphs(self) -> bool:
        """True."""
        return True

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per paragraph, where the page says what one is; else blank lines do."""
        if not pages:
            return []
        spans = [paragraph_spans(page) for page in pages]
        texts = [page.text[start:end] for page, rows in zip(pages, spans, strict=True) for start, end in rows]
        vectors = (
            self._embed(texts, are_queries=False) if texts else np.zeros((0, self.space.dim), np.float32)
        )
        ends = np.cumsum([len(rows) for rows in spans])
        each = np.split(vectors, ends[:-1])
        return [
            merge_neighbours(own, paragraph_regions(rows, page.words))
            for page, rows, own in zip(pages, spans, each, strict=True)
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query, one vector per word, or per phrase in double quotes; after 64 of them it is cut.

        Raises:
            EmptyQueryError: It has no words.
        """
        phrases = phrases_of(text)
        if len(phrases) > MOST_QUERY_PHRASES:
            return self.encode_phrases(phrases[:MOST_QUERY_PHRASES])
        return replace(self.encode_phrases(phrases), text=text)

    def encode_phrases(self, phrases: Sequence[str]) -> QueryEmbedding:
        """Encode a query that is given as phrases, one vector each.

        Raises:
            EmptyQueryError: There are none, or one has no words.
        """
        if not phrases:
            raise no_words()
        for phrase in phrases:
            if not has_words(phrase):
                raise EmptyQueryError(f"the phrase {phrase!r} has no words", hint="Leave it out.")
        return QueryEmbedding(
            text=" ".join(phrases),
            vectors=self._embed(list(phrases), are_queries=True),
            words=tuple(phrases),
            word_index=np.arange(len(phrases), dtype=np.int32),
        )


def phrases_of(query: str) -> list[str]:
    """Split a query into its words; those in double quotes stay together.

    Raises:
        EmptyQueryError: It has none.
    """
    found = [quoted.strip() or bare_word(word) for quoted, word in _PHRASE.findall(query)]
    phrases = [phrase for phrase in found if has_words(phrase)]
    if not phrases:
        raise no_words()
    return phrases


def paragraph_spans(page: Page) -> NDArray[np.int32]:
    """Where a page's paragraphs stand in its text. Shape ``(paragraphs, 2)``."""
    if page.paragraphs is not None:
        return page.paragraphs.spans
    breaks = [match.span() for match in _BLANK_LINE.finditer(page.text)]
    starts, ends = [0, *(end for _, end in breaks)], [*(start for start, _ in breaks), len(page.text)]
    spans = [span for span in zip(starts, ends, strict=True) if has_words(page.text[slice(*span)])]
    return np.array(spans, np.int32).reshape(-1, 2)


def paragraph_regions(spans: NDArray[np.int32], words: Words) -> Regions:
    """Give each paragraph its span, and the box around its words where they have boxes."""
    if words.boxes is None:
        return Regions(boxes=None, spans=spans)
    boxes = np.tile(np.array(WHOLE_PAGE, np.float32), (len(spans), 1))
    for row, (start, end) in enumerate(spans):
        own = words.boxes[(words.spans[:, 0] < end) & (words.spans[:, 1] > start)]
        if len(own):
            boxes[row] = [*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)]
    return Regions(boxes=boxes, spans=spans)

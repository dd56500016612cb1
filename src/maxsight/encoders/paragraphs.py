"""The common part of encoders that make one vector of a paragraph.

A query has one vector for each word. Words in double quotes stay together as one phrase.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.base import Encoder
from maxsight.encoders.batching import run_together
from maxsight.encoders.merging import merge_neighbours
from maxsight.encoders.query_words import bare_word, has_words, no_words
from maxsight.encoders.regions import paragraph_regions
from maxsight.errors import EmptyQueryError
from maxsight.types import Page, PageEmbedding, QueryEmbedding

MAX_QUERY_PHRASES = 64
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_PHRASE = re.compile(r'"([^"]+)"|(\S+)')


class ParagraphEncoder(Encoder):
    """Makes one vector of each paragraph of a page, and of each phrase of a query."""

    encodes_paragraphs = True
    batch_size = 96
    """Pages of records are short: together they fill a batch of texts."""
    texts_at_once = 64
    """The most texts of one call of ``_embed``."""

    @abstractmethod
    def _embed(self, texts: Sequence[str], *, are_queries: bool) -> NDArray[np.float32]:
        """Make one unit-norm vector per text. Shape ``(texts, dim)``."""

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per paragraph. Blank lines part them unless the page says where they are."""
        spans = [paragraph_spans(page) for page in pages]
        texts = [
            [page.text[start:end] for start, end in rows] for page, rows in zip(pages, spans, strict=True)
        ]
        each = run_together(texts, lambda together: self._vectors(together, are_queries=False))
        return [
            merge_neighbours(
                np.array(vectors, np.float32).reshape(len(rows), self.space.dim),
                paragraph_regions(rows, page.words),
            )
            for page, rows, vectors in zip(pages, spans, each, strict=True)
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query, one vector per word, or per phrase in double quotes. Only the first 64 are used.

        Raises:
            EmptyQueryError: It has no words.
        """
        phrases = phrases_of(text)
        query = self.encode_phrases(phrases[:MAX_QUERY_PHRASES])
        return query if len(phrases) > MAX_QUERY_PHRASES else replace(query, text=text)

    def encode_phrases(self, phrases: Sequence[str]) -> QueryEmbedding:
        """Encode a query that is a list of phrases, one vector each.

        Raises:
            EmptyQueryError: The list is empty, or a phrase has no words.
        """
        if not phrases:
            raise no_words()
        for phrase in phrases:
            if not has_words(phrase):
                raise EmptyQueryError(f"the phrase {phrase!r} has no words", hint="Leave it out.")
        return QueryEmbedding(
            text=" ".join(phrases),
            vectors=np.array(self._vectors(phrases, are_queries=True)),
            words=tuple(phrases),
            word_index=np.arange(len(phrases), dtype=np.int32),
        )

    def _vectors(self, texts: Sequence[str], *, are_queries: bool) -> list[NDArray[np.float32]]:
        return [
            vector
            for start in range(0, len(texts), self.texts_at_once)
            for vector in self._embed(texts[start : start + self.texts_at_once], are_queries=are_queries)
        ]


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
    """Find where a page's paragraphs stand in its text. Shape ``(paragraphs, 2)``."""
    if page.paragraphs is not None:
        return page.paragraphs.spans
    breaks = [match.span() for match in _BLANK_LINE.finditer(page.text)]
    starts, ends = [0, *(end for _, end in breaks)], [*(start for start, _ in breaks), len(page.text)]
    spans = [span for span in zip(starts, ends, strict=True) if has_words(page.text[slice(*span)])]
    return np.array(spans, np.int32).reshape(-1, 2)

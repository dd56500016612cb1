"""Questions in, ranked pages out: encoder, ranking, what an audit found to be needed, and how hits are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from maxsight import extras
from maxsight.encoders import Encoder
from maxsight.errors import EmptyQueryError, InputError
from maxsight.library.hits import Rank, find_hits
from maxsight.library.queries import Query, embed_query
from maxsight.retrieval.codes import candidates_on_this_machine
from maxsight.retrieval.search import ScoredPage, rank_pages_many
from maxsight.stores.base import AnyStore, Searchable
from maxsight.stores.conditions import Filter
from maxsight.stores.filters import parse_filter
from maxsight.threads import one_blas_thread
from maxsight.types import Hit, QueryEmbedding

if TYPE_CHECKING:
    from maxsight.retrieval.device_engine import DeviceEngine

ENCODED_QUERIES = 64
"""Texts whose vectors are kept: much is asked about one in a row, its hits, its notices, heatmaps of its pages."""


class Searcher:
    """Searches one store."""

    def __init__(
        self,
        store: AnyStore,
        encoder: Callable[[], Encoder],
        *,
        recall_target: float | None = None,
        device: str = "cpu",
    ) -> None:
        """Load nothing yet, unless the vectors are wanted in a device's memory.

        Args:
            store: What is searched.
            encoder: Gives the encoder when it is first needed.
            recall_target: As for ``Library.open``.
            device: As ``search_device`` for ``Library.open``.

        Raises:
            InputError: ``recall_target`` is no share.
            ModelNotAvailableError: There is no such device.
            MissingExtraError: The device needs torch, and it is not installed.
        """
        check_recall_target(recall_target)
        self._store = store
        self._encoder = encoder
        self._recall_target = recall_target
        self._engine = None if device == "cpu" else _device_engine(store, device)
        self._encode_text = lru_cache(ENCODED_QUERIES)(self._embed)

    def find(
        self, queries: Sequence[Query], *, top_k: int, where: str | Filter | None, hybrid: bool, exact: bool
    ) -> list[list[Hit]]:
        """Find and describe the best pages for each query; see ``Library.search_many``."""
        condition = self.condition(where)
        if top_k < 1:
            raise InputError(f"ask for at least one result, got {top_k}")
        with one_blas_thread():
            embeddings = self.encode_many(queries)
            if hybrid and not all(embedding.text for embedding in embeddings):
                raise InputError("hybrid ranking goes by words too, and vectors have none")
            rank = self._ranking(top_k, where=condition, hybrid=hybrid, exact=exact)
            return find_hits(self._store, rank, embeddings, top_k)

    def condition(self, where: str | Filter | None) -> Filter | None:
        """Read a condition on the store's fields, if it is not read yet.

        Raises:
            FilterError: It is not valid, or names an unknown field.
        """
        return parse_filter(where, self._store.fields()) if isinstance(where, str) else where

    def encode_many(self, queries: Sequence[Query]) -> list[QueryEmbedding]:
        """Encode queries, and name the one that can't be.

        Raises:
            InputError: They are a single text.
            EmptyQueryError: Nothing in one of them can be searched for.
        """
        if isinstance(queries, str):
            raise InputError("several queries are a list, got a single text", hint="Put it in a list.")
        encoded = []
        for number, query in enumerate(queries, start=1):
            try:
                encoded.append(self.encode(query))
            except EmptyQueryError as error:
                if len(queries) == 1:
                    raise
                raise EmptyQueryError(f"query {number}, {query!r}: {error}", hint=error.hint) from error
        return encoded

    def encode(self, query: Query) -> QueryEmbedding:
        """Encode a query, a text once, however much is asked about it."""
        return self._encode_text(query) if isinstance(query, str) else self._embed(query)

    def unknown_words(self, query: str) -> list[str]:
        """The words of a query of which nobody knows any: each has several tokens, and no page's text has one of them.

        None for an encoder that looks at pictures, which may show more than their text says, and where the store does
        not search text.
        """
        encoded = self.encode(query)
        tokens = Counter(encoded.word_index[encoded.word_index >= 0].tolist())
        if self._encoder().picture is not None or min(tokens.values(), default=1) == 1:
            return []
        try:
            found = self._store.search_text(encoded.text, 1)
        except InputError:
            return []
        return [] if found else list(dict.fromkeys(encoded.words[word] for word in sorted(tokens)))

    def _embed(self, query: Query) -> QueryEmbedding:
        return embed_query(self._encoder, self._store.manifest.space, query)

    def _ranking(self, top_k: int, *, where: Filter | None, hybrid: bool, exact: bool) -> Rank:
        """How pages are ranked here: in a device's memory, or as the last audit says, or by default."""
        candidates, searched = None, self._searched
        audit = self._store.last_audit() if searched is self._store and not exact else None
        pages = self._store.page_count() if audit is not None else 0
        if audit is not None and audit.holds_for(pages):
            target = self._recall_target or audit.target
            candidates = audit.candidates_for(target, pages=pages, top_k=top_k)
            exact = candidates is None
            if candidates is not None:
                candidates = candidates_on_this_machine(candidates, binary_queries=audit.binary_queries)

        def rank(queries: Sequence[QueryEmbedding], limit: int) -> list[list[ScoredPage]]:
            return rank_pages_many(
                searched, queries, limit=limit, where=where, exact=exact, hybrid=hybrid, candidates=candidates
            )

        return rank

    @property
    def _searched(self) -> Searchable:
        """The store, or its vectors in a device's memory where they are wanted there and fit."""
        return self._engine if self._engine and self._engine.refresh() else self._store


def check_recall_target(target: float | None) -> None:
    """Refuse what is no share.

    Raises:
        InputError: It is not between 0 and 1.
    """
    if target is not None and not 0 < target <= 1:
        raise InputError(f"a recall target is a share between 0 and 1, got {target}")


def _device_engine(store: AnyStore, device: str) -> DeviceEngine | None:
    """The store's vectors in the memory of a device; None where ``auto`` finds nothing but the CPU."""
    extras.require("gpu")
    from maxsight.encoders.checkpoints.devices import choose_devices
    from maxsight.retrieval.device_engine import DeviceEngine

    (chosen,) = choose_devices([device])
    return None if chosen.type == "cpu" else DeviceEngine(store, chosen)

"""Queries in, hits out: encode the queries, rank the pages, read them, describe them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Protocol

from maxsight import extras
from maxsight.encoders import Encoder
from maxsight.errors import EmptyQueryError, InputError
from maxsight.library.boosting import Booster, Found
from maxsight.library.hits import describe_hits, group_copies
from maxsight.library.queries import Query, embed_query
from maxsight.library.quoting import Quoted, read_quoted
from maxsight.results import Boost, Hit
from maxsight.retrieval.codes import candidates_on_this_machine
from maxsight.retrieval.search import Boosts, ScoredPage, rank_pages_many
from maxsight.spelling import list_names
from maxsight.stores.base import AnyStore, Compared, DocumentEntry, Searchable
from maxsight.stores.conditions import Filter
from maxsight.stores.filters import Where, parse_filter, write_equality
from maxsight.threads import one_blas_thread
from maxsight.types import QueryEmbedding

if TYPE_CHECKING:
    import torch

    from maxsight.retrieval.device_engine import DeviceEngine

MAX_CACHED_QUERIES = 64
"""Texts whose vectors are cached: a query is often followed by its notices, and by heatmaps of its hits."""
QUERIES_PER_SCAN = 32
PAGES_PER_READ = 256
MAX_RANKINGS = 3
"""So many rankings may have pages that can't be read. Then the other pages are returned."""

logger = logging.getLogger(__name__)


class _Rank(Protocol):
    def __call__(
        self, queries: Sequence[QueryEmbedding], *, limit: int, boosts: Sequence[Boosts]
    ) -> list[list[ScoredPage]]: ...


class Searcher:
    """Searches one store."""

    def __init__(
        self,
        store: AnyStore,
        encoder: Callable[[], Encoder],
        documents: Callable[[], Sequence[DocumentEntry]],
        *,
        recall_target: float | None = None,
        device: str = "cpu",
    ) -> None:
        """Load nothing yet, unless the vectors are wanted in a device's memory.

        Args:
            store: The store to search.
            encoder: Gives the encoder when it is first needed.
            documents: Lists the store's documents.
            recall_target: As for ``Library.open``.
            device: As ``search_device`` for ``Library.open``.

        Raises:
            InputError: ``recall_target`` is not between 0 and 1.
            ModelNotAvailableError: There is no such device.
            MissingExtraError: The device needs torch, and it is not installed.
        """
        check_recall_target(recall_target)
        self._store = store
        self._encoder = encoder
        self._recall_target = recall_target
        self._engine = _device_engine(store, device)
        self._damaged: dict[tuple[int, str], str] = {}
        self._booster = Booster(store, documents)
        self._encode_text = lru_cache(MAX_CACHED_QUERIES)(self._embed)

    def find(
        self,
        queries: Sequence[Query],
        *,
        top_k: int,
        where: Where,
        exact: bool = False,
        names: bool = True,
        phrases: Sequence[str] = (),
    ) -> list[list[Hit]]:
        """Find and describe the best pages for each query; see ``Library.search_many``."""
        condition = self.condition(where)
        if top_k < 1:
            raise InputError(f"ask for at least one result, got {top_k}")
        with one_blas_thread():
            embeddings = self.encode_many(queries)
            searched = self._searched
            candidates = None
            if searched is self._store and not exact:
                candidates, exact = self._audited(top_k)
            together: dict[Filter | None, list[int]] = defaultdict(list)
            for number, query in enumerate(queries):
                together[_read(query, phrases).condition(condition)].append(number)
            hits: dict[int, list[Hit]] = {}
            for within, numbers in together.items():
                rank: _Rank = partial(
                    rank_pages_many,
                    searched,
                    where=within,
                    exact=exact,
                    candidates=candidates,
                    on_damaged=self._note_damaged,
                )
                for first in range(0, len(numbers), QUERIES_PER_SCAN):
                    some = numbers[first : first + QUERIES_PER_SCAN]
                    asked = [embeddings[number] for number in some]
                    found = [self._booster.find(query, within, names=names) for query in asked]
                    hits |= zip(
                        some,
                        self._find(asked, found, rank, top_k, filtered=within is not None),
                        strict=True,
                    )
        return [hits[number] for number in range(len(embeddings))]

    def condition(self, where: Where) -> Filter | None:
        """Parse a condition on the store's fields, unless it is parsed already.

        Raises:
            FilterError: It is not valid, or names an unknown field.
        """
        if where is None or isinstance(where, Filter):
            return where
        if isinstance(where, Mapping):
            where = write_equality(where)
            if not where:
                return None
        return parse_filter(where, self._store.fields())

    def encode_many(self, queries: Sequence[Query]) -> list[QueryEmbedding]:
        """Encode queries, and name the one that can't be encoded.

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
        """Encode a query. The vectors of the last texts are cached."""
        return self._encode_text(query) if isinstance(query, str) else self._embed(query)

    def boosts(self, embedding: QueryEmbedding, page_id: str) -> tuple[Boost, ...]:
        """List what moves a page up in a search, apart from its score."""
        return self._booster.find(embedding).boosts.get(page_id, ())

    def notices(self, query: Query, *, phrases: Sequence[str] = ()) -> list[str]:
        """List what a user should know before trusting the hits; see ``Library.notices``."""
        embedding = self.encode(query)
        version = self._store.version if self._damaged else 0
        notices = [text for (of, _), text in list(self._damaged.items()) if of == version]
        if not isinstance(query, str):
            return notices
        read = _read(query, phrases)
        if language := self._encoder().notice(read.text):
            notices.append(language)
        words = len(embedding.text.split())
        if words < len(read.text.split()):
            notices.append(f"only the first {words:,} words of the query are searched for")
        if read.excluded:
            notices.append(f"pages with {_listed(read.excluded)} are left out")
        if self._encoder().picture is None:
            found = self._booster.find(embedding, names=False)
            if absent := [word for word in found.absent if word not in read.phrases]:
                notices.append(
                    f"no page has {_listed(absent)} to the letter: "
                    "the hits have similar words, or answer the rest of the query"
                )
        missing = [phrase for phrase in read.phrases if not self._has(phrase)]
        if missing or not self._has(*read.phrases):
            notices.append(
                f"no page has {_listed(missing or read.phrases)} to the letter: "
                "search without the quotation marks for pages that resemble it"
            )
        return notices

    def _note_damaged(self, page_ids: Sequence[str]) -> None:
        """Name pages that a search leaves out, once: in the log, and in the notices of queries until the next write."""
        version = self._store.version
        for page_id in page_ids:
            if (version, page_id) not in self._damaged:
                pages = self._store.read([page_id])
                where = f"{pages[0].document.path}, page {pages[0].page.page_number}" if pages else page_id
                self._damaged[version, page_id] = text = (
                    f"{where} is damaged and left out: a stored vector has changed. `maxsight verify --repair` drops "
                    "the page, and `maxsight index` reads it again"
                )
                logger.warning("%s", text)

    def _has(self, *phrases: str) -> bool:
        """Say whether a page has all of some phrases."""
        where = Quoted("", phrases).condition(None)
        return where is None or any(pages.page_ids for pages in self._store.vectors(where=where))

    def _embed(self, query: Query) -> QueryEmbedding:
        query = read_quoted(query).text if isinstance(query, str) else query
        embedding = embed_query(self._encoder, self._store.manifest.space, query)
        store = self._store
        return replace(embedding, similarity=store.similarity) if isinstance(store, Compared) else embedding

    def _audited(self, top_k: int) -> tuple[int | None, bool]:
        """How many candidates the last audit found to be needed, None for the default; whether to score every page."""
        audit = self._store.last_audit()
        pages = self._store.page_count() if audit is not None else 0
        if audit is None or not audit.holds_for(pages):
            return None, False
        candidates = audit.candidates_for(self._recall_target or audit.target, pages=pages, top_k=top_k)
        if candidates is None:
            return None, True
        return candidates_on_this_machine(candidates, binary_queries=audit.binary_queries), False

    def _find(
        self,
        queries: Sequence[QueryEmbedding],
        boosted: Sequence[Found],
        rank: _Rank,
        top_k: int,
        *,
        filtered: bool,
    ) -> list[list[Hit]]:
        """Rank, read and describe; again, with more pages, for queries that have too few hits.

        Copies of one content are one hit, so they take the places of others. Pages may also have been removed since
        they were ranked. It ends, since the limit outgrows the library.
        """
        from maxsight.evaluation.answerability import model_for

        found: dict[int, list[Hit]] = {}
        boosts = [each.boosts for each in boosted]
        limit = top_k + 1  # one page more shows that all copies of the last hit are found
        rankings = 0
        while len(found) < len(queries):
            waiting = [number for number in range(len(queries)) if number not in found]
            ranked = rank(
                [queries[number] for number in waiting],
                limit=limit,
                boosts=[boosted[number].search for number in waiting],
            )
            rankings += 1
            step = max(1, PAGES_PER_READ // limit)
            for first in range(0, len(waiting), step):
                some = list(zip(waiting, ranked, strict=True))[first : first + step]
                named = dict.fromkeys(scored.page_id for _, best in some for scored in best)
                pages = {page.page_id: page for page in self._store.read(list(named))}
                missing = named.keys() - pages.keys()
                if missing and rankings == MAX_RANKINGS:
                    logger.warning("%d ranked pages can't be read, such as %s", len(missing), min(missing))
                for number, best in some:
                    if rankings < MAX_RANKINGS and any(scored.page_id in missing for scored in best):
                        continue
                    groups = group_copies(best, pages)
                    if len(groups) > top_k or len(best) < limit:
                        found[number] = describe_hits(
                            queries[number],
                            groups[:top_k],
                            pages,
                            self._store.manifest.background,
                            boosts[number],
                            model=model_for(self._store.manifest.space),
                            named=filtered or boosted[number].search.near is not None,
                            absent=len(boosted[number].absent),
                        )
            limit *= 4
        return [found[number] for number in range(len(queries))]

    @property
    def _searched(self) -> Searchable:
        """The store, or its vectors in a device's memory if they are wanted there and fit."""
        return self._engine if self._engine and self._engine.refresh() else self._store


def _read(query: Query, phrases: Sequence[str]) -> Quoted:
    """Read the quoted phrases and excluded words of a query, if it is a text."""
    return read_quoted(query, phrases) if isinstance(query, str) else Quoted("", tuple(phrases))


def _listed(phrases: Sequence[str]) -> str:
    return list_names([f'"{phrase}"' for phrase in phrases])


def check_recall_target(target: float | None) -> None:
    """Refuse a target that is not a share.

    Raises:
        InputError: It is not between 0 and 1.
    """
    if target is not None and not 0 < target <= 1:
        raise InputError(f"a recall target is a share between 0 and 1, got {target}")


def choose_search_device(name: str) -> torch.device | None:
    """Find the device that a user names; None for the CPU, also if ``auto`` finds no other.

    Raises:
        ModelNotAvailableError: There is no such device.
        MissingExtraError: The device needs torch, and it is not installed.
    """
    if name == "cpu":
        return None
    extras.require("gpu")
    from maxsight.encoders.checkpoints.devices import choose_devices

    (chosen,) = choose_devices([name])
    return None if chosen.type == "cpu" else chosen


def _device_engine(store: AnyStore, device: str) -> DeviceEngine | None:
    """Prepare to search in a device's memory; None on the CPU."""
    chosen = choose_search_device(device)
    if chosen is None:
        return None
    from maxsight.retrieval.device_engine import DeviceEngine

    return DeviceEngine(store, chosen)

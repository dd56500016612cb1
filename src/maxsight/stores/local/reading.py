"""Reading a Lance dataset: needs no lock, and sees the commits of other processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import lance
import numpy as np
from lance.query import BooleanQuery, FullTextOperator, FullTextQuery, MatchQuery, Occur
from numpy.typing import NDArray

from maxsight.errors import StoreError
from maxsight.stores.audit import Audit
from maxsight.stores.base import Codec, DocumentEntry, IndexedPage
from maxsight.stores.conditions import AllOf, Condition, Contains, Filter
from maxsight.stores.fields import PAGE_TEXT, FieldType
from maxsight.stores.lance_sql import name_column, to_lance
from maxsight.stores.local import schema
from maxsight.stores.local.arrow_rows import from_batch, metadata_of
from maxsight.stores.local.code_table import CodeTable, read_table
from maxsight.stores.local.edits import pages_in
from maxsight.stores.local.maintenance import BIGRAM_INDEX, text_index
from maxsight.stores.local.versioned import Version, VersionedDataset
from maxsight.stores.manifest import Manifest
from maxsight.stores.page_rows import LISTED, Row, list_documents, to_page
from maxsight.stores.phrases import BEGINS_ANYWHERE, spellings_of, words_of
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.stores.verification import Damage
from maxsight.types import Floats

T = TypeVar("T")

CHUNK_BYTES = 16 * 2**20
MAX_CACHED_FILTERS = 64
MAX_WITH_WORDS = 1024
"""Pages with all words of a phrase that are looked at. The index gives them best first."""
MAX_PLACE_BYTES = 32
"""A vector's box, span and codes take no more."""


class LanceReader:
    """Reads a library in a Lance dataset.

    Attributes:
        place: Where it is, for people.
    """

    def __init__(self, dataset: VersionedDataset, codec: Callable[[int], Codec]) -> None:
        """Read the newest version.

        Args:
            dataset: Its versions.
            codec: Makes the codec for vectors of a dimension.
        """
        self.place = dataset.place
        self._dataset = dataset
        self._manifest = schema.manifest_of(dataset.latest().schema, dataset.place)
        self._codec = codec(self._manifest.space.dim)
        self._codec_with_mean: tuple[bytes, Codec] | None = None
        self._table: CodeTable | None = None
        self._table_lock = threading.Lock()
        self._positions: dict[tuple[int, Filter], NDArray[np.int64]] = {}

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings of the library."""
        return self._manifest

    @property
    def version(self) -> int:
        """A number that changes with every write, also of another process."""
        return self._dataset.newest().number

    def page_count(self) -> int:
        """Return the number of stored pages."""
        return self._in_newest(lambda version: int(version.dataset.count_rows(_but(version.removed))))

    def last_audit(self) -> Audit | None:
        """Return the last audit of the search; None if there was none."""
        return schema.audit_of(self._dataset.latest().schema)

    def fields(self) -> dict[str, FieldType]:
        """Return the metadata fields and their types."""
        return schema.fields_of(self._dataset.latest().schema)

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""

        def read(version: Version) -> list[DocumentEntry]:
            dataset = version.dataset
            columns = [*LISTED, *map(name_column, schema.fields_of(dataset.schema))]
            batches = dataset.to_batches(columns, _but(version.removed), batch_readahead=2)
            return list_documents((row for batch in batches for row in from_batch(batch)), metadata_of)

        return self._in_newest(read)

    def damage(self) -> list[Damage]:
        """List the files that are missing or cut short, as far as a quick look shows."""
        with self._dataset.reading():
            return self._dataset.damage()

    # Searching --------------------------------------------------------------------------------------------

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time: of the pages a filter keeps, or of the named ones."""
        given: set[str] = set()
        while True:
            table = self._newest_table()
            try:
                positions = self._kept(table, where) if page_ids is None else table.positions_of(page_ids)
                if given:
                    positions = positions[[name not in given for name in table.names(positions)]]
                for chunk in self._chunks(table, positions):
                    with self._dataset.reading():
                        pages = table.vectors(chunk)
                    given.update(pages.page_ids)
                    yield pages
                return
            except StoreError as error:
                if not self._went_on(table.version, error):
                    raise

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best MaxSim estimated from codes, with their vectors."""
        check_queries(queries, self._manifest.space.dim)
        table = self._newest_table()
        if where is None and not table.version.removed:
            found = table.codec.best_pages(queries, table.codes, limit, candidates)
        else:
            kept = self._kept(table, where)
            best = table.codec.best_pages(queries, table.codes_of(kept), limit, candidates)
            found = [kept[pages] for pages in best]
        with self._dataset.reading():
            return [table.vectors(pages) for pages in found]

    def find_phrase(self, phrase: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name pages whose text has a phrase to the letter.

        The full-text index names pages with all words of it. Text that was written since the last ``optimize`` is
        found too. If the index can't look up any of the words, all text is scanned.
        """
        has_phrase: Condition = Contains(PAGE_TEXT, phrase)
        kept = Filter(has_phrase if where is None else AllOf((where.condition, has_phrase)))
        found = self._in_newest(
            lambda version: version.dataset.scanner(
                columns=["page_id"],
                full_text_query=_all_words(phrase, text_index(version.dataset)),
                filter=to_lance(kept),
                prefilter=False,
                limit=MAX_WITH_WORDS,
                disable_scoring_autoprojection=True,
            ).to_table()
        )
        removed = self._dataset.newest().removed
        names = set(found.column("page_id").to_pylist()) - set(removed)
        return sorted(names)[:limit]

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""

        def read(version: Version) -> list[Row]:
            table = self._table_of(version)
            columns = schema.page_columns(table.version.dataset.schema)
            return list(table.rows(table.positions_of(page_ids), columns))

        return [to_page(row, metadata_of(row)) for row in self._in_newest(read)]

    def _newest_table(self) -> CodeTable:
        """Return the table of the newest version."""
        return self._in_newest(self._table_of)

    def _table_of(self, version: Version) -> CodeTable:
        if (table := self._table) is not None and table.version.number == version.number:
            return table
        with self._table_lock:
            version = self._dataset.fetched()  # another thread may have read its table meanwhile
            if (table := self._table) is None or table.version.number != version.number:
                codec, dim = self._codec_of(version.dataset), self._manifest.space.dim
                table = self._table = read_table(version, codec, dim, table)
            return table

    def _in_newest(self, read: Callable[[Version], T]) -> T:
        """Read something in the newest version, and again where another process removes that version meanwhile."""
        while True:
            version = self._dataset.newest()
            try:
                with self._dataset.reading():
                    self._dataset.check_deletions(version)
                    return read(version)
            except StoreError as error:
                if not self._went_on(version, error):
                    raise

    def _codec_of(self, dataset: lance.LanceDataset) -> Codec:
        """Return the codec of a version: the one for the library's mean, once it has one."""
        mean = schema.mean_of(dataset.schema)
        if mean is None:
            return self._codec
        if self._codec_with_mean is None or self._codec_with_mean[0] != mean.tobytes():
            self._codec_with_mean = mean.tobytes(), self._codec.with_mean(mean)
        return self._codec_with_mean[1]

    def _went_on(self, version: Version, error: StoreError) -> bool:
        """Return whether an error came from reading files that are gone, and reading again may succeed."""
        went_on = self._dataset.went_on(version, error.__cause__)
        if went_on:
            self._table = None
        return went_on

    def _kept(self, table: CodeTable, where: Filter | None) -> NDArray[np.int64]:
        """Return the positions of the pages that a filter keeps. Those of the last filters are cached."""
        if where is None:
            return table.kept
        key = table.version.number, where
        if (kept := self._positions.get(key)) is None:
            with self._dataset.reading():
                found = table.version.dataset.scanner(
                    columns=[], filter=to_lance(where), with_row_id=True
                ).to_table()
            kept = table.positions_of_rows(np.asarray(found.column("_rowid")))
            if len(self._positions) >= MAX_CACHED_FILTERS:
                self._positions.clear()
            self._positions[key] = kept
        return np.intersect1d(kept, table.kept) if table.version.removed else kept

    def _chunks(self, table: CodeTable, positions: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Split positions into runs of at most ``CHUNK_BYTES``, or of one page."""
        sizes = table.codes.counts[positions] * (self._manifest.space.dim * 2 + MAX_PLACE_BYTES)
        ends = np.cumsum(sizes)
        first = 0
        while first < len(positions):
            before = ends[first] - sizes[first]
            last = max(first + 1, int(np.searchsorted(ends, before + CHUNK_BYTES, side="right")))
            yield positions[first:last]
            first = last

    def close(self) -> None:
        """Close the dataset."""
        self._table = None
        self._dataset.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _all_words(phrase: str, index: str | None) -> FullTextQuery | None:
    """Write the full-text query for pages with all words of a phrase, however numbers are written.

    Words that the index does not have as words are left out; None if all are.
    """

    def match(text: str) -> FullTextQuery:
        return MatchQuery(text, "text", operator=FullTextOperator.AND)

    if index == BIGRAM_INDEX:
        parts = {part for word in words_of(phrase) for part in _shared_parts(word) if len(part) > 1}
        return BooleanQuery([(Occur.MUST, match(part)) for part in sorted(parts)]) if parts else None
    words = [spellings_of(word) for word in words_of(phrase) if not BEGINS_ANYWHERE.search(word)]
    ways = (BooleanQuery([(Occur.SHOULD, match(text)) for text in spellings]) for spellings in words)
    return BooleanQuery([(Occur.MUST, way) for way in ways]) if words else None


def _shared_parts(word: str) -> list[str]:
    """Parts that every spelling of a word has: a number's groups, or the word."""
    return spellings_of(word)[0].split()


def _but(page_ids: Collection[str]) -> str | None:
    """Return the SQL condition for all pages but some; None for all."""
    return f"NOT ({pages_in(sorted(page_ids))})" if page_ids else None

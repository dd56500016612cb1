"""The pages of a library in Milvus, without their vectors: a collection with one row a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

from maxsight.errors import InputError
from maxsight.stores.conditions import Filter, names_field
from maxsight.stores.fields import PAGE_TEXT
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import MAX_WINDOW, Connection
from maxsight.stores.milvus.expressions import (
    EVERY_PAGE,
    MAX_PERCENTS,
    METADATA_COLUMN,
    Expression,
    match_values,
    name_pages,
    to_milvus,
    write_literal,
)
from maxsight.stores.milvus.keys import PLACES
from maxsight.stores.milvus.page_columns import (
    NO_VECTOR,
    PACKED,
    TEXT_VECTOR,
    fold,
    read_metadata,
    stored_in,
    unfold,
)
from maxsight.stores.milvus.properties import LibraryProperties
from maxsight.stores.page_rows import Row
from maxsight.stores.phrases import BEGINS_ANYWHERE, compile_phrase, spellings_of, words_of
from maxsight.types import Scalar

WHOLE_ROWS, SMALL_ROWS = 64, 1024
"""Rows in a request or an answer: with all their columns, or without the packed ones."""


class PageRows:
    """The rows of a library's pages.

    A read sees at once what this process wrote. After another process has changed the version, the next read waits
    once for its data, about 0.2 s.

    Attributes:
        collection: The collection of the rows.
        collections: All collections of the library, this one first.
    """

    def __init__(
        self, connection: Connection, properties: LibraryProperties, collection: str, *others: str
    ) -> None:
        """Use a collection that is loaded.

        Args:
            connection: The connection to the server.
            properties: What the library says of itself.
            collection: The collection of the rows.
            others: The library's other collections, which change together with this one.
        """
        self._connection = connection
        self.collection = collection
        self.collections = (collection, *others)
        self._properties = properties

    # Reading ----------------------------------------------------------------------------------------------

    def choose_consistency(self) -> str:
        """Return Milvus' consistency level for the next read.

        If the address asks for ``Strong``, wait for what other processes wrote. ``Session`` is enough after that.
        """
        asked = self._connection.address.consistency
        if asked != "Strong":
            return asked
        version = self._properties.version
        if version != self._properties.seen_version:
            for collection in self.collections:
                self._connection.call(
                    "query", collection, filter="", output_fields=["count(*)"], consistency_level="Strong"
                )
            self._properties.seen_version = version
        return "Session"

    def count(self, expression: str = "") -> int:
        """Count the pages that an expression keeps."""
        (found,) = self._query(["count(*)"], expression)
        return int(found["count(*)"])

    def rows(
        self, columns: Sequence[str], *, where: Filter | None = None, page_ids: Iterable[str] | None = None
    ) -> Iterator[Row]:
        """Read columns of the pages that a filter keeps, or of the named ones, in any order; skip unknown ids."""
        if page_ids is not None:
            yield from self.rows_with("page_id", dict.fromkeys(page_ids), columns)
        elif where is None:
            yield from self._matching(columns, EVERY_PAGE)
        else:
            expression = to_milvus(where, self._connection.capabilities)
            found = self._matching(_needed(columns, where, expression), expression.text)
            yield from found if expression.exact else _kept(where, found)

    def rows_with(
        self, column: str, values: Iterable[Scalar], columns: Sequence[str], *, where: Filter | None = None
    ) -> Iterator[Row]:
        """Read columns of the pages that have one of the values in a column, and that a filter keeps, in any order."""
        expression = Expression("") if where is None else to_milvus(where, self._connection.capabilities)
        kept = f" and ({expression.text})" if expression.text else ""
        for some in cut_batches(values, _rows_per_answer(columns)):
            found = self._query(_needed(columns, where, expression), match_values(column, some) + kept)
            yield from found if where is None or expression.exact else _kept(where, found)

    def count_kept(self, where: Filter) -> int:
        """Count the pages that a filter keeps."""
        expression = to_milvus(where, self._connection.capabilities)
        return self.count(expression.text) if expression.exact else sum(1 for _ in self.rows([], where=where))

    def _matching(self, columns: Sequence[str], expression: str) -> Iterator[Row]:
        """Read any number of rows, in answers of bounded size: by ranges of places, which are evenly spread."""
        answers = 1 + self.count(expression) // _rows_per_answer(columns)
        for start, end in pairwise(part * PLACES // answers for part in range(answers + 1)):
            within = f"vectors_key >= {start} and vectors_key < {end}"
            yield from self._query(columns, expression if answers == 1 else f"({expression}) and {within}")

    def _query(self, columns: Sequence[str], expression: str) -> list[Row]:
        found = self._connection.call(
            "query",
            self.collection,
            filter=expression,
            output_fields=stored_in(columns),
            consistency_level=self.choose_consistency(),
        )
        return [unfold(row) for row in found]

    def find(
        self,
        where: Filter | None,
        wanted: int,
        search: Callable[[str, list[str], int], list[list[Row]]],
        *,
        start: int = 1,
    ) -> list[list[Row]]:
        """Search with a filter, best first. If the server can't decide it, ask for more until enough pages pass.

        Args:
            where: Only pages that this keeps.
            wanted: How many pages at most, for each query.
            search: Takes an expression, columns and a limit. Returns, for each query, rows with these and ``score``.
            start: How many pages to ask for at first, at least.
        """
        expression = Expression("") if where is None else to_milvus(where, self._connection.capabilities)
        columns, limit = _needed([], where, expression), min(max(wanted, start), MAX_WINDOW)
        while True:
            found = search(expression.text, columns, limit)
            if where is None or expression.exact:
                return [rows[:wanted] for rows in found]
            kept = [list(_kept(where, rows)) for rows in found]
            few = any(len(k) < wanted and len(f) == limit for k, f in zip(kept, found, strict=True))
            if not few:
                return [rows[:wanted] for rows in kept]
            if limit == MAX_WINDOW:
                break
            limit = min(4 * limit, MAX_WINDOW)
        names = [
            row["page_id"] for row in self.rows(["page_id"], where=where)
        ]  # the pages that pass are rare
        parts = [search(each, [], wanted) for each in name_pages("page_id", names)]
        return [
            sorted(chain(*rows), key=lambda row: -float(row["score"]))[:wanted]
            for rows in (zip(*parts, strict=True) if parts else ((),) * len(kept))
        ]

    def find_phrase(self, phrase: str, limit: int, where: Filter | None) -> list[str]:
        """Name pages whose text has a phrase to the letter, among those that match its words best by BM25.

        BM25 of a server does not find words within a text without spaces, nor Korean words without their particles.
        A phrase of these is a filter.

        Raises:
            InputError: The server does not rank text.
        """
        pattern, capabilities = compile_phrase(phrase), self._connection.capabilities
        ranked = [word for word in words_of(phrase) if not BEGINS_ANYWHERE.search(word)]
        if not ranked:
            letters = BEGINS_ANYWHERE.findall("".join(words_of(phrase)))[: MAX_PERCENTS - 1]
            like = f"text like {write_literal('%'.join(['', *letters, '']))}"
            kept = Expression("") if where is None else to_milvus(where, capabilities)
            expression = f"{like} and ({kept.text})" if kept.text else like
            rows = self._matching(_needed(["page_id", "text"], where, kept), expression)
            found = rows if where is None or kept.exact else _kept(where, rows)
            return sorted(row["page_id"] for row in found if pattern.search(row["text"]))[:limit]
        words = " ".join(chain.from_iterable(map(spellings_of, ranked)))
        if not capabilities.full_text:
            raise InputError(
                f"{capabilities} ranks no text", hint="Use Milvus 2.5 or newer, or a library in a folder."
            )

        def search(expression: str, columns: list[str], limit: int) -> list[list[Row]]:
            answer = self._connection.call(
                "search",
                self.collection,
                data=[words],
                anns_field=TEXT_VECTOR,
                limit=limit,
                filter=expression,
                output_fields=list(dict.fromkeys(["page_id", "text", *columns])),
                consistency_level=self.choose_consistency(),
            )
            return [[{"score": hit.distance, **hit["entity"]} for hit in found] for found in answer]

        (best,) = self.find(where, SMALL_ROWS, search)
        return [row["page_id"] for row in best if pattern.search(row["text"])][:limit]

    # Writing ----------------------------------------------------------------------------------------------

    def upsert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write whole rows. A row replaces the stored one of its page."""
        required = {} if self._connection.capabilities.full_text else {NO_VECTOR: [0.0, 0.0]}
        for some in cut_batches(rows, WHOLE_ROWS):
            self._connection.call("upsert", self.collection, [{**fold(row), **required} for row in some])

    def delete(self, page_ids: Iterable[str]) -> None:
        """Remove the rows of pages."""
        for some in cut_batches(page_ids, SMALL_ROWS):
            self._connection.call("delete", self.collection, filter=match_values("page_id", some))


def _needed(columns: Sequence[str], where: Filter | None, expression: Expression) -> list[str]:
    """Add the columns that decide a filter, if the server can't. A text column has a page's first 65,535 bytes."""
    decide = [] if expression.exact else ["path", "file", "page_number", METADATA_COLUMN]
    if where is not None and names_field(where.condition, PAGE_TEXT):
        decide.append("text")
    return list(dict.fromkeys([*columns, *decide]))


def _kept(where: Filter, rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if where.matches({**read_metadata(row), **row, PAGE_TEXT: row.get("text")}))


def _rows_per_answer(columns: Sequence[str]) -> int:
    return WHOLE_ROWS if PACKED[0] in columns else SMALL_ROWS

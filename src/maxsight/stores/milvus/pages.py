"""The pages of a library in Milvus, without their vectors: a collection with a row a page.

What the library says of itself (manifest, fields, audit, version) lies in the collection's properties, which change in
one call and are read without waiting. ``store`` makes a library of this, together with a layout for the vectors.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from maxsight.errors import InputError, LibraryDamagedError
from maxsight.stores.audit import Audit
from maxsight.stores.base import DocumentEntry
from maxsight.stores.conditions import Filter
from maxsight.stores.fields import FieldType, grow_fields
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.batches import batched
from maxsight.stores.milvus.connection import LARGEST_WINDOW, Connection
from maxsight.stores.milvus.expressions import EVERY_PAGE, is_one_of, to_milvus
from maxsight.stores.milvus.keys import PLACES
from maxsight.stores.milvus.page_columns import (
    LISTED,
    NO_VECTOR,
    PACKED,
    TEXT_VECTOR,
    metadata_of,
)
from maxsight.stores.page_rows import Row, list_documents
from maxsight.types import Scalar

MANIFEST, FIELDS, AUDIT, VERSION = (
    "maxsight.manifest",
    "maxsight.fields",
    "maxsight.audit",
    "maxsight.version",
)
WHOLE_ROWS, SMALL_ROWS = 64, 1024
"""Rows in one request or answer: with all their columns, or without what is packed."""


class PageRows:
    """The rows of a library's pages.

    Reads see at once what this process wrote. What others wrote is waited for once (``Strong``, about 0.2 s) when the
    version has changed; reads of a version that has been waited for don't wait again.
    """

    def __init__(self, connection: Connection, collection: str, also: Sequence[str] = ()) -> None:
        """The rows of a collection that is there and loaded.

        Args:
            connection: To the server.
            collection: With the rows.
            also: Collections that change with it and are waited for together.
        """
        self._connection = connection
        self.collection = collection
        self._waited_for = (collection, *also)
        self._seen_version = -1

    # What the library says of itself ----------------------------------------------------------------------

    def _properties(self) -> dict[str, str]:
        described = self._connection.call("describe_collection", self.collection)
        properties: dict[str, str] = described.get("properties") or {}
        return properties

    def _keep(self, properties: Mapping[str, str]) -> None:
        """Change properties, and with them the version."""
        before = self.version
        version = max(time.time_ns(), before + 1)
        given = {**properties, VERSION: str(version)}
        self._connection.call("alter_collection_properties", self.collection, given)
        if before == self._seen_version:  # else others have written too, and that is not waited for yet
            self._seen_version = version

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings."""
        text = self._properties().get(MANIFEST)
        if text is None:
            raise LibraryDamagedError(f"{self._connection.address} has lost its manifest")
        return Manifest.from_json(text, where=str(self._connection.address))

    def store_manifest(self, manifest: Manifest) -> None:
        """Keep it anew."""
        self._keep({MANIFEST: manifest.to_json()})

    @property
    def version(self) -> int:
        """Another number after every change."""
        return int(self._properties().get(VERSION, 0))

    def changed(self) -> None:
        """Note that what is stored has changed."""
        self._keep({})

    def fields(self) -> dict[str, FieldType]:
        """The user's fields and their types."""
        known = json.loads(self._properties().get(FIELDS, "{}"))
        return {name: FieldType(kind) for name, kind in known.items()}

    def grow_fields(self, metadata: Iterable[Mapping[str, Scalar]]) -> dict[str, FieldType]:
        """Add the fields that are new.

        Raises:
            InputError: A value has another type than its field.
        """
        known = self.fields()
        fields = grow_fields(known, metadata)
        if fields != known:
            self._keep({FIELDS: json.dumps(fields)})
        return fields

    def last_audit(self) -> Audit | None:
        """What was last measured."""
        text = self._properties().get(AUDIT)
        return Audit.from_json(text) if text else None

    def store_audit(self, audit: Audit) -> None:
        """Keep what was measured."""
        self._keep({AUDIT: audit.to_json()})

    # Reading ----------------------------------------------------------------------------------------------

    @property
    def consistency(self) -> str:
        """How new what is read must be, as Milvus calls it; waits for what others have written if that is asked for."""
        asked = self._connection.address.consistency
        if asked != "Strong":
            return asked
        version = self.version
        if version != self._seen_version:
            for collection in self._waited_for:
                self._connection.call(
                    "query", collection, filter="", output_fields=["count(*)"], consistency_level="Strong"
                )
            self._seen_version = version
        return "Session"

    def count(self, expression: str = "") -> int:
        """How many there are that an expression keeps."""
        (found,) = self._query(["count(*)"], expression)
        return int(found["count(*)"])

    def select(
        self, columns: Sequence[str], *, where: Filter | None = None, page_ids: Iterable[str] | None = None
    ) -> list[Row]:
        """Read columns of the pages a filter keeps, or of the named ones; unknown ids are left out."""
        return list(self.rows(columns, where=where, page_ids=page_ids))

    def rows(
        self, columns: Sequence[str], *, where: Filter | None = None, page_ids: Iterable[str] | None = None
    ) -> Iterator[Row]:
        """``select``, some rows at a time, in any order."""
        if page_ids is not None:
            for some in batched(dict.fromkeys(page_ids), _rows_per_answer(columns)):
                yield from self._query(columns, is_one_of("page_id", some))
        elif where is None:
            yield from self._matching(columns, EVERY_PAGE)
        else:
            expression = to_milvus(where, self._connection.capabilities.dialect)
            if expression.exact:
                yield from self._matching(columns, expression.text)
            else:
                decided = dict.fromkeys([*columns, "path", "file", "page_number", "metadata"])
                for row in self._matching(list(decided), expression.text):
                    if where.matches({**metadata_of(row), **row}):
                        yield row

    def in_places(self, keys: Iterable[int], columns: Sequence[str]) -> list[Row]:
        """Read columns of the pages whose vectors lie at some places."""
        batches = batched(keys, _rows_per_answer(columns))
        return [row for some in batches for row in self._query(columns, is_one_of("vectors_key", some))]

    def _matching(self, columns: Sequence[str], expression: str) -> Iterator[Row]:
        """Rows of any number. Answers are kept small by ranges of places, which hashing has spread evenly."""
        answers = 1 + self.count(expression) // _rows_per_answer(columns)
        for start, end in pairwise(part * PLACES // answers for part in range(answers + 1)):
            within = f"vectors_key >= {start} and vectors_key < {end}"
            yield from self._query(columns, expression if answers == 1 else f"({expression}) and {within}")

    def _query(self, columns: Sequence[str], expression: str) -> list[Row]:
        found = self._connection.call(
            "query",
            self.collection,
            filter=expression,
            output_fields=list(columns),
            consistency_level=self.consistency,
        )
        return [dict(row) for row in found]

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        return list_documents(self.rows(LISTED), metadata_of)

    def search_text(self, query: str, limit: int, where: Filter | None) -> list[str]:
        """Name the pages whose text matches best by BM25.

        Raises:
            InputError: The server has no full text.
        """
        capabilities = self._connection.capabilities
        if not capabilities.full_text:
            raise InputError(
                f"{capabilities} ranks no text, so there is no hybrid search",
                hint="Search without it, or use Milvus 2.5 or newer, or a library in a folder.",
            )
        if not any(character.isalnum() for character in query):
            return []
        kept = ""
        if where is not None:
            expression = to_milvus(where, capabilities.dialect)
            exact = expression.exact
            kept = expression.text if exact else is_one_of("page_id", self._ids(where))
        (found,) = self._connection.call(
            "search",
            self.collection,
            data=[query],
            anns_field=TEXT_VECTOR,
            limit=min(limit, LARGEST_WINDOW),
            filter=kept,
            output_fields=["page_id"],
            consistency_level=self.consistency,
        )
        return [hit["entity"]["page_id"] for hit in found]

    def _ids(self, where: Filter) -> list[str]:
        return [row["page_id"] for row in self.rows(["page_id"], where=where)]

    # Writing ----------------------------------------------------------------------------------------------

    def upsert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write whole rows; one of the same page is replaced."""
        required = {} if self._connection.capabilities.full_text else {NO_VECTOR: [0.0, 0.0]}
        for some in batched(rows, WHOLE_ROWS):
            self._connection.call("upsert", self.collection, [{**row, **required} for row in some])

    def delete(self, page_ids: Iterable[str]) -> None:
        """Remove rows."""
        for some in batched(page_ids, SMALL_ROWS):
            self._connection.call("delete", self.collection, filter=is_one_of("page_id", some))


def _rows_per_answer(columns: Sequence[str]) -> int:
    return WHOLE_ROWS if PACKED[0] in columns else SMALL_ROWS

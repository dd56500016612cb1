"""What a library in Milvus says of itself: manifest, fields, last audit and version.

They are properties of the collection that has the pages. They change in one call, and reading them needs no waiting.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from maxsight.errors import LibraryDamagedError, LibraryReadOnlyError
from maxsight.stores.audit import Audit
from maxsight.stores.fields import FieldType, grow_fields
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.connection import Connection
from maxsight.types import Scalar

MANIFEST, FIELDS, AUDIT, VERSION = (
    "maxsight.manifest",
    "maxsight.fields",
    "maxsight.audit",
    "maxsight.version",
)


def read_properties(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the properties in a collection's description."""
    return dict(description.get("properties") or {})


class LibraryProperties:
    """The part of a store that its collection's properties answer.

    Attributes:
        seen_version: The version whose data is known to be readable; -1 before the first wait.
    """

    def __init__(self, connection: Connection, collection: str, *, read_only: bool) -> None:
        """Use the properties of a collection that exists."""
        self._connection = connection
        self._collection = collection
        self._read_only = read_only
        self.seen_version = -1

    def _read(self) -> dict[str, str]:
        return read_properties(self._connection.call("describe_collection", self._collection))

    def writing(self) -> AbstractContextManager[None]:
        """Check that writing is allowed. Milvus has no lock; writes name their rows, so they can be repeated.

        Raises:
            LibraryReadOnlyError: The library was opened read-only.
        """
        if self._read_only:
            raise LibraryReadOnlyError(f"{self._connection.address} is opened read-only")
        return nullcontext()

    def _change(self, properties: Mapping[str, str] | None = None) -> None:
        """Write some properties and a new version, or the version alone."""
        before = self.version
        version = max(time.time_ns(), before + 1)
        given = {**(properties or {}), VERSION: str(version)}
        self._connection.call("alter_collection_properties", self._collection, given)
        if before == self.seen_version:  # else another process has written, and a read must wait for that
            self.seen_version = version

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings of the library."""
        text = self._read().get(MANIFEST)
        if text is None:
            raise LibraryDamagedError(f"{self._connection.address} has lost its manifest")
        return Manifest.from_json(text, where=str(self._connection.address))

    @property
    def version(self) -> int:
        """Another number after every change, and a greater one."""
        return int(self._read().get(VERSION, 0))

    def fields(self) -> dict[str, FieldType]:
        """Return the user's metadata fields and their types."""
        known = json.loads(self._read().get(FIELDS, "{}"))
        return {name: FieldType(kind) for name, kind in known.items()}

    def _grow_fields(self, metadata: Iterable[Mapping[str, Scalar]]) -> dict[str, FieldType]:
        """Add the new fields of some pages, and return all fields.

        Raises:
            InputError: A value has another type than its field.
        """
        known = self.fields()
        fields = grow_fields(known, metadata)
        if fields != known:
            self._change({FIELDS: json.dumps(fields)})
        return fields

    def last_audit(self) -> Audit | None:
        """Return the last audit of the search; None before the first."""
        text = self._read().get(AUDIT)
        return Audit.from_json(text) if text else None

    def store_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest."""
        with self.writing():
            self._change({MANIFEST: manifest.to_json()})

    def store_audit(self, audit: Audit) -> None:
        """Replace the last audit."""
        with self.writing():
            self._change({AUDIT: audit.to_json()})

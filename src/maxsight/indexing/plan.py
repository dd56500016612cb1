"""What an indexing run has to do with each file: read it, reuse the vectors of an equal file, or nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from maxsight.documents import discover
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import composed, source_file
from maxsight.indexing.events import Found, IndexEvent, NotIndexed, Planned, Skipped
from maxsight.indexing.files import content, library_name, look_at, same_content
from maxsight.indexing.options import IndexOptions
from maxsight.indexing.work import Work
from maxsight.notices import fields_changed, passed_over
from maxsight.stores.base import Store
from maxsight.types import Document, Scalar


class Plan:
    """Compares files with the stored documents.

    Attributes:
        entries: The stored documents, by path.
        files: The file of each document that was found, by the document's path.
        contents: The `content` of these documents.
        work: Documents to read, by file.
        copies: Documents of the same content as another one, by that one's path.
    """

    def __init__(self, store: Store, home: Path | None, options: IndexOptions) -> None:
        """Start with the stored documents.

        Args:
            store: Where the pages go.
            home: The folder that documents are named relative to.
            options: How to index.
        """
        self.entries = {composed(entry.document.path): entry for entry in store.documents()}
        self.files: dict[str, Path] = {}
        self.contents: set[tuple[str, str]] = set()
        self.work: dict[Path, Work] = {}
        self.copies: dict[str, list[Work]] = defaultdict(list)
        self._store = store
        self._home = home
        self._options = options
        self._first_of = {
            content(entry.document): path for path, entry in self.entries.items() if entry.complete
        }
        self._touched: list[Document] = []
        self._changed_fields: dict[str, Mapping[str, Scalar]] = {}

    def events(self, paths: Sequence[Path]) -> Iterator[IndexEvent]:
        """Look at all files below some paths, and store the fields and times that have changed."""
        options = self._options
        if table := options.get("metadata"):
            table.check_against(self._store.fields())
        other_kinds: Counter[str] = Counter()
        for found in discover(
            paths,
            include=options.get("include", ()),
            exclude=options.get("exclude", ()),
            follow_symlinks=options.get("follow_symlinks", False),
            other_kinds=other_kinds,
        ):
            try:
                if isinstance(found, UnreadableDocumentError):
                    raise found
                yield from self._look(found)
            except UnreadableDocumentError as error:
                yield NotIndexed.of(error)
        yield from passed_over(other_kinds)
        if self._changed_fields:
            self._store.set_metadata(self._changed_fields)
            yield fields_changed(len(self._changed_fields))
        if self._touched:
            self._store.touch(self._touched)
        size_bytes = sum(work.document.size_bytes for work in self.work.values())
        yield Planned(len(self.work), sum(map(len, self.copies.values())), size_bytes)

    def _look(self, file: Path) -> Iterator[IndexEvent]:
        path, again = library_name(file, self._home), self._options.get("again", False)
        if entry := self.entries.get(path):
            path = entry.document.path
        if (other := self.files.setdefault(path, file)) != file:
            raise UnreadableDocumentError(
                file,
                f"its name differs from that of {other} only in how letters with accents are written",
                hint="Rename one of the two files.",
            )
        yield Found(path)
        document = look_at(file, path, entry)
        self.contents.add(content(document))
        known = same_content(entry, document)
        table = self._options.get("metadata")
        fields = table.fields_of(source_file(path, self._home).as_posix()) if table else None
        if known and fields is not None and fields != known.metadata:
            self._changed_fields[path] = fields
        if known and known.complete and not again:
            if document.modified_ns != known.document.modified_ns:
                self._touched.append(document)
            yield Skipped(path)
            return
        if fields is None:
            fields = entry.metadata if entry else {}
        work = Work.planned(document, fields, file, entry, again=again)
        first = self._first_of.setdefault(content(document), path)
        if first == path or again:
            self.work[file] = work
        else:
            self.copies[first].append(work)

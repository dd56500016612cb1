"""One run over data files whose rows are pages: images, each of which says which page of which document it is.

The rows are read twice. The first time, their digests are computed, which tell what is new. Memory holds only these,
some hundred bytes a row. The second time, worker processes read the images that are due, as they read files.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from maxsight.documents import (
    Changed,
    Done,
    Failed,
    Opened,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    read_documents,
)
from maxsight.documents.base import RowFields
from maxsight.documents.files import FileState
from maxsight.documents.records.images import (
    MAX_FIELD_CHARS,
    ImageFields,
    ImageRow,
    SourceRow,
    read_fields,
    read_image_rows,
)
from maxsight.documents.records.rows import all_columns
from maxsight.documents.records.shards import count_missing, find_data, shards_of
from maxsight.encoders.base import Encoder
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import page_id
from maxsight.indexing.due_rows import Due, DuePages, Place, Row
from maxsight.indexing.encoding import Batch
from maxsight.indexing.events import Found, IndexEvent, Meter, NotIndexed, Planned, Skipped
from maxsight.indexing.files import library_name, same_content
from maxsight.indexing.groups import (
    FieldTypes,
    Problems,
    check_options,
    group_path,
    look_for_gone,
    own_fields,
)
from maxsight.indexing.options import IndexOptions
from maxsight.indexing.work import Work
from maxsight.notices import Noticed, Notices
from maxsight.stores.base import DocumentEntry, Store
from maxsight.stores.fields import SOURCE_ROW, of_page
from maxsight.threads import one_blas_thread
from maxsight.types import Document, Scalar


@dataclass(slots=True)
class _Group:
    """The rows of one document, by page number, as the data has it."""

    pages: dict[int, Place] = field(default_factory=dict)
    size_bytes: int = 0


class ImageRun:
    """One run over data files whose rows are pages. Iterate ``events`` once."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        home: Path | None,
        paths: Sequence[Path],
        options: IndexOptions,
        fields: ImageFields,
    ) -> None:
        """Prepare a run; nothing is read before ``events`` is iterated.

        Args:
            store: Where the pages go.
            encoder: Makes their vectors.
            home: The folder that documents are named relative to.
            paths: Data files, and folders of them.
            options: How to index.
            fields: Names of the fields.

        Raises:
            InputError: An option does not apply to rows.
        """
        check_options(options, "workers")
        self._store = store
        self._encoder = encoder
        self._home = home
        self._paths = paths
        self._options = options
        self._fields = fields
        settings = options.get("settings", ReadSettings())
        self._settings = replace(settings, picture=encoder.picture, rows=RowFields(fields.image, fields.text))
        self._entries = {entry.document.path: entry for entry in store.documents()}
        self._types = FieldTypes(store)
        self._notices = Notices(encoder.notice)

    def events(self) -> Iterator[IndexEvent]:
        """Do the work and report each step. If the iteration stops early, commit the encoded pages."""
        for whole in find_data(self._paths):
            try:
                if isinstance(whole, UnreadableDocumentError):
                    raise whole
                shards = shards_of(whole)
                given = whole in self._paths or any(shard in self._paths for shard in shards)
                if not given and self._fields.image not in all_columns(shards[0]):
                    yield Noticed(f"passed over {whole.name}, which has no column {self._fields.image!r}")
                    continue
                yield Found(str(whole))
                yield from self._index(whole, shards)
            except UnreadableDocumentError as error:
                yield NotIndexed.of(error)
        yield from self._notices.events()

    def _index(self, whole: Path, shards: Sequence[Path]) -> Iterator[IndexEvent]:
        name, states = library_name(whole, self._home), [FileState.of(shard) for shard in shards]
        if missing := count_missing(shards):
            yield Noticed(f"{missing} of the {len(shards) + missing} shards of {whole.name} are not there")
        groups: dict[str, _Group] = {}
        problems = yield from self._gather(whole, shards, groups)
        first = 0 if any(0 in group.pages for group in groups.values()) else 1
        if not first:
            yield Noticed(f"pages are numbered from 0 in {whole.name}; its page 0 is page 1 here")
        documents = {group_path(name, key): group for key, group in groups.items()}
        modified_ns = max(state.modified_ns for state in states)
        due: list[Due] = []
        moved: dict[str, dict[str, Scalar]] = {}
        for path, group in documents.items():
            pages = {number - first: place for number, place in group.pages.items()}
            document = Document(path, _digest(pages), group.size_bytes, modified_ns, len(pages))
            if entry := same_content(self._entries.get(path), document):
                moved |= self._moved(entry, pages, shards)
            planned = self._plan(document, whole, pages)
            due += planned
            if not planned:
                yield Skipped(path)
        if moved:
            self._store.set_page_fields(moved)
        works = {each.work.document.path: each.work for each in due}
        yield Planned(len(works), 0, sum(work.document.size_bytes for work in works.values()))
        yield from self._read(shards, states, due)
        prune = self._options.get("prune", False)
        yield from look_for_gone(self._store, self._entries, name, documents, prune=prune, problems=problems)

    def _gather(
        self, whole: Path, shards: Sequence[Path], groups: dict[str, _Group]
    ) -> Generator[IndexEvent, None, int]:
        """Sort rows into their documents, and return how many can't be used."""
        problems = Problems()
        left_out: Counter[str] = Counter()
        for number, shard in enumerate(shards):
            for row in read_image_rows(shard, self._fields):
                try:
                    if isinstance(row, UnreadableDocumentError):
                        raise row
                    self._types.check(row, row.fields, str(shard))
                    self._add(row, (number, row.index), groups.setdefault(row.document, _Group()), shards)
                    left_out.update(row.left_out)
                except UnreadableDocumentError as error:
                    yield from problems.add(error)
        yield from problems.end(str(whole))
        if left_out:
            names = ", ".join(sorted(left_out))
            yield Noticed(
                f"texts of more than {MAX_FIELD_CHARS:,} characters are not kept as fields: {names}"
            )
        return problems.count

    def _add(self, row: ImageRow, place: Row, group: _Group, shards: Sequence[Path]) -> None:
        number = len(group.pages) + 1 if row.page_number is None else row.page_number
        if number in group.pages:
            shard, index = group.pages[number].row
            raise UnreadableDocumentError(
                shards[place[0]],
                f"{row.place}: page {number} of {row.document!r} is in row {index + 1} of {shards[shard].name} already",
            )
        group.pages[number] = Place(place, row.image, row.content)
        group.size_bytes += row.size_bytes

    def _moved(
        self, entry: DocumentEntry, pages: Mapping[int, Place], shards: Sequence[Path]
    ) -> dict[str, dict[str, Scalar]]:
        """Return the own fields of stored pages whose rows stand elsewhere now, by page id."""
        moved: dict[str, dict[str, Scalar]] = {}
        document = entry.document
        for index, own in zip(entry.page_indices, entry.page_fields, strict=True):
            source = self._source(shards[pages[index].row[0]], pages[index])
            if own.get(SOURCE_ROW) != source:
                moved[page_id(document.path, document.content_hash, index)] = {
                    **of_page(own),
                    SOURCE_ROW: source,
                }
        return moved

    def _source(self, shard: Path, place: Place) -> str:
        return str(SourceRow(shard.name, place.row[1], place.image.hex(), self._fields.image))

    def _plan(self, document: Document, whole: Path, pages: Mapping[int, Place]) -> list[Due]:
        """List the pages of a document that are not stored."""
        entry, again = self._entries.get(document.path), self._options.get("again", False)
        work = Work.planned(document, {}, whole, entry, again=again)
        if work.missing is not None:  # the numbers of pages may have gaps
            assert entry is not None  # it has the other pages
            work.missing = tuple(sorted(pages.keys() - set(entry.page_indices)))
        missing = sorted(pages) if work.missing is None else work.missing
        return [Due(work, index, pages[index]) for index in missing]

    def _read(
        self, shards: Sequence[Path], states: Sequence[FileState], due: Sequence[Due]
    ) -> Iterator[IndexEvent]:
        """Read, encode and commit pages in the order of their rows."""
        if not due:
            return
        pages = DuePages(due)
        jobs = [
            ReadJob(shards[shard], rows, shards[shard].name, states[shard])
            for shard, rows in pages.rows_by_shard().items()
        ]
        workers = self._options.get("workers")
        reading = read_documents(jobs, self._settings, workers=workers, notices=self._notices)
        works = {each.work.document.path: each.work for each in due}
        batch = Batch(
            self._store, self._encoder, Meter(sum(work.document.size_bytes for work in works.values()))
        )
        fields: Iterator[tuple[int, Mapping[str, Scalar]]] = iter(())
        with one_blas_thread(), closing(batch), closing(reading):
            for event in reading:
                match event:
                    case Opened():
                        fields = enumerate(read_fields(event.job.path, self._fields))
                    case PageRead():
                        row = event.page.page_index
                        each = pages.take(row)
                        own = next((values for index, values in fields if index == row), {})
                        self._add_page(batch, each, event, own)
                    case PageFailed() | Changed() | Failed():  # one failure may be of many rows
                        yield NotIndexed.of(_of_row(event.error))
                if isinstance(event, Changed | Done | Failed):
                    works_of_shard = pages.end_shard()
                    for work in works_of_shard if isinstance(event, Changed) else ():
                        batch.forget(work)
                for work in pages.ended():
                    batch.end(work)
                yield from batch.events()
            yield from batch.finish()

    def _add_page(self, batch: Batch, due: Due, event: PageRead, fields: Mapping[str, Scalar]) -> None:
        if due.work.is_forgotten:
            return
        source = self._source(event.job.path, due.place)
        due.work.page_fields[due.page_index] = {**own_fields(fields), SOURCE_ROW: source}
        batch.add(due.work, replace(event.page, page_index=due.page_index))


def _digest(pages: Mapping[int, Place]) -> str:
    """Return the SHA-256 over a document's pages: it does not depend on where their rows stand in the files."""
    total = hashlib.sha256()
    for index, place in sorted(pages.items()):
        total.update(f"{index}\0".encode() + place.image + place.content)
    return total.hexdigest()


def _of_row(error: UnreadableDocumentError) -> UnreadableDocumentError:
    """Name the row that ended its worker: to the worker it is a page of the file."""
    if error.page_number is None:
        return error
    return UnreadableDocumentError(error.path, f"row {error.page_number}: {error.reason}", hint=error.hint)

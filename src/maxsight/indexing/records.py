"""One run over files of records: each group of records becomes a document, its paragraphs one after the other.

This is what ``run`` is for files of pages. A file is read once, and its records are gathered by group on the disk. Then
groups that are new or have changed are encoded and committed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from maxsight.documents.files import FileState
from maxsight.documents.records.fields import RecordFields, read_records
from maxsight.documents.records.groups import Group, RecordGroups
from maxsight.encoders.base import Encoder
from maxsight.encoders.precomputed import Precomputed, is_precomputed
from maxsight.errors import EncoderMismatchError, InputError, UnreadableDocumentError
from maxsight.indexing.encoding import Batch
from maxsight.indexing.events import Found, IndexEvent, Meter, NotIndexed, Planned, Skipped
from maxsight.indexing.files import library_name, same_content
from maxsight.indexing.groups import FieldTypes, Problems, check_options, group_path, look_for_gone
from maxsight.indexing.options import IndexOptions
from maxsight.indexing.work import Work
from maxsight.notices import Notices, fields_changed
from maxsight.settings import cache_folder
from maxsight.stores.base import Store
from maxsight.threads import one_blas_thread
from maxsight.types import Document, Scalar

PAGES_PER_COMMIT = 4096
"""Most groups have a few paragraphs, and a commit takes as long for one page as for a thousand."""


class RecordRun:
    """One run over files of records. Iterate ``events`` once."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        home: Path | None,
        files: Sequence[Path],
        options: IndexOptions,
        fields: RecordFields,
    ) -> None:
        """Prepare a run; nothing is read before ``events`` is iterated.

        Args:
            store: Where the documents go.
            encoder: Makes the vectors of records that come without.
            home: The folder that documents are named relative to.
            files: Files of records.
            options: How to index.
            fields: Names of the fields.

        Raises:
            InputError: An option does not apply to records. Or no field has vectors, and the library holds only given
                ones; or it pools its vectors.
            EncoderMismatchError: Nothing says that the given vectors are of the library's space.
        """
        check_options(options)
        self._store = store
        self._space = store.manifest.space
        self._by_paragraph = fields.vector is not None or encoder.encodes_paragraphs
        self._encoder = encoder if fields.vector is None else self._taking_vectors(encoder, fields)
        if fields.vector is None and is_precomputed(encoder.space.encoder):
            raise InputError(
                "the library holds vectors that come with the data",
                hint="Say which field has them (--vector-field), or which encoder made them (--encoder).",
            )
        self._home = home
        self._files = files
        self._fields = fields
        self._prune = options.get("prune", False)
        self._again = options.get("again", False)
        self._entries = {entry.document.path: entry for entry in store.documents()}
        self._types = FieldTypes(store)
        self._notices = Notices(encoder.notice)

    def _taking_vectors(self, encoder: Encoder, fields: RecordFields) -> Encoder:
        if not is_precomputed(self._space.encoder) and fields.made_by not in (
            self._space.encoder,
            encoder.space.encoder,
        ):
            raise EncoderMismatchError(
                str(self._space),
                f"vectors of unknown origin in {fields.vector!r}",
                hint=f"If they are by {self._space.encoder}, say so with --encoder; else index into a new library.",
            )
        if self._store.manifest.pool_factor > 1:
            raise InputError(
                "the library pools its vectors, and vectors that come with the data are not pooled",
                hint="Index into a new library, without a pool factor.",
            )
        return Precomputed(self._space.dim, self._space.encoder)

    def events(self) -> Iterator[IndexEvent]:
        """Do the work and report each step. If the iteration stops early, commit the encoded pages."""
        for file in self._files:
            yield Found(str(file))
            try:
                yield from self._index(file)
            except UnreadableDocumentError as error:
                yield NotIndexed.of(error)
        yield from self._notices.events()

    def _index(self, file: Path) -> Iterator[IndexEvent]:
        name, state = library_name(file, self._home), FileState.of(file)
        with RecordGroups(
            cache_folder(), by_paragraph=self._by_paragraph, picture=self._encoder.picture
        ) as groups:
            problems = yield from self._gather(file, groups)
            if not state.is_of(file):
                hint = "Index it again when no program writes to it."
                raise UnreadableDocumentError(file, "changed while it was being read", hint=hint)
            documents = {group_path(name, group.key): group for group in groups}
            due = yield from self._plan(documents, file, state)
            yield Planned(len(due), 0, sum(work.document.size_bytes for _, work in due))
            yield from self._encode(groups, due)
        yield from look_for_gone(
            self._store, self._entries, name, documents, prune=self._prune, problems=problems
        )

    def _gather(self, file: Path, groups: RecordGroups) -> Generator[IndexEvent, None, int]:
        """Sort a file's records into their groups, and return how many can't be used."""
        problems = Problems()
        dim = None if self._fields.vector is None else self._space.dim
        for record in read_records(file, self._fields, dim=dim):
            try:
                if isinstance(record, UnreadableDocumentError):
                    raise record
                groups.add(record, self._types.check(record, record.metadata, str(file)))
                self._notices.read(file.name, record.paragraphs[0])
            except UnreadableDocumentError as error:
                yield from problems.add(error)
        self._notices.end(file.name)
        yield from problems.end(str(file))
        return problems.count

    def _plan(
        self, documents: Mapping[str, Group], file: Path, state: FileState
    ) -> Generator[IndexEvent, None, list[tuple[Group, Work]]]:
        """Report the documents that stay as they are, and return the others."""
        due: list[tuple[Group, Work]] = []
        changed: dict[str, Mapping[str, Scalar]] = {}
        for path, group in documents.items():
            document = Document(
                path, group.content_hash, group.size_bytes, state.modified_ns, group.page_count
            )
            entry = self._entries.get(path)
            known = same_content(entry, document)
            if known and known.metadata != group.metadata:
                changed[path] = group.metadata
            if known and known.complete and not self._again:
                yield Skipped(path)
            else:
                due.append((group, Work.planned(document, group.metadata, file, entry, again=self._again)))
        if changed:
            self._store.set_metadata(changed)
            yield fields_changed(len(changed))
        return due

    def _encode(self, groups: RecordGroups, due: Sequence[tuple[Group, Work]]) -> Iterator[IndexEvent]:
        if not due:
            return
        meter = Meter(sum(work.document.size_bytes for _, work in due))
        batch = Batch(self._store, self._encoder, meter, pages_per_commit=PAGES_PER_COMMIT)
        with one_blas_thread(), closing(batch):
            for group, work in due:
                for page in groups.pages(group):
                    if work.missing is None or page.page_index in work.missing:
                        batch.add(work, page)
                batch.end(work)
                yield from batch.events()
            yield from batch.finish()

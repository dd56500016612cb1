"""The library: index, search, explain, remove. The composition of the folders below it, and little else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight import __version__
from maxsight.documents import OcrChoice, ReadSettings, content_hash, render_page
from maxsight.documents.text import layout_text
from maxsight.encoders import DEFAULT_ENCODER, load_encoder
from maxsight.encoders.base import Encoder
from maxsight.errors import (
    EmptyQueryError,
    EncoderMismatchError,
    InputError,
    LibraryExistsError,
    UnreadableDocumentError,
)
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.runner import DEPTH, Evaluation, Ranking, evaluate
from maxsight.exporting import export_parquet
from maxsight.heatmaps.explanation import Explanation, explain_page
from maxsight.heatmaps.similarity import attribute, match_words, snippet
from maxsight.identity import find_document, page_id
from maxsight.indexing import Found, IndexEvent, IndexOptions, IndexReport, IndexRun, Noticed, Progress
from maxsight.retrieval.codes import SignCodec
from maxsight.retrieval.search import ScoredPage, rank_pages
from maxsight.settings import default_library
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter, path_is
from maxsight.stores.filters import parse_filter
from maxsight.stores.local import LocalStore
from maxsight.stores.manifest import Manifest
from maxsight.stores.verification import Verification
from maxsight.threads import one_blas_thread
from maxsight.types import Document, EmbeddingSpace, Hit, QueryEmbedding

PAGES_PER_READ = 64


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds.

    Attributes:
        path: Where it lies.
        documents: Documents.
        incomplete: Of these, how many lack pages.
        pages: Pages.
        vectors: Vectors of all pages.
        size_bytes: What it takes on disk.
        space: The embedding space.
        fields: The user's fields and their types.
        format_version: How its rows lie.
        created_by: The version of maxsight that made it.
    """

    path: str
    documents: int
    incomplete: int
    pages: int
    vectors: int
    size_bytes: int
    space: EmbeddingSpace
    fields: Mapping[str, str]
    format_version: int
    created_by: str


class Library:
    """Everything indexed in one place.

    ::

        with Library.create("papers.library") as library:
            library.index(["papers/"])
            for hit in library.search("how is attention scaled?"):
                print(hit.file, hit.page_number, hit.snippet)
    """

    def __init__(self, store: LocalStore, path: Path) -> None:
        """Use ``Library.open`` or ``Library.create``."""
        self._store = store
        self.path = path

    @classmethod
    def create(
        cls,
        path: str | PathLike[str] | None = None,
        *,
        encoder: str = DEFAULT_ENCODER,
        settings: ReadSettings | None = None,
    ) -> Self:
        """Make a new, empty library.

        Args:
            path: A folder that does not exist or is empty; ``MAXSIGHT_LIBRARY`` or ``./maxsight.library``
                if not given.
            encoder: Makes every vector in it, now and later.
            settings: How its files are read unless ``index`` is told otherwise.

        Raises:
            StoreError: Something is there already, or the place can't be written to.
            ModelNotAvailableError: There is no such encoder.
        """
        path = _place(path)
        settings = settings or ReadSettings()
        loaded = load_encoder(encoder)
        manifest = Manifest(loaded.space, dpi=settings.dpi, ocr=settings.ocr, created_by=__version__)
        library = cls(LocalStore.create(path, manifest, codec=SignCodec(loaded.space.dim)), path)
        library.encoder = loaded
        return library

    @classmethod
    def open(
        cls,
        path: str | PathLike[str] | None = None,
        *,
        encoder: str | None = None,
        read_only: bool = False,
        create: bool = False,
        settings: ReadSettings | None = None,
    ) -> Self:
        """Open a library.

        Args:
            path: Where it lies; ``MAXSIGHT_LIBRARY`` or ``./maxsight.library`` if not given.
            encoder: Refuse the library unless it was indexed with this one.
            read_only: Write nothing, not even repairs.
            create: Make it first if there is none.
            settings: As for ``create``, if it is made.

        Raises:
            LibraryNotFoundError: There is none.
            EncoderMismatchError: It was indexed with another encoder.
            StoreError: It can't be read.
        """
        path = _place(path)
        if create and not cls.exists(path):
            with suppress(LibraryExistsError):  # another process may have made it meanwhile
                return cls.create(path, encoder=encoder or DEFAULT_ENCODER, settings=settings)
        store = LocalStore.open(path, codec=SignCodec, read_only=read_only)
        space = store.manifest.space
        if encoder is not None and encoder != space.encoder:
            store.close()
            raise EncoderMismatchError(
                str(space),
                encoder,
                hint=f"Leave the encoder out, or make another library: --library {encoder}.library",
            )
        return cls(store, path)

    @staticmethod
    def exists(path: str | PathLike[str] | None = None) -> bool:
        """Whether there is a library at ``path``."""
        return LocalStore.exists(_place(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what is held."""
        self._store.close()

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder of every vector in the library, loaded when first needed.

        Raises:
            ModelNotAvailableError: It can't be loaded here.
            EncoderMismatchError: The one that can be loaded makes vectors of another space.
        """
        space = self.space
        encoder = load_encoder(space.encoder)
        if encoder.space != space:
            raise EncoderMismatchError(
                str(space),
                str(encoder.space),
                hint="Use the version of maxsight that made the library, or index the files into a new one.",
            )
        return encoder

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space of every vector in it."""
        return self._store.manifest.space

    @property
    def home(self) -> Path:
        """The folder that holds the library; documents below it are named relative to it."""
        return self.path.resolve().parent

    # Index ------------------------------------------------------------------------------------------------

    def index(
        self,
        paths: Sequence[str | PathLike[str]] | str | PathLike[str],
        *,
        on_event: Callable[[IndexEvent], None] | None = None,
        **options: Unpack[IndexOptions],
    ) -> IndexReport:
        """Index files and folders, and say what was done.

        What can't be read is named in the report; everything else is indexed. Unchanged files are skipped, so the
        same call after an interruption goes on where it stopped.

        Args:
            paths: Files and folders.
            on_event: Called with each step as it happens.
            **options: See ``IndexOptions``.
        """
        outcomes: list[IndexEvent] = []
        start = time.monotonic()
        for event in self.indexing(paths, **options):
            if not isinstance(event, Progress | Found):
                outcomes.append(event)
            if on_event:
                on_event(event)
        return IndexReport.of(outcomes, time.monotonic() - start)

    def indexing(
        self,
        paths: Sequence[str | PathLike[str]] | str | PathLike[str],
        **options: Unpack[IndexOptions],
    ) -> Iterator[IndexEvent]:
        """Index files and folders step by step: nothing happens unless the steps are iterated.

        Args:
            paths: Files and folders.
            **options: See ``IndexOptions``.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library can't be written to.
        """
        several = [paths] if isinstance(paths, str | PathLike) else paths
        options = {"settings": self.settings, **options}
        with self._store.writing():
            for damage in self._store.dropped:
                yield Noticed(f"damaged and dropped; index those documents to have them back: {damage}")
            run = IndexRun(self._store, self.encoder, self.home, [Path(path) for path in several], options)
            yield from run.events()
            self._store.optimize()

    @property
    def settings(self) -> ReadSettings:
        """How files are read unless told otherwise: as when the library was made."""
        manifest = self._store.manifest
        return ReadSettings(ocr=OcrChoice(manifest.ocr), dpi=manifest.dpi)

    def remove(self, files: Sequence[str]) -> list[str]:
        """Remove documents by path or file name, all or none, and name those that went.

        Raises:
            InputError: A name fits no document, or several.
        """
        with self._store.writing():
            known = [entry.document.path for entry in self.documents()]
            paths = [find_document(file, known, self.home) for file in files]
            self._store.remove(paths)
        return paths

    # Search -----------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        *,
        top_k: int = 10,
        where: str | Filter | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> list[Hit]:
        """Find the pages that answer a question.

        Args:
            query: The question.
            top_k: How many pages at most. Pages of equal content come as one hit.
            where: SQL condition on ``file``, ``path``, ``page_number`` and the user's fields.
            hybrid: Order by the fusion of MaxSim and BM25.
            exact: Score every page instead of the candidates.

        Returns:
            Best first; fewer than ``top_k`` where the library holds fewer.

        Raises:
            EmptyQueryError: Nothing in the query can be searched for.
            FilterError: The condition is not valid, or names an unknown field.
        """
        condition = self._filter(where)
        if top_k < 1:
            raise InputError(f"ask for at least one result, got {top_k}")
        limit = top_k + 1  # one page more shows that the copies of the last one are all in
        with one_blas_thread():
            embedding = self.encoder.encode_query(query)
            while True:
                ranked = rank_pages(
                    self._store, embedding, limit=limit, where=condition, exact=exact, hybrid=hybrid
                )
                hits = self._hits(embedding, ranked)
                if len(hits) > top_k or len(ranked) < limit:
                    return hits[:top_k]
                limit *= 4  # copies have taken the places of others

    def _hits(self, query: QueryEmbedding, ranked: Sequence[ScoredPage]) -> list[Hit]:
        """Describe pages, those of equal content as one."""
        scores = {page.page_id: page for page in ranked}
        hits: dict[tuple[str, int], Hit] = {}
        for row in self._store.read([page.page_id for page in ranked]):
            content = (row.document.content_hash, row.page.page_index)
            if content in hits:
                hits[content] = replace(hits[content], copies=(*hits[content].copies, row.document.path))
            else:
                hits[content] = _hit(len(hits) + 1, query, row, scores[row.page_id])
        return list(hits.values())

    def _filter(self, where: str | Filter | None) -> Filter | None:
        return parse_filter(where, self._store.fields()) if isinstance(where, str) else where

    def notices(self, query: str) -> list[str]:
        """What a user should know before trusting the answers to ``query``.

        Raises:
            EmptyQueryError: Nothing in the query can be searched for.
        """
        language = self.encoder.notice(query)
        searched = self.encoder.encode_query(query).text
        notices = [language] if language else []
        if len(searched.split()) < len(query.split()):
            notices.append(f"only the first {len(searched.split()):,} words of the query are searched for")
        return notices

    # Explain ----------------------------------------------------------------------------------------------

    def explain(self, query: str, file: str, page_number: int) -> Explanation:
        """Say why a page would be found: per query word where it matched, and what each region gave.

        Args:
            query: The question.
            file: The document, by path or file name.
            page_number: From 1.

        Raises:
            InputError: There is no such document or page, or nothing on it can match.
        """
        row = self._page(file, page_number)
        return explain_page(self.encoder.encode_query(query), row.page, row.embedding, row.document.path)

    def draw(self, explanation: Explanation, *, settings: ReadSettings | None = None) -> Image.Image:
        """Draw an explanation over the page.

        Raises:
            UnreadableDocumentError: The source file is not there any more, or can't be drawn.
        """
        row = self._page(explanation.path, explanation.page_number)
        boxes = row.embedding.regions.boxes
        if boxes is None:
            picture, word_boxes = layout_text(row.page.text, row.page.words)
            boxes = _boxes_of_spans(row, word_boxes)
        else:
            file = self.home / row.document.path
            _check_unchanged(file, row.document)
            picture = render_page(file, row.page.page_index, settings or self.settings)
        return explanation.draw(picture, boxes)

    def _page(self, file: str, page_number: int) -> IndexedPage:
        entries = {entry.document.path: entry for entry in self.documents()}
        entry = entries[find_document(file, entries, self.home)]
        document = entry.document
        if page_number - 1 not in entry.page_indices:
            raise InputError(
                f"{document.path} has {document.page_count} pages; page {page_number} is not in the library"
            )
        rows = self._store.read([page_id(document.path, document.content_hash, page_number - 1)])
        return rows[0]

    # Look after -------------------------------------------------------------------------------------------

    @property
    def damage(self) -> list[str]:
        """What was found damaged: dropped if this library has written since it was opened, else left out."""
        return [str(damage) for damage in self._store.dropped or self._store.damage()]

    def documents(self) -> list[DocumentEntry]:
        """All documents, by path."""
        return self._store.documents()

    def status(self) -> Status:
        """What the library holds."""
        entries = self.documents()
        manifest = self._store.manifest
        return Status(
            path=str(self.path),
            documents=len(entries),
            incomplete=sum(not entry.complete for entry in entries),
            pages=sum(len(entry.page_indices) for entry in entries),
            vectors=sum(entry.vectors for entry in entries),
            size_bytes=self._store.size_bytes(),
            space=manifest.space,
            fields=self._store.fields(),
            format_version=manifest.format_version,
            created_by=manifest.created_by,
        )

    def verify(
        self, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Read every page and compare it with what was written.

        Args:
            repair: Drop what is damaged, so that the next ``index`` reads those pages again.
            on_progress: Called with pages read and pages in all.
        """
        return self._store.verify(repair=repair, on_progress=on_progress)

    def compact(self) -> None:
        """Merge fragments, and drop versions more than an hour old."""
        self._store.compact()

    def backup(self, destination: str | PathLike[str]) -> None:
        """Copy one consistent version to a folder that is empty or does not exist. The copy is a library.

        Documents are named relative to the folder that holds a library: put a backup back in its place before you
        index with it.

        Raises:
            StoreError: Something is there already, or it can't be written to.
        """
        if self.path.resolve() in (Path(destination).resolve(), *Path(destination).resolve().parents):
            raise InputError(f"{destination} lies in the library itself", hint="Choose a folder outside it.")
        self._store.backup(Path(destination))

    def export(self, file: str | PathLike[str]) -> int:
        """Write every page with its vectors to a Parquet file, and return how many.

        Raises:
            InputError: The file can't be written.
        """
        ids = [page for entry in self.documents() for page in _page_ids(entry)]
        groups = (ids[start : start + PAGES_PER_READ] for start in range(0, len(ids), PAGES_PER_READ))
        pages = (page for group in groups for page in self._store.read(group))
        return export_parquet(pages, Path(file), self.space.dim, self._store.fields())

    def evaluate(
        self,
        questions: Sequence[Question],
        *,
        scope: str = "library",
        on_question: Callable[[Question], None] | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> Evaluation:
        """Measure the ranking on questions with known answers.

        Args:
            questions: What to ask.
            scope: ``library`` to search everything, ``document`` to search the question's own file.
            on_question: Called after each question.
            hybrid: As for ``search``.
            exact: As for ``search``.
        """
        known = [entry.document.path for entry in self.documents()]
        places: dict[str, str | None] = {}
        for question in questions:
            try:
                places[question.query_id] = find_document(question.file, known, self.home)
            except InputError:
                places[question.query_id] = None

        def relevant(question: Question) -> list[str]:
            place = places[question.query_id] or question.file
            return [f"{place}#{index}" for index in question.page_indices]

        def ask(question: Question) -> Ranking | str:
            place = places[question.query_id]
            if place is None:
                return f"{question.file} is not in the library"
            where = path_is(place) if scope == "document" else None
            try:
                hits = self.search(question.query, top_k=DEPTH, where=where, hybrid=hybrid, exact=exact)
            except EmptyQueryError as error:
                return str(error)
            finally:
                if on_question:
                    on_question(question)
            # By rank, not by score: a fused order is not the order of the scores.
            return {
                f"{place if place in hit.copies else hit.path}#{hit.page_number - 1}": 1 / hit.rank
                for hit in hits
            }

        return evaluate(questions, ask, relevant)


def _place(path: str | PathLike[str] | None) -> Path:
    place = default_library() if path is None else Path(path)
    if place.is_file():
        raise InputError(f"{place} is a file", hint="A library is a folder: give its name, or a new one.")
    return place


def _page_ids(entry: DocumentEntry) -> list[str]:
    document = entry.document
    return [page_id(document.path, document.content_hash, index) for index in entry.page_indices]


def _hit(rank: int, query: QueryEmbedding, row: IndexedPage, scored: ScoredPage) -> Hit:
    attribution = attribute(query, row.embedding)
    return Hit(
        rank=rank,
        score=scored.score,
        path=row.document.path,
        file=row.document.file,
        page_number=row.page.page_number,
        snippet=snippet(row.page, row.embedding, attribution),
        matches=match_words(query, row.page, row.embedding, attribution),
        fused_score=scored.fused_score,
        metadata=dict(row.metadata),
    )


def _check_unchanged(file: Path, document: Document) -> None:
    """Refuse to draw on a file that is not the one that was indexed: the regions would be wrong."""
    try:
        stat = file.stat()
        same = (stat.st_size, stat.st_mtime_ns) == (document.size_bytes, document.modified_ns)
        if same or content_hash(file) == document.content_hash:
            return
    except OSError as error:
        raise UnreadableDocumentError(
            file, f"can't be read: {error.strerror}", hint="The file must lie where it was indexed."
        ) from error
    raise UnreadableDocumentError(file, "has changed since it was indexed", hint="Index it again.")


def _boxes_of_spans(row: IndexedPage, word_boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each vector of a plain text page the box of the word it begins in."""
    spans = row.embedding.regions.spans
    assert spans is not None  # regions without boxes have spans
    words = np.searchsorted(row.page.words.spans[:, 0], spans[:, 0], side="right") - 1
    return word_boxes[np.maximum(words, 0)]

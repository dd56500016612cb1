"""How good a library's search is: against scoring every page, and on questions with known answers.

The functions are methods of ``Library``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maxsight.errors import InputError
from maxsight.identity import RECORD_MARK, document_path
from maxsight.library import reranking
from maxsight.library.encoder import store_encoder_folder
from maxsight.library.opened import Opened, store_to_write
from maxsight.library.queries import Query
from maxsight.reranking import Reranker
from maxsight.results import Hit
from maxsight.stores.audit import Audit
from maxsight.stores.conditions import Filter
from maxsight.threads import one_blas_thread
from maxsight.types import Document

if TYPE_CHECKING:
    from maxsight.evaluation.datasets import Question
    from maxsight.evaluation.runner import Evaluation


def audit(
    library: Opened,
    queries: Sequence[Query] | None = None,
    *,
    sample: int = 200,
    top_k: int = 10,
    target: float = 0.99,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Measure recall and latency of searches for growing numbers of candidates.

    Nothing is changed; see ``adopt``.

    Args:
        library: The library to search.
        queries: Queries to ask; made of the library's own pages, if not given.
        sample: How many queries to make.
        top_k: How many of the exact best pages should be found.
        target: The share of them that searches should find.
        seed: Of the draw of pages.
        on_progress: Called with steps done and steps in all.

    Raises:
        InputError: There is nothing to search or to ask.
        EmptyQueryError: Nothing in one of the queries can be searched for.
    """
    from maxsight.evaluation.audit import audit_search
    from maxsight.evaluation.sampling import GIVEN, sample_queries

    searcher, store = library.searcher, library.store
    with one_blas_thread():
        if queries is not None:
            embeddings, source = searcher.encode_many(queries), GIVEN
        else:
            pages = library.listing.page_ids()
            embeddings, source = sample_queries(store, pages, sample, encode=searcher.encode, seed=seed)
        return audit_search(
            store, embeddings, source=source, top_k=top_k, target=target, on_progress=on_progress
        )


def adopt(library: Opened, audit: Audit) -> None:
    """Search from now on as an audit recommends: it is stored, and every process uses it.

    Raises:
        LibraryBusyError: Another process is writing.
        LibraryReadOnlyError: The library can't be written to.
    """
    store = store_to_write(library)
    with store.writing():
        store_encoder_folder(store, lambda: library.encoder)
        store.store_audit(audit)


def evaluate(
    library: Opened,
    questions: Sequence[Question],
    *,
    scope: str = "library",
    id_field: str | None = None,
    within: Sequence[Path] = (),
    depth: int = 10,
    on_question: Callable[[Question], None] | None = None,
    exact: bool = False,
    names: bool = True,
    rerank: Reranker | None = None,
) -> Evaluation:
    """Measure the ranking on questions with known answers.

    Args:
        library: The library to search.
        questions: What to ask: all of them name files and pages, or all have grades of ids.
        scope: ``library`` to search everything, ``document`` to search the question's own file.
        id_field: The field with the ids of pages or documents; one of the usual names unless given.
        within: Rank only pages of documents made from these data files; all pages with an id, if not given.
        depth: How many pages to find for each question.
        on_question: Called after each question.
        exact: As for ``search``.
        names: As for ``search``.
        rerank: As for ``search``.

    Raises:
        InputError: No id is in the library, or ids are of no use with this scope.
    """
    from maxsight.evaluation.asking import ask_by_ids, ask_library

    def search(query: str, where: Filter | None, top_k: int) -> list[Hit]:
        (hits,) = library.searcher.find(
            [query],
            top_k=reranking.depth(top_k, rerank),
            where=where,
            exact=exact,
            names=names,
        )
        return reranking.rerank(library, query, hits, rerank)[:top_k] if rerank else hits

    def find(file: str) -> Document:
        return library.listing.find(file).document

    if not any(question.grades for question in questions):
        return ask_library(search, questions, find=find, scope=scope, depth=depth, on_question=on_question)
    if scope != "library":
        raise InputError("qrels name pages anywhere in the library, so the scope must be the library")
    starts = [f"{document_path(file, library.listing.home)}{RECORD_MARK}" for file in within]
    ids = _ids(library, id_field, starts)
    return ask_by_ids(search, questions, ids=ids, depth=depth, on_question=on_question)


def _ids(library: Opened, field: str | None, starts: Sequence[str]) -> dict[tuple[str, int], str]:
    """Return the id of each page of some documents, by the document's path and the page's index.

    Raises:
        InputError: The library has no such field.
    """
    known = library.store.fields()
    from maxsight.evaluation.qrels import CORPUS_IDS

    named = field or next((name for name in CORPUS_IDS if name in known), None)
    if named not in known:
        raise InputError(
            f"the library has no field {field or ' or '.join(CORPUS_IDS)} with the ids that qrels name",
            hint=f"Name it: --id-field. Its fields are {', '.join(known) or 'none'}.",
        )
    ids: dict[tuple[str, int], str] = {}
    for entry in library.listing.documents():
        path = entry.document.path
        if starts and not path.startswith(tuple(starts)):
            continue
        for index, own in zip(entry.page_indices, entry.page_fields, strict=True):
            value = own.get(named, entry.metadata.get(named))
            if value is not None:
                ids[path, index] = str(value)
    return ids

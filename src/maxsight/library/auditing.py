"""How good a library's search is: against scoring every page, and on questions with known answers.

The functions are methods of ``Library``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maxsight.evaluation.asking import ask_library
from maxsight.evaluation.audit import TARGET, audit_search
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.runner import DEPTH, Evaluation
from maxsight.evaluation.sampling import GIVEN, sample_queries
from maxsight.library.encoder import store_encoder_folder
from maxsight.library.opened import Opened, store_to_write
from maxsight.library.queries import Query
from maxsight.results import Hit
from maxsight.stores.audit import Audit
from maxsight.stores.conditions import Filter
from maxsight.threads import one_blas_thread
from maxsight.types import Document


def audit(
    library: Opened,
    queries: Sequence[Query] | None = None,
    *,
    sample: int = 200,
    top_k: int = 10,
    target: float = TARGET,
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
    on_question: Callable[[Question], None] | None = None,
    hybrid: bool = False,
    exact: bool = False,
) -> Evaluation:
    """Measure the ranking on questions with known answers.

    Args:
        library: The library to search.
        questions: What to ask.
        scope: ``library`` to search everything, ``document`` to search the question's own file.
        on_question: Called after each question.
        hybrid: As for ``search``.
        exact: As for ``search``.
    """

    def search(query: str, where: Filter | None) -> list[Hit]:
        return library.searcher.find([query], top_k=DEPTH, where=where, hybrid=hybrid, exact=exact)[0]

    def find(file: str) -> Document:
        return library.listing.find(file).document

    return ask_library(search, questions, find=find, scope=scope, on_question=on_question)

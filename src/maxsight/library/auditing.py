"""How good a library's search is: against scoring every page, and on questions with known answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maxsight.evaluation.asking import ask_library
from maxsight.evaluation.audit import TARGET, audit_search
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.runner import DEPTH, Evaluation
from maxsight.evaluation.sampling import GIVEN, sample_queries
from maxsight.identity import page_ids
from maxsight.library.listing import OpenedLibrary
from maxsight.library.naming import find_document
from maxsight.library.queries import Query
from maxsight.stores.audit import Audit
from maxsight.stores.conditions import Filter
from maxsight.threads import one_blas_thread
from maxsight.types import Hit


class Auditing(OpenedLibrary):
    """The part of a ``Library`` that measures it."""

    def audit(
        self,
        queries: Sequence[Query] | None = None,
        *,
        sample: int = 200,
        top_k: int = 10,
        target: float = TARGET,
        seed: int = 0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Audit:
        """Measure how much of the exact ranking searches find, and how fast, by how many pages they look at.

        Nothing is changed; see ``adopt``.

        Args:
            queries: What is asked; made of the library's own pages, if not given.
            sample: How many to make.
            top_k: How many of the exact best pages should be found.
            target: Which share of them is wanted.
            seed: Of the draw of pages.
            on_progress: Called with steps done and steps in all.

        Raises:
            InputError: There is nothing to search or to ask.
            EmptyQueryError: Nothing in one of the queries can be searched for.
        """
        with one_blas_thread():
            if queries is not None:
                embeddings, source = self._searcher.encode_many(queries), GIVEN
            else:
                ids = [
                    page
                    for entry in self.documents()
                    for page in page_ids(entry.document, entry.page_indices)
                ]
                embeddings, source = sample_queries(
                    self._store, ids, sample, encode=self.encoder.encode_query, seed=seed
                )
            return audit_search(
                self._store,
                embeddings,
                source=source,
                top_k=top_k,
                target=target,
                on_progress=on_progress,
            )

    def adopt(self, audit: Audit) -> None:
        """Search from now on as an audit recommends: the library keeps it, and every process goes by it.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library can't be written to.
        """
        store = self._writable()
        with store.writing():
            self._keep_encoder_place()
            store.store_audit(audit)

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

        def search(query: str, where: Filter | None) -> list[Hit]:
            return self._searcher.find([query], top_k=DEPTH, where=where, hybrid=hybrid, exact=exact)[0]

        documents = {entry.document.path: entry.document.page_count for entry in self.documents()}
        return ask_library(
            search,
            questions,
            documents=documents,
            find=lambda file: find_document(file, documents, self.home),
            scope=scope,
            on_question=on_question,
        )

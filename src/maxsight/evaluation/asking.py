"""Asking a library questions with known answers: which document each names, and which pages answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maxsight.errors import EmptyQueryError, InputError, UnknownDocumentError
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.runner import Evaluation, Ranking, evaluate
from maxsight.results import Hit
from maxsight.stores.conditions import Filter, match_path
from maxsight.types import Document

Search = Callable[[str, Filter | None], list[Hit]]
"""Finds the best pages for a query, among the pages that pass a filter."""


def ask_library(
    search: Search,
    questions: Sequence[Question],
    *,
    find: Callable[[str], Document],
    scope: str = "library",
    on_question: Callable[[Question], None] | None = None,
) -> Evaluation:
    """Measure the ranking of a library.

    Args:
        search: Searches the library.
        questions: What to ask.
        find: Finds the document that a question's file names, or raises ``InputError``.
        scope: ``library`` to search everything, ``document`` to search the question's own file.
        on_question: Called after each question.
    """
    documents: dict[str, Document] = {}
    problems: dict[str, str] = {}
    for file in {question.file for question in questions}:
        try:
            documents[file] = find(file)
        except UnknownDocumentError as error:
            problems[file] = str(error)
        except InputError as error:  # several fit
            problems[file] = f"{error}; name one of them by its path"

    def relevant(question: Question) -> list[str]:
        found = documents.get(question.file)
        return [f"{found.path if found else question.file}#{index}" for index in question.page_indices]

    def ask(question: Question) -> Ranking | str:
        if question.file in problems:
            return problems[question.file]
        path, pages = documents[question.file].path, documents[question.file].page_count
        if (last := max(question.page_indices, default=0)) >= pages:
            return f"{question.file} has no page {last}: page_indices run from 0 to {pages - 1}"
        try:
            hits = search(question.query, match_path(path) if scope == "document" else None)
        except EmptyQueryError as error:
            return str(error)
        finally:
            if on_question:
                on_question(question)
        # By rank, not by score: a fused order is not the order of the scores.
        return {
            f"{path if path in hit.copies else hit.path}#{hit.page_number - 1}": 1 / hit.rank for hit in hits
        }

    return evaluate(questions, ask, relevant)

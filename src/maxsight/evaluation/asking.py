"""Asking a library questions with known answers: which pages answer each, by file and number or by an id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from maxsight.errors import EmptyQueryError, InputError, UnknownDocumentError
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.runner import DEPTH, Evaluation, Ranking, evaluate
from maxsight.results import Hit
from maxsight.spelling import list_names
from maxsight.stores.conditions import Filter, match_path
from maxsight.types import Document

Search = Callable[[str, Filter | None, int], list[Hit]]
"""Finds the best pages for a query, so many at most, among the pages that pass a filter."""


def ask_library(
    search: Search,
    questions: Sequence[Question],
    *,
    find: Callable[[str], Document],
    scope: str = "library",
    depth: int = DEPTH,
    on_question: Callable[[Question], None] | None = None,
) -> Evaluation:
    """Measure the ranking of a library by questions that name a file and its pages.

    Args:
        search: Searches the library.
        questions: What to ask.
        find: Finds the document that a question's file names, or raises ``InputError``.
        scope: ``library`` to search everything, ``document`` to search the question's own file.
        depth: How many pages to find for each.
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

    def relevant(question: Question) -> dict[str, int]:
        found = documents.get(question.file)
        path = found.path if found else question.file
        return {f"{path}#{index}": 1 for index in question.page_indices}

    def ask(question: Question) -> Ranking | str:
        if not question.page_indices:
            return "it names no page as its answer (page_indices is empty)"
        if question.file in problems:
            return problems[question.file]
        path, pages = documents[question.file].path, documents[question.file].page_count
        if (last := max(question.page_indices, default=0)) >= pages:
            return f"{question.file} has no page {last}: page_indices run from 0 to {pages - 1}"
        hits = search(question.query, match_path(path) if scope == "document" else None, depth)
        # By rank, not by score: boosts change the order.
        return {
            f"{path if path in hit.copies else hit.path}#{hit.page_number - 1}": 1 / hit.rank for hit in hits
        }

    return evaluate(questions, _told(ask, on_question), relevant, depth=depth)


def ask_by_ids(
    search: Search,
    questions: Sequence[Question],
    *,
    ids: Mapping[tuple[str, int], str],
    depth: int = DEPTH,
    on_question: Callable[[Question], None] | None = None,
) -> Evaluation:
    """Measure the ranking of a library by questions with grades of ids.

    An id may be that of a page or of a document, which is ranked by its best page.

    Args:
        search: Searches the library.
        questions: What to ask.
        ids: The id of each page, by its document's path and its index. Pages without one are not ranked.
        depth: How many ids to find for each.
        on_question: Called after each question.

    Raises:
        InputError: No id in the questions is in the library.
    """
    known = set(ids.values())
    named = {name for question in questions for name, grade in question.grades.items() if grade > 0}
    unknown = sorted(named - known)
    if len(unknown) == len(named):
        raise InputError(
            f"none of the {len(named):,} ids in the qrels is in the library",
            hint=f"Qrels: {list_names(unknown)}; the library: {list_names(sorted(known)) or 'none'}. "
            "--id-field names the field with the ids.",
        )

    def ask(question: Question) -> Ranking | str:
        top_k = depth
        while True:
            hits = search(question.query, None, top_k)
            pages = [(path, hit.page_number - 1) for hit in hits for path in (hit.path, *hit.copies)]
            found = list(dict.fromkeys(ids[page] for page in pages if page in ids))[:depth]
            if len(found) == depth or len(hits) < top_k:
                return {name: 1 / rank for rank, name in enumerate(found, start=1)}
            top_k *= 2

    result = evaluate(questions, _told(ask, on_question), lambda question: question.grades, depth=depth)
    if not unknown:
        return result
    notice = (
        f"{len(unknown):,} of {len(named):,} ids in the qrels are not in the library and count as not found"
    )
    return replace(result, notices=(f"{notice}: {list_names(unknown)}",))


def _told(
    ask: Callable[[Question], Ranking | str], on_question: Callable[[Question], None] | None
) -> Callable[[Question], Ranking | str]:
    """Report each question after it was asked. One that nothing can be searched for has no answer."""

    def asked(question: Question) -> Ranking | str:
        try:
            return ask(question)
        except EmptyQueryError as error:
            return str(error)
        finally:
            if on_question:
                on_question(question)

    return asked

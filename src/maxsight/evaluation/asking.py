"""A library's ranking on questions with known answers: where each question's file is, and which pages answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from maxsight.errors import EmptyQueryError, InputError, UnknownDocumentError
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.runner import Evaluation, Ranking, evaluate
from maxsight.stores.conditions import Filter, path_is
from maxsight.types import Hit

Search = Callable[[str, Filter | None], list[Hit]]
"""Finds the best pages for a query, among those that a filter keeps."""


def ask_library(
    search: Search,
    questions: Sequence[Question],
    *,
    documents: Mapping[str, int],
    find: Callable[[str], str],
    scope: str = "library",
    on_question: Callable[[Question], None] | None = None,
) -> Evaluation:
    """Measure the ranking of a library.

    Args:
        search: How it is searched.
        questions: What to ask.
        documents: How many pages its documents have, by their paths.
        find: Finds the document that a question's file names, as ``library.naming.find_document`` does.
        scope: ``library`` to search everything, ``document`` to search the question's own file.
        on_question: Called after each question.
    """
    places: dict[str, str] = {}
    nowhere: dict[str, str] = {}
    for file in {question.file for question in questions}:
        try:
            places[file] = find(file)
        except UnknownDocumentError as error:
            nowhere[file] = str(error)
        except InputError as error:  # several fit
            nowhere[file] = f"{error}; name the one that is meant by its path"

    def relevant(question: Question) -> list[str]:
        place = places.get(question.file, question.file)
        return [f"{place}#{index}" for index in question.page_indices]

    def ask(question: Question) -> Ranking | str:
        if question.file in nowhere:
            return nowhere[question.file]
        place = places[question.file]
        pages = documents[place]
        if (last := max(question.page_indices, default=0)) >= pages:
            return f"{question.file} has no page {last}: page_indices run from 0 to {pages - 1}"
        try:
            hits = search(question.query, path_is(place) if scope == "document" else None)
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

"""Questions with known answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from maxsight.errors import InputError


@dataclass(frozen=True, slots=True)
class Question:
    """One question and the pages that answer it.

    Attributes:
        query_id: Its name.
        query: What is asked.
        file: The document the answer is in, as a file name or path.
        page_indices: The pages that answer it, from 0.
    """

    query_id: str
    query: str
    file: str
    page_indices: tuple[int, ...]


def load_questions(path: Path) -> list[Question]:
    """Read questions from JSON Lines: ``query``, ``file``, ``page_indices`` (from 0), maybe ``query_id``.

    Raises:
        InputError: The file can't be read, a line lacks a field, or a name appears twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the questions can't be read: {error}") from error
    questions: dict[str, Question] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            question = Question(
                str(record.get("query_id", number)),
                str(record["query"]),
                str(record["file"]),
                tuple(int(index) for index in record["page_indices"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}, line {number}: not a question: {error!r}",
                hint='Each line is {"query_id": ..., "query": ..., "file": ..., "page_indices": [0, ...]}.',
            ) from error
        if question.query_id in questions:
            raise InputError(f"{path}, line {number}: query_id {question.query_id!r} appears twice")
        questions[question.query_id] = question
    if not questions:
        raise InputError(f"{path}: there are no questions in it")
    return list(questions.values())

"""Questions with known answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maxsight.errors import InputError
from maxsight.tables import TABLE_SUFFIXES, parse_json_object


@dataclass(frozen=True, slots=True)
class Question:
    """One question and the pages that answer it: pages of a file, or what qrels name.

    Attributes:
        query_id: Identifies the question.
        query: Its text.
        file: The document with the answer, as a file name or path.
        page_indices: The pages that answer it, from 0.
        grades: How relevant pages or documents are, by their ids in a field of the library; 0 for not at all.
        labels: Values to group results by, by name.
    """

    query_id: str
    query: str
    file: str = ""
    page_indices: tuple[int, ...] = ()
    grades: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def load_queries(path: Path) -> list[str]:
    """Read queries: one per line, or JSON Lines with ``query``, also questions with known answers.

    Raises:
        InputError: The file can't be read, has no queries, is a table or an array, or a line of JSON has no query.
    """
    queries: list[str] = []
    for number, line in _lines(path):
        if path.suffix.lower() in TABLE_SUFFIXES or (line.startswith("[") and not queries):
            raise InputError(
                f"{path}: queries are not read from tables and arrays",
                hint='Give a file with a question, or {"query": ...}, in each line.',
            )
        if not line.startswith("{"):
            queries.append(line)
            continue
        try:
            queries.append(_text(parse_json_object(line), "query"))
        except InputError as error:
            raise InputError(
                f"{path}, line {number}: {error}", hint='Each line is a question, or {"query": ...}.'
            ) from error
    if not queries:
        raise InputError(f"{path}: there are no queries in it")
    return queries


def load_questions(path: Path) -> list[Question]:
    """Read questions from JSON Lines: ``query``, ``file``, ``page_indices`` (from 0), maybe ``query_id``.

    Raises:
        InputError: The file can't be read, a line is not a question, or a ``query_id`` appears twice.
    """
    questions: dict[str, Question] = {}
    for number, line in _lines(path):
        try:
            fields = parse_json_object(line)
            question = Question(
                str(fields.get("query_id", number)),
                _text(fields, "query"),
                _text(fields, "file"),
                _page_indices(fields),
            )
        except InputError as error:
            raise InputError(
                f"{path}, line {number}: {error}",
                hint='Each line is {"query_id": ..., "query": ..., "file": ..., "page_indices": [0, ...]}. '
                "If another file has the answers, give --qrels.",
            ) from error
        if question.query_id in questions:
            raise InputError(f"{path}, line {number}: query_id {question.query_id!r} appears twice")
        questions[question.query_id] = question
    if not questions:
        raise InputError(f"{path}: there are no questions in it")
    return list(questions.values())


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise InputError(_wrong(fields, name, "a text"))
    return value


def _page_indices(fields: Mapping[str, Any]) -> tuple[int, ...]:
    indices = fields.get("page_indices")
    if not isinstance(indices, list) or any(type(index) is not int or index < 0 for index in indices):
        raise InputError(_wrong(fields, "page_indices", "a list of whole numbers from 0"))
    return tuple(indices)


def _wrong(fields: Mapping[str, Any], name: str, expected: str) -> str:
    if name not in fields:
        return f"{name} is missing"
    return f"{name} is {json.dumps(fields[name])[:60]}, expected {expected}"


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Non-blank lines with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: the questions can't be read: {getattr(error, 'strerror', error)}"
        ) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()

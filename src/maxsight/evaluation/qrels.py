"""Queries and relevance judgements (qrels) in the forms that benchmarks ship: BEIR, mteb, ViDoRe, TREC.

Both are tables. Their columns are found by the names that these benchmarks give them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from maxsight.documents.records.rows import RECORD_SUFFIXES, all_columns, read_rows
from maxsight.documents.records.shards import shards_of, whole_of
from maxsight.errors import InputError
from maxsight.evaluation.datasets import Question
from maxsight.spelling import list_names

QUERY_IDS = ("query_id", "query-id", "_id", "id", "qid")
QUERY_TEXTS = ("query", "text", "question")
CORPUS_IDS = ("corpus_id", "corpus-id", "_id", "id", "docid", "doc_id")
SCORES = ("score", "relevance", "label")


def read_questions(queries: Path, qrels: Path, *, by: Sequence[str] = ()) -> tuple[list[Question], list[str]]:
    """Read queries with the pages and documents that answer them.

    Args:
        queries: A table of ids and texts.
        qrels: A table of query ids, ids in the corpus, and scores from 0 up; or four columns as TREC has them.
        by: Other columns of the queries, to group results by.

    Returns:
        The queries that have an answer, and what a user should know of the others.

    Raises:
        InputError: A file can't be read, has no such columns, or no query has an answer.
    """
    texts, labels = _read_queries(queries, by)
    grades = _read_qrels(qrels)
    questions = [
        Question(query_id, text, grades=grades[query_id], labels=labels[query_id])
        for query_id, text in texts.items()
        if any(grade > 0 for grade in grades.get(query_id, {}).values())
    ]
    if not questions:
        raise InputError(
            f"no query of {queries} has an answer in {qrels}",
            hint=f"Queries: {list_names(list(texts))}; qrels: {list_names(list(grades))}. Are both of one set?",
        )
    notices = []
    if lacking := len(texts) - len(questions):
        notices.append(f"{lacking:,} of {len(texts):,} queries have no answer in the qrels and are left out")
    if unknown := [query_id for query_id in grades if query_id not in texts]:
        notices.append(f"the qrels name queries that are not there ({len(unknown):,}): {list_names(unknown)}")
    return questions, notices


def values_of(value: Any) -> tuple[str, ...]:
    """Return a column's value as labels: a list has several."""
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def find_column(names: Sequence[str], known: Sequence[str], file: Path) -> str:
    """Find the first column with a known name.

    Raises:
        InputError: There is none.
    """
    if found := next((name for name in known if name in names), None):
        return found
    raise InputError(
        f"{file}: it has no column {' or '.join(map(repr, known))}",
        hint=f"Its columns are {', '.join(names) or 'none'}.",
    )


def list_columns(file: Path) -> list[str]:
    """List the columns of a table.

    Raises:
        InputError: It is not there, or can't be read.
    """
    shards = shards_of(whole_of(file))
    if not shards:
        raise InputError(f"{file}: there is no such file")
    return all_columns(shards[0])


def table_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Read some columns of a table with all its shards. Each row has its place.

    Raises:
        InputError: It can't be read, or one of its rows can't.
    """
    for shard in shards_of(whole_of(file)):
        for row in read_rows(shard, columns):
            if isinstance(row.values, InputError):
                raise InputError(f"{shard}, {row.place}: {row.values}", hint=row.values.hint)
            yield f"{shard}, {row.place}", row.values


def _read_queries(
    file: Path, by: Sequence[str]
) -> tuple[dict[str, str], dict[str, dict[str, tuple[str, ...]]]]:
    texts: dict[str, str] = {}
    labels: dict[str, dict[str, tuple[str, ...]]] = {}
    names = list_columns(file)
    id_column, text_column = find_column(names, QUERY_IDS, file), find_column(names, QUERY_TEXTS, file)
    for name in by:
        find_column(names, [name], file)
    for place, row in table_rows(file, [id_column, text_column, *by]):
        query_id, text = row.get(id_column), row.get(text_column)
        if query_id is None or not isinstance(text, str):
            raise InputError(f"{place}: {id_column!r} and {text_column!r} must be an id and a text")
        if str(query_id) in texts:
            raise InputError(f"{place}: query {str(query_id)!r} appears twice")
        texts[str(query_id)] = text
        labels[str(query_id)] = {name: values_of(row.get(name)) for name in by}
    return texts, labels


def _read_qrels(file: Path) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for place, query_id, corpus_id, score in _judgements(file):
        try:
            if not float(score).is_integer():
                raise ValueError
            grade = int(float(score))
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{place}: the score must be a whole number, got {str(score)[:40]!r}") from error
        of_query = grades.setdefault(str(query_id), {})
        of_query[str(corpus_id)] = max(grade, of_query.get(str(corpus_id), 0))
    return grades


def _judgements(file: Path) -> Iterator[tuple[str, Any, Any, Any]]:
    if file.suffix.lower() not in RECORD_SUFFIXES:
        yield from _trec(file)
        return
    names = list_columns(file)
    query_id, corpus_id, score = (
        find_column(names, known, file) for known in (QUERY_IDS, CORPUS_IDS, SCORES)
    )
    for place, row in table_rows(file, [query_id, corpus_id, score]):
        yield place, row.get(query_id), row.get(corpus_id), row.get(score)


def _trec(file: Path) -> Iterator[tuple[str, str, str, str]]:
    """Read lines of ``query 0 page grade``."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the qrels can't be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        parts = line.split()
        if len(parts) != 4:
            raise InputError(
                f"{file}, line {number}: expected 4 columns as TREC has them, got {len(parts)}",
                hint=f"Tables of other kinds end in {', '.join(RECORD_SUFFIXES)}.",
            )
        yield f"{file}, line {number}", parts[0], parts[2], parts[3]

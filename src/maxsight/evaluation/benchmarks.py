"""Benchmarks in a local folder: corpus, queries and qrels, as BEIR, mteb and ViDoRe ship them.

Parts are found by the names of files and folders: ``corpus.jsonl``, ``corpus/test-00000-of-00001.parquet``,
``english-queries/...``, ``qrels/test.tsv``. Fields are found by the names that these benchmarks give them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maxsight.documents.records.fields import RecordFields
from maxsight.documents.records.images import ImageFields
from maxsight.documents.records.shards import find_data, shards_of
from maxsight.errors import InputError
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.qrels import (
    CORPUS_IDS,
    QUERY_TEXTS,
    find_column,
    list_columns,
    read_questions,
    table_rows,
    values_of,
)

PARTS = {"corpus": ("corpus",), "queries": ("queries",), "qrels": ("qrels", "default")}
"""The names of the parts. mteb calls qrels ``default``, too."""
TEST = "test"
"""The split that is measured unless another is asked for."""
IMAGES = ("image", "page_image")
TEXTS = ("markdown", "text")
DOCUMENTS = ("doc_id", "doc-id", "document_id")
PAGES = ("page_number_in_doc", "page_number", "page")
IMAGE_NAMES = ("image_filename", "docid")
"""The image's name in tables with a question and its page in each row, such as ViDoRe v1."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A corpus and the questions that it answers.

    Attributes:
        corpus: Its data files. A name with ``*`` stands for all shards.
        fields: Names of the fields of the corpus, for ``Library.index``.
        id_field: The field with the ids that qrels name.
        queries: The table of queries.
        qrels: The table of relevance judgements; None if each row of the queries is a question and its page.
    """

    corpus: Path
    fields: RecordFields | ImageFields
    id_field: str
    queries: Path
    qrels: Path | None

    @property
    def paths(self) -> list[Path]:
        """The files to index. The shards of texts are files of their own, those of images are one."""
        return [self.corpus] if isinstance(self.fields, ImageFields) else shards_of(self.corpus)

    def questions(self, by: Sequence[str] = ()) -> tuple[list[Question], list[str]]:
        """Read the questions, and what a user should know of those that are left out.

        Args:
            by: Columns of the queries, to group results by.

        Raises:
            InputError: The queries or qrels can't be read, or none has an answer.
        """
        if self.qrels is not None:
            return read_questions(self.queries, self.qrels, by=by)
        return _questions_of_rows(self.queries, self.id_field, by), []


def find_benchmark(folder: Path, *, subset: str | None = None, split: str = TEST) -> Benchmark:
    """Find the parts of a benchmark in a folder.

    Args:
        folder: The folder.
        subset: The prefix of the parts' names, such as ``english`` in ``english-corpus``.
        split: Which of several queries and qrels.

    Raises:
        InputError: A part is not there, or there are several.
    """
    files = [file for file in find_data([folder]) if isinstance(file, Path)]
    queries = _find(files, folder, "queries", subset, split)
    corpus = _find(files, folder, "corpus", subset, split)
    qrels = _find(files, folder, "qrels", subset, split)
    if corpus and queries and qrels:
        fields, id_field = _fields_of(corpus)
        return Benchmark(corpus, fields, id_field, queries, qrels)
    tables = [file for file in files if _is_of(file, split)] or files
    if not (corpus or queries or qrels) and len(tables) == 1:
        names = list_columns(tables[0])
        id_field = find_column(names, IMAGE_NAMES, tables[0])
        find_column(names, QUERY_TEXTS, tables[0])
        image = find_column(names, IMAGES, tables[0])
        fields = ImageFields(image, id=id_field, metadata=(id_field,))
        return Benchmark(tables[0], fields, id_field, tables[0], None)
    found = {"corpus": corpus, "queries": queries, "qrels": qrels}
    missing = [part for part, file in found.items() if not file]
    raise InputError(
        f"{folder} has no {' and no '.join(missing)}",
        hint="A benchmark has corpus, queries and qrels, as folders or as files of JSON Lines, CSV, TSV, Parquet or "
        "Arrow.",
    )


def _find(files: Sequence[Path], folder: Path, part: str, subset: str | None, split: str) -> Path | None:
    """Find a part, of the given subset and split where there are several.

    Raises:
        InputError: There are several, or the only qrels are of another split than the one that is asked for.
    """
    found: dict[Path, str] = {}
    for file in files:
        for name in (*file.relative_to(folder).parts[:-1], file.name.partition(".")[0].removesuffix("-*")):
            prefix = next((name.removesuffix(known) for known in PARTS[part] if name.endswith(known)), None)
            if prefix == "" or (prefix and prefix.endswith("-")):
                found[file] = prefix.removesuffix("-")
    wanted = subset or ""
    chosen = [file for file, prefix in found.items() if prefix == wanted]
    chosen = chosen or [file for file, prefix in found.items() if not prefix]  # subsets may share a part
    if not chosen and len(set(found.values())) > 1:
        raise InputError(
            f"{folder} has {part} of several subsets",
            hint=f"Name one: --subset {' or '.join(sorted(set(found.values())))}.",
        )
    chosen = chosen or list(found)
    if len(chosen) > 1:
        of_split = [file for file in chosen if _is_of(file, split)]
        if len(of_split) != 1:
            names = ", ".join(file.relative_to(folder).as_posix() for file in chosen)
            raise InputError(f"{folder} has several {part}: {names}", hint="Name one: --split.")
        chosen = of_split
    elif chosen and part == "qrels" and split != TEST and not _is_of(chosen[0], split):
        name = chosen[0].relative_to(folder).as_posix()
        raise InputError(
            f"{folder} has no qrels of the split {split}, only {name}", hint="Leave out --split."
        )
    return chosen[0] if chosen else None


def _is_of(file: Path, split: str) -> bool:
    return split in (file.parent.name, file.name.partition(".")[0].removesuffix("-*"))


def _fields_of(corpus: Path) -> tuple[RecordFields | ImageFields, str]:
    """Find the fields of a corpus, and the one with the id."""
    names = list_columns(corpus)
    id_field = find_column(names, CORPUS_IDS, corpus)
    text = next((name for name in TEXTS if name in names), None)
    image = next((name for name in IMAGES if name in names), None)
    if image is None:
        title = "title" if "title" in names else None
        return RecordFields(id_field, find_column(names, TEXTS, corpus), title=title), id_field
    document = next((name for name in DOCUMENTS if name in names), None)
    page = next((name for name in PAGES if name in names), None)
    return ImageFields(image, document, page if document else None, text, id_field), id_field


def _questions_of_rows(file: Path, id_field: str, by: Sequence[str]) -> list[Question]:
    """Read a table in which each row is a question and its page."""
    text = find_column(list_columns(file), QUERY_TEXTS, file)
    grades: dict[str, dict[str, int]] = {}
    labels: dict[str, dict[str, tuple[str, ...]]] = {}
    for place, row in table_rows(file, [text, id_field, *by]):
        query, page = row.get(text), row.get(id_field)
        if isinstance(query, str) and query.strip():
            if page is None:
                raise InputError(f"{place}: {id_field!r} must name the page of the question")
            grades.setdefault(query, {})[str(page)] = 1
            labels.setdefault(query, {name: values_of(row.get(name)) for name in by})
    if not grades:
        raise InputError(f"{file}: there are no questions in its column {text!r}")
    return [
        Question(str(number), query, grades=pages, labels=labels[query])
        for number, (query, pages) in enumerate(grades.items(), start=1)
    ]

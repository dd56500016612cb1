"""Queries and qrels in the forms that benchmarks ship, and what is measured with them."""

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maxsight import Library
from maxsight.documents import ImageFields, OcrChoice, ReadSettings, RecordFields
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import InputError
from maxsight.evaluation.benchmarks import find_benchmark
from maxsight.evaluation.datasets import Question
from maxsight.evaluation.qrels import read_questions
from page_rows import FIELDS, page_row, write_rows

QUERIES = [
    {"query_id": 1, "query": "red page", "language": "english", "query_types": ["open", "numeric"]},
    {"query_id": 2, "query": "blue page", "language": "french", "query_types": ["open"]},
    {"query_id": 3, "query": "unanswered", "language": "french", "query_types": []},
]
QRELS = [
    {"query_id": 1, "corpus_id": 7, "score": 2},
    {"query_id": 1, "corpus_id": 9, "score": 1},
    {"query_id": 2, "corpus_id": 9, "score": 1},
    {"query_id": 2, "corpus_id": 8, "score": 0},
    {"query_id": 3, "corpus_id": 8, "score": 0},
]
EXPECTED = [
    Question("1", "red page", grades={"7": 2, "9": 1}, labels={"language": ("english",)}),
    Question("2", "blue page", grades={"9": 1, "8": 0}, labels={"language": ("french",)}),
]
PAGES = [page_row(7, "report", 1, "red"), page_row(8, "report", 2, "green"), page_row(9, "letter", 1, "blue")]


def write(file, rows):
    """Write a table by its suffix, and return the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix in (".parquet", ".arrow"):
        return write_rows(file, *rows)
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        mark = {".tsv": "\t", ".csv": ","}[file.suffix]
        lines = [mark.join(rows[0]), *(mark.join(map(str, row.values())) for row in rows)]
        file.write_text("\n".join(lines) + "\n")
    return file


def renamed(rows, **names):
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = ReadSettings(ocr=OcrChoice.NONE)
    with Library.create(tmp_path / "t.library", encoder=FakeEncoder(64), settings=settings) as library:
        yield library


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "arrow"])
def test_questions_are_the_same_whatever_kind_of_file_they_are_in(kind, tmp_path):
    queries = write(tmp_path / f"queries.{kind}", QUERIES)
    questions, notices = read_questions(queries, write(tmp_path / f"qrels.{kind}", QRELS), by=["language"])
    assert questions == EXPECTED
    assert notices == ["1 of 3 queries have no answer in the qrels and are left out"]


def test_qrels_as_beir_and_trec_have_them(tmp_path):
    queries = write(tmp_path / "queries.jsonl", renamed(QUERIES, query_id="_id", query="text"))
    beir = write(tmp_path / "test.tsv", renamed(QRELS, query_id="query-id", corpus_id="corpus-id"))
    assert read_questions(queries, beir, by=["language"])[0] == EXPECTED
    trec = tmp_path / "qrels.trec"
    trec.write_text("".join(f"{row['query_id']} 0 {row['corpus_id']} {row['score']}\n" for row in QRELS))
    assert read_questions(queries, trec, by=["language"])[0] == EXPECTED


def test_queries_that_are_not_there_are_noticed(tmp_path):
    queries = write(tmp_path / "queries.jsonl", QUERIES[:1])
    _, notices = read_questions(queries, write(tmp_path / "qrels.jsonl", QRELS))
    assert notices == ["the qrels name queries that are not there (2): 2, 3"]


@pytest.mark.parametrize(
    ("queries", "qrels", "complaint"),
    [
        ([{"qid": "a", "words": "b"}], QRELS, "no column 'query' or 'text' or 'question'"),
        (QUERIES, [{"query_id": 1, "score": 1}], "no column 'corpus_id' or"),
        (
            QUERIES,
            [{"query_id": 1, "corpus_id": 7, "score": "high"}],
            "line 1: the score must be a whole number",
        ),
        (
            QUERIES,
            [{"query_id": 1, "corpus_id": 7, "score": 0.5}],
            "line 1: the score must be a whole number, got '0.5'",
        ),
        (
            QUERIES,
            [{"query_id": 1, "corpus_id": 7, "score": float("inf")}],
            "line 1: the score must be a whole number, got 'inf'",
        ),
        ([*QUERIES, QUERIES[0]], QRELS, "line 4: query '1' appears twice"),
        (QUERIES, [{"query_id": 9, "corpus_id": 7, "score": 1}], "no query of .* has an answer in"),
        ([{"query_id": 1, "query": None}], QRELS, "line 1: 'query_id' and 'query' must be an id and a text"),
    ],
)
def test_what_is_not_queries_and_qrels_is_named(tmp_path, queries, qrels, complaint):
    files = write(tmp_path / "queries.jsonl", queries), write(tmp_path / "qrels.jsonl", qrels)
    with pytest.raises(InputError, match=complaint):
        read_questions(*files)


def test_files_that_are_not_there_and_columns_that_are_not_there_are_named(tmp_path):
    queries, qrels = write(tmp_path / "queries.jsonl", QUERIES), write(tmp_path / "qrels.jsonl", QRELS)
    with pytest.raises(InputError, match=r"none\.parquet: there is no such file"):
        read_questions(tmp_path / "none.parquet", qrels)
    with pytest.raises(InputError, match="no column 'colour'"):
        read_questions(queries, qrels, by=["colour"])


def test_grades_are_gains_and_groups_have_their_own_means(library, tmp_path):
    """The red page is best, then one of two equal ones: id 7 has grade 2, id 9 has 1 at rank 2 or 3.

    By hand: nDCG = (2 + 1/log2(rank + 1)) / (2 + 1/log2(3)).
    """
    library.index(write_rows(tmp_path / "corpus.parquet", *PAGES), records=FIELDS)
    questions, _ = read_questions(
        write(tmp_path / "q.jsonl", QUERIES),
        write(tmp_path / "r.jsonl", QRELS),
        by=["language", "query_types"],
    )
    result = library.evaluate(questions)
    first, second = result.questions
    rank = list(first.ranking).index("9") + 1
    assert rank in (2, 3)
    best = 2 + 1 / math.log2(3)
    assert first.measures["nDCG@5"] == pytest.approx((2 + 1 / math.log2(rank + 1)) / best)
    assert (first.measures["recall@1"], first.measures["recall@5"]) == (0.5, 1)
    assert second.measures["nDCG@10"] == 1
    assert "recall@100" not in result.measures
    assert "recall@100" in library.evaluate(questions, depth=100).measures
    groups = result.by("query_types")
    assert {value: number for value, (number, _) in groups.items()} == {"numeric": 1, "open": 2}
    assert groups["numeric"][1]["nDCG@5"] == first.measures["nDCG@5"]
    assert result.by("language")["french"] == (1, second.measures)
    assert next(result.trec_run()) == "1 Q0 7 1 1.000000 maxsight"


def test_ids_that_are_not_in_the_library_count_as_not_found(library, tmp_path):
    library.index(write_rows(tmp_path / "corpus.parquet", *PAGES), records=FIELDS)
    result = library.evaluate([Question("1", "red page", grades={"7": 1, "70": 1})])
    assert result.measures["recall@10"] == 0.5
    assert result.notices == ("1 of 2 ids in the qrels are not in the library and count as not found: 70",)
    with pytest.raises(InputError, match="none of the 1 ids in the qrels is in the library"):
        library.evaluate([Question("1", "red", grades={"70": 1})])
    with pytest.raises(InputError, match="the library has no field number with the ids"):
        library.evaluate([Question("1", "red", grades={"7": 1})], id_field="number")
    with pytest.raises(InputError, match="the scope must be the library"):
        library.evaluate([Question("1", "red", grades={"7": 1})], scope="document")


def test_a_document_is_ranked_by_its_best_page_and_copies_have_their_own_ids(library, tmp_path):
    rows = [
        page_row(1, "long", 1, "red"),
        page_row(1, "long", 2, "red"),
        page_row(2, "a", 1, "blue"),
        {**page_row(3, "b", 1, "blue"), "corpus_id": 3},
    ]
    fields = ImageFields("image", document="doc_id", page="page_number_in_doc", text="markdown")
    library.index(write_rows(tmp_path / "corpus.parquet", *rows), records=fields)
    result = library.evaluate([Question("1", "red page", grades={"1": 1, "3": 1})])
    assert next(iter(result.questions[0].ranking)) == "1"
    assert sorted(result.questions[0].ranking) == ["1", "2", "3"]


# Benchmarks in folders --------------------------------------------------------------------------------------

TEXTS = [
    {"_id": "d1", "title": "Adobe", "text": "makes software", "metadata": {}},
    {"_id": "d2", "title": "Brick", "text": "", "metadata": {}},
]
TEXT_QUERIES = [{"_id": "q1", "text": "who makes software"}, {"_id": "q2", "text": "brick"}]
TEXT_QRELS = [
    {"query-id": "q1", "corpus-id": "d1", "score": 1},
    {"query-id": "q2", "corpus-id": "d2", "score": 1},
]


def beir(folder):
    write(folder / "corpus.jsonl", TEXTS)
    write(folder / "queries.jsonl", TEXT_QUERIES)
    write(folder / "qrels" / "train.tsv", TEXT_QRELS[:1])
    write(folder / "qrels" / "test.tsv", TEXT_QRELS)


def mteb_text(folder):
    write(folder / "corpus" / "test-00000-of-00001.parquet", [dict(row, metadata="") for row in TEXTS])
    write(folder / "queries" / "test-00000-of-00001.parquet", TEXT_QUERIES)
    write(folder / "default" / "test-00000-of-00001.parquet", TEXT_QRELS)


def mteb_images(folder):
    corpus = [{"id": str(row["corpus_id"]), "image": row["image"], "text": row["markdown"]} for row in PAGES]
    for subset in ("english", "french"):
        write(folder / f"{subset}-corpus" / "test-00000-of-00001.parquet", corpus)
        queries = renamed(QUERIES[:2], query_id="id", query="text")
        write(folder / f"{subset}-queries" / "test-00000-of-00001.parquet", queries)
        qrels = renamed(QRELS, query_id="query-id", corpus_id="corpus-id")
        write(folder / f"{subset}-qrels" / "test-00000-of-00001.parquet", qrels)


def vidore_1(folder):
    rows = [
        {
            "query": query,
            "image": row["image"],
            "image_filename": f"{row['corpus_id']}.png",
            "text": row["markdown"],
        }
        for query, row in zip(
            ["a red one", "a blue one", None, "one of blue"], [*PAGES[::2], PAGES[1], PAGES[2]], strict=True
        )
    ]
    write(folder / "data" / "test-00000-of-00001.parquet", rows)


def vidore_2(folder):
    names = {"corpus_id": "corpus-id", "query_id": "query-id"}
    write(folder / "corpus" / "test-00000-of-00002.parquet", renamed(PAGES[:2], **names))
    write(folder / "corpus" / "test-00001-of-00002.parquet", renamed(PAGES[2:], **names))
    write(folder / "queries" / "test-00000-of-00001.parquet", renamed(QUERIES, **names))
    write(folder / "qrels" / "test-00000-of-00001.parquet", renamed(QRELS, **names))
    write(folder / "docs" / "test-00000-of-00001.parquet", [{"doc-id": "report"}])


def vidore_3(folder):
    write(folder / "corpus" / "test-00000-of-00001.parquet", PAGES)
    write(folder / "queries" / "test-00000-of-00001.parquet", QUERIES)
    boxes = [{"annotator": 0, "x1": 1, "x2": 2, "y1": 3, "y2": 4}]
    write(
        folder / "qrels" / "test-00000-of-00001.parquet", [{**row, "bounding_boxes": boxes} for row in QRELS]
    )
    write(folder / "documents_metadata" / "test-00000-of-00001.parquet", [{"doc_id": "report", "url": "x"}])


def saved_to_disk(folder):
    for part, rows in (("corpus", PAGES), ("queries", QUERIES), ("qrels", QRELS)):
        write(folder / part / "test" / "data-00000-of-00001.arrow", rows)
        (folder / part / "dataset_dict.json").write_text("{}")


@pytest.mark.parametrize(
    ("make", "options", "found"),
    [
        (beir, {}, {"q1": "d1", "q2": "d2"}),
        (beir, {"split": "train"}, {"q1": "d1"}),
        (mteb_text, {}, {"q1": "d1", "q2": "d2"}),
        (mteb_images, {"subset": "french"}, {"1": "7", "2": "9"}),
        (vidore_2, {}, {"1": "7", "2": "9"}),
        (vidore_3, {}, {"1": "7", "2": "9"}),
        (saved_to_disk, {}, {"1": "7", "2": "9"}),
    ],
)
def test_a_benchmark_is_indexed_and_measured_from_its_folder(make, options, found, library, tmp_path):
    make(tmp_path / "benchmark")
    benchmark = find_benchmark(tmp_path / "benchmark", **options)
    report = library.index(benchmark.paths, records=benchmark.fields)
    assert report.not_indexed == ()
    questions, _ = benchmark.questions()
    result = library.evaluate(questions, id_field=benchmark.id_field, within=benchmark.paths)
    assert {question.query_id: next(iter(question.ranking)) for question in result.questions} == found
    assert result.measures["recall@10"] == 1
    assert library.index(benchmark.paths, records=benchmark.fields).indexed == ()


def test_a_row_may_be_a_question_and_its_page(tmp_path):
    """ViDoRe v1: the blue page answers two questions, so it is there twice, and its text is not to be read."""
    vidore_1(tmp_path / "benchmark")
    benchmark = find_benchmark(tmp_path / "benchmark")
    assert benchmark.fields == ImageFields("image", id="image_filename", metadata=("image_filename",))
    questions, _ = benchmark.questions()
    assert [(each.query, each.grades) for each in questions] == [
        ("a red one", {"7.png": 1}),
        ("a blue one", {"9.png": 1}),
        ("one of blue", {"9.png": 1}),
    ]


def test_a_row_with_a_question_and_no_page_is_named(tmp_path):
    file = write(
        tmp_path / "test.jsonl", [{"query": "a", "image_filename": "b", "image": "c.png"}, {"query": "d"}]
    )
    with pytest.raises(InputError, match=f"{file}, line 2: 'image_filename' must name the page"):
        find_benchmark(tmp_path).questions()


def test_other_pages_of_the_library_are_not_ranked(library, tmp_path):
    vidore_3(tmp_path / "benchmark")
    others = [page_row(7, "other", number, "red") for number in range(1, 30)]
    library.index(write_rows(tmp_path / "others.parquet", *others), records=FIELDS)
    benchmark = find_benchmark(tmp_path / "benchmark")
    library.index(benchmark.paths, records=benchmark.fields)
    result = library.evaluate(benchmark.questions()[0], id_field="corpus_id", within=benchmark.paths)
    assert result.measures["recall@5"] == 1
    assert [len(question.ranking) for question in result.questions] == [3, 3]


def test_what_is_missing_or_ambiguous_is_named(tmp_path):
    folder = tmp_path / "benchmark"
    mteb_images(folder)
    with pytest.raises(InputError, match="has queries of several subsets") as ambiguous:
        find_benchmark(folder)
    assert "--subset english or french" in ambiguous.value.hint
    write(tmp_path / "half" / "corpus.jsonl", TEXTS)
    with pytest.raises(InputError, match="half has no queries and no qrels"):
        find_benchmark(tmp_path / "half")
    beir(tmp_path / "beir")
    with pytest.raises(InputError, match=r"has several qrels: qrels/test\.tsv, qrels/train\.tsv"):
        find_benchmark(tmp_path / "beir", split="dev")
    (tmp_path / "beir" / "qrels" / "train.tsv").unlink()
    with pytest.raises(InputError, match=r"no qrels of the split dev, only qrels/test\.tsv"):
        find_benchmark(tmp_path / "beir", split="dev")


def test_a_title_stands_before_the_text(library, tmp_path):
    file = write(tmp_path / "corpus.jsonl", TEXTS)
    library.index(file, records=RecordFields("_id", "text", title="title"))
    texts = [library.find_page(name, 1).page.text for name in ("d1", "d2")]
    assert texts == ["Adobe\nmakes software", "Brick"]


def test_parquet_with_other_columns_is_read(tmp_path):
    table = pa.table(
        {"query_id": [1], "query": ["red"], "image": [b"x" * 10], "time": [pa.scalar(1).as_py()]}
    )
    pq.write_table(table, tmp_path / "queries.parquet")
    qrels = write(tmp_path / "qrels.csv", QRELS[:1])
    assert read_questions(tmp_path / "queries.parquet", qrels)[0] == [Question("1", "red", grades={"7": 2})]

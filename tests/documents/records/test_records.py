"""Records read from JSON Lines, CSV and Parquet, and gathered by group."""

import codecs
import csv
import datetime
import decimal
import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maxsight import tables
from maxsight.documents.records.fields import Record, RecordFields, read_records, vector_dim
from maxsight.documents.records.groups import PageCutter, RecordGroups
from maxsight.documents.records.rows import plain_columns
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.pictures import Fit, PictureFit

FIELDS = RecordFields("title", "text")
WITH_VECTORS = RecordFields("title", "text", "emb")


def json_lines(folder, *rows):
    file = folder / "records.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return file


def read(file, fields=FIELDS, dim=None):
    return list(read_records(file, fields, dim=dim))


def only_error(file, fields=WITH_VECTORS, dim=None):
    (error,) = read(file, fields, dim)
    assert isinstance(error, UnreadableDocumentError)
    return str(error)


def write_csv(file, rows):
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


ROWS = [
    {"title": "Adobe Inc.", "text": "Adobe makes software.\n\nIts founders left Xerox.", "year": 1982},
    {"title": "AC/DC", "text": "A rock band, loud.", "year": 1973},
]


@pytest.mark.parametrize("kind", ["jsonl", "ndjson", "csv", "parquet"])
def test_a_record_is_the_same_whatever_kind_of_file_it_is_in(kind, tmp_path):
    file = tmp_path / f"records.{kind}"
    if kind == "csv":
        write_csv(file, ROWS)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), file)
    else:
        file.write_text("\n".join(map(json.dumps, ROWS)))
    adobe, band = read(file)
    assert (adobe.key, adobe.paragraphs) == (
        "Adobe Inc.",
        ("Adobe makes software.", "Its founders left Xerox."),
    )
    assert (band.key, band.paragraphs) == ("AC/DC", ("A rock band, loud.",))
    assert band.place == {"jsonl": "line 2", "ndjson": "line 2", "csv": "line 5", "parquet": "row 2"}[kind]


def test_half_a_surrogate_pair_becomes_a_replacement_character_in_every_field(tmp_path):
    row = {
        "title": "T\ud800",
        "text": "one \udfff\n\n\ud835\udc00 two",
        "note": "n\ud83d",
        "pair": "\ud83d\ude00",
    }
    fields = RecordFields("title", "text", metadata=("note", "pair"))
    (record,) = read(json_lines(tmp_path, row), fields)
    assert (record.key, record.paragraphs) == ("T\ufffd", ("one \ufffd", "\U0001d400 two"))
    assert record.metadata == {"title": "T\ufffd", "note": "n\ufffd", "pair": "\U0001f600"}


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_given_vectors_are_the_same_whatever_kind_of_file_they_are_in(kind, tmp_path):
    file, row = tmp_path / f"records.{kind}", {"title": "a", "text": "one", "emb": [3.0, 0.0, 4.0]}
    if kind == "csv":
        write_csv(file, [row | {"emb": json.dumps(row["emb"])}])
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist([row]), file)
    else:
        file.write_text(json.dumps(row))
    (record,) = read(file, WITH_VECTORS)
    np.testing.assert_allclose(record.vectors, [[0.6, 0, 0.8]], rtol=1e-6)
    assert record.vectors.dtype == np.float32
    assert vector_dim(file, WITH_VECTORS) == 3


def test_parquet_may_hold_fixed_size_vectors_of_half_precision_and_lists_of_paragraphs(tmp_path):
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.array([0, 2], np.float16)), 2)
    table = pa.table({"title": ["a"], "text": ["one"], "emb": vectors})
    pq.write_table(table, tmp_path / "fixed.parquet")
    (record,) = read(tmp_path / "fixed.parquet", WITH_VECTORS)
    np.testing.assert_array_equal(record.vectors, [[0, 1]])
    nested = [{"title": "a", "text": ["one", "two"], "emb": [[1.0, 0.0], [0.0, 1.0]]}]
    pq.write_table(pa.Table.from_pylist(nested), tmp_path / "nested.parquet")
    (record,) = read(tmp_path / "nested.parquet", WITH_VECTORS)
    assert record.paragraphs == ("one", "two")
    np.testing.assert_array_equal(record.vectors, np.eye(2))


def test_one_vector_stands_for_the_whole_text_and_several_for_its_paragraphs(tmp_path):
    text = "one\n\ntwo"
    whole, parts = read(
        json_lines(
            tmp_path,
            {"title": "a", "text": text, "emb": [1, 0]},
            {"title": "a", "text": text, "emb": [[1, 0], [0, 1]]},
        ),
        WITH_VECTORS,
    )
    assert whole.paragraphs == ("one\ntwo",)
    assert parts.paragraphs == ("one", "two")


def test_fields_to_filter_by_come_along_with_the_group_and_a_missing_one_is_left_out(tmp_path):
    file = json_lines(tmp_path, *ROWS, {"title": "Bare", "text": "no year"})
    adobe, _, bare = read(file, RecordFields("title", "text", metadata=("year",)))
    assert adobe.metadata == {"title": "Adobe Inc.", "year": 1982}
    assert bare.metadata == {"title": "Bare"}


def test_a_number_is_a_group_too(tmp_path):
    assert [record.key for record in read(json_lines(tmp_path, {"title": 7, "text": "x"}))] == ["7"]


def test_a_broken_line_among_thousands_is_named_and_the_others_are_read(tmp_path):
    rows = [{"title": f"t{number}", "text": "words"} for number in range(3000)]
    rows[1234] = '{"title": "t1234", "text": "wor'
    records = read(json_lines(tmp_path, *rows))
    (broken,) = [record for record in records if not isinstance(record, Record)]
    assert "line 1235: not JSON" in str(broken)
    assert len(records) == 3000


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"title": "a"}, "line 1: no field 'emb'; there are title"),
        ({"title": "a", "emb": [1, 2], "text": None}, "'text' is empty"),
        ({"emb": [1, 2], "text": "x"}, "no field 'title'; there are emb, text"),
        ({"title": "a", "emb": [1, 2], "body": "x"}, "no field 'text'; there are title, emb, body"),
        ({"title": "a", "emb": [1, 2], "text": " \n\n "}, "no text in 'text'"),
        ({"title": " ", "emb": [1, 2], "text": "x"}, "'title' is blank"),
        ({"title": ["a"], "emb": [1, 2], "text": "x"}, "must be text or a number to group by, got list"),
        ({"title": "a" * 501, "emb": [1, 2], "text": "x"}, "has 501 characters"),
        ({"title": "a", "emb": [1, 2], "text": 5}, "must be text or a list of texts, got int"),
        ({"title": "a", "emb": [1, float("nan")], "text": "x"}, "'emb' holds NaN or infinity"),
        ({"title": "a", "emb": [1e308, 1e308], "text": "x"}, "'emb' holds NaN or infinity"),
        ({"title": "a", "emb": [0, 0], "text": "x"}, "a vector of zeros"),
        ({"title": "a", "emb": [[1, 2], [3]], "text": ["x", "y"]}, "vectors of several lengths"),
        ({"title": "a", "emb": [1, "x"], "text": "x"}, "values that are not numbers"),
        ({"title": "a", "emb": [], "text": "x"}, "must be a vector or a list of vectors"),
        ({"title": "a", "emb": [1, 2, 3], "text": "x"}, "a vector of length 3; the library's have 2"),
        ({"title": "a", "emb": [[1, 2], [3, 4]], "text": "x"}, "1 paragraphs in 'text' and 2 vectors"),
        ([1, 2], "expected a JSON object, got list"),
    ],
)
def test_what_a_record_lacks_is_said(row, said, tmp_path):
    assert said in only_error(json_lines(tmp_path, row), dim=2)


def test_a_line_over_the_limit_is_named_and_never_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_ROW_BYTES", 1000)
    file = json_lines(tmp_path, {"title": "long", "text": "x" * 5000}, {"title": "short", "text": "x"})
    large, short = read(file)
    assert "line 1: it has 5,030 bytes; a record has at most 1,000" in str(large)
    assert (short.place, short.key) == ("line 2", "short")


def test_lines_that_are_not_utf_8_are_named_and_the_others_are_read(tmp_path):
    file = tmp_path / "latin.jsonl"
    good = json.dumps({"title": "a", "text": "x"}).encode()
    file.write_bytes(b'{"title": "caf\xe9", "text": "x"}\n' + good)
    bad, record = read(file)
    assert "line 1: it is not UTF-8" in str(bad)
    assert record.key == "a"
    file = tmp_path / "latin.csv"
    file.write_bytes(b"title,text\ncaf\xe9,x\na,x\n")
    bad, record = read(file)
    assert "line 2: it is not UTF-8" in str(bad)
    assert record.key == "a"


def test_a_byte_order_mark_is_no_part_of_the_first_field(tmp_path):
    for name, content in (("a.jsonl", b'{"title": "a", "text": "x"}'), ("a.csv", b"title,text\na,x\n")):
        (tmp_path / name).write_bytes(codecs.BOM_UTF8 + content)
        assert [record.key for record in read(tmp_path / name)] == ["a"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_utf_16_is_refused_with_what_to_do(name, tmp_path):
    (tmp_path / name).write_text("title,text\na,x\n", encoding="utf-16")
    with pytest.raises(UnreadableDocumentError, match="UTF-16") as raised:
        read(tmp_path / name)
    assert "iconv" in raised.value.hint


def test_a_row_of_csv_with_too_many_cells_is_named_and_the_others_are_read(tmp_path):
    file = tmp_path / "records.csv"
    file.write_text('title,text\na,"two\nlines"\nb,x,y\n"c"d,x\ne,x\n')
    a, b, c, e = read(file)
    assert a.paragraphs == ("two\nlines",)
    assert "line 4: 3 cells under 2 column names" in str(b)
    assert "line 5: not CSV" in str(c)
    assert e.key == "e"


def test_two_columns_of_one_name_are_refused_only_if_they_are_read(tmp_path):
    file = tmp_path / "records.csv"
    file.write_text("title,text,note,note\na,x,1,2\n")
    assert [record.paragraphs for record in read(file)] == [("x",)]
    file.write_text("title,text,text\na,x,y\n")
    with pytest.raises(UnreadableDocumentError, match="it has several columns 'text'"):
        read(file)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_cells_of_csv_may_be_separated_by_semicolons_or_tabs(separator, tmp_path):
    file = tmp_path / "records.csv"
    file.write_bytes(codecs.BOM_UTF8 + f"title{separator}text\r\na{separator}one, two\r\n".encode())
    (record,) = read(file)
    assert (record.key, record.paragraphs) == ("a", ("one, two",))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_without_the_field_says_which_it_has(kind, tmp_path):
    file = tmp_path / f"records.{kind}"
    if kind == "csv":
        write_csv(file, ROWS)
    else:
        pq.write_table(pa.Table.from_pylist(ROWS), file)
    with pytest.raises(UnreadableDocumentError, match="no column 'emb'") as raised:
        read(file, WITH_VECTORS)
    assert raised.value.hint == "Its columns are title, text, year."


def test_what_is_no_file_of_records_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(UnreadableDocumentError, match="not Parquet, or damaged"):
        read(tmp_path / "a.parquet")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(UnsupportedFormatError, match="not a file of records"):
        read(tmp_path / "a.pdf")
    with pytest.raises(UnreadableDocumentError, match="can't be read"):
        read(tmp_path / "none.jsonl")


# Groups -----------------------------------------------------------------------------------------------------


def record(key, *paragraphs, vectors=None):
    given = None if vectors is None else np.array(vectors, np.float32)
    return Record("line 1", key, paragraphs, given, {})


def gathered(folder, records, **options):
    groups = RecordGroups(folder, **{"by_paragraph": True} | options)
    for each in records:
        groups.add(each, each.metadata)
    return groups


def test_groups_need_not_lie_together_and_keep_their_order(tmp_path):
    records = [record("b", "b1", vectors=[[1, 0]]), record("a", "a1", vectors=[[0, 1]])]
    records += [record("b", "b2", "b3", vectors=[[0, 1], [1, 0]])]
    with gathered(tmp_path, records) as groups:
        first, second = groups
        assert (first.key, second.key) == ("b", "a")
        (page,) = groups.pages(first)
    assert page.text == "b1\n\nb2\n\nb3"
    assert [page.text[start:end] for start, end in page.paragraphs.spans] == ["b1", "b2", "b3"]
    np.testing.assert_array_equal(page.paragraphs.vectors, [[1, 0], [0, 1], [1, 0]])


def test_a_group_of_more_paragraphs_than_a_page_holds_goes_on_on_further_pages(tmp_path):
    thousands = [[f"p{number}" for number in range(start, start + 1000)] for start in range(0, 9000, 1000)]
    records = [record("long", *paragraphs) for paragraphs in thousands]
    with gathered(tmp_path, records) as groups:
        (group,) = groups
        pages = list(groups.pages(group))
    assert [len(page.paragraphs.spans) for page in pages] == [4096, 4096, 808]
    assert [page.page_index for page in pages] == [0, 1, 2]
    assert group.page_count == 3
    assert " ".join(page.text for page in pages).split() == [f"p{number}" for number in range(9000)]


def test_for_an_encoder_of_words_pages_are_cut_as_those_of_plain_text(tmp_path):
    records = [record("a", "word " * 400), record("a", "word " * 400), record("a", "word " * 400)]
    with gathered(tmp_path, records, by_paragraph=False) as groups:
        (group,) = groups
        assert [len(page.words) for page in groups.pages(group)] == [800, 400]
        assert group.page_count == 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=20))
def test_pages_lose_no_paragraph_and_hold_no_more_words_than_they_may(lengths):
    cutter, pages = PageCutter(), []
    for length in lengths:
        if cutter.begins_page("w " * length):
            pages.append([])
        pages[-1].append(length)
    assert [length for page in pages for length in page] == lengths
    assert all(sum(page) <= 1000 for page in pages)
    assert all(sum(page) + following[0] > 1000 for page, following in pairwise(pages))


def test_a_groups_fingerprint_depends_on_its_texts_vectors_and_order_alone(tmp_path):
    def fingerprint(*records):
        with gathered(tmp_path, records) as groups:
            return {group.key: group.content_hash for group in groups}["a"]

    one, two = record("a", "one"), record("a", "two")
    same = fingerprint(one, two)
    assert len(same) == 64
    assert fingerprint(one, record("b", "other"), two) == same
    assert fingerprint(two, one) != same
    assert fingerprint(record("a", "one", vectors=[[1, 0]]), two) != same


def test_pictures_are_drawn_for_encoders_that_look_at_pages(tmp_path):
    fit = PictureFit(Fit.STRETCH, height_px=64, width_px=48)
    with gathered(tmp_path, [record("a", "some text")], by_paragraph=False, picture=fit) as groups:
        (group,) = groups
        (page,) = groups.pages(group)
    assert page.picture.shape == (64, 48, 3)
    assert page.picture.min() < 200, "there is ink"


def test_nothing_is_left_on_the_disk(tmp_path):
    with gathered(tmp_path, [record("a", "one")]):
        pass
    assert not list(tmp_path.iterdir())


def test_a_damaged_first_record_does_not_set_the_length_of_vectors(tmp_path):
    file = json_lines(tmp_path, *({"title": "a", "text": "x", "emb": [1.0] * n} for n in (2, 3, 3)))
    assert vector_dim(file, WITH_VECTORS) == 3


def test_times_become_iso_text_and_decimal_numbers_floats(tmp_path):
    day = datetime.datetime(2024, 5, 31, 12, tzinfo=datetime.UTC)
    columns = {
        "title": pa.array([day.date()]),
        "text": ["x"],
        "when": pa.array([day], pa.timestamp("us", "UTC")),
        "exactly": pa.array([1_000_000_001], pa.timestamp("ns")),
        "cost": pa.array([decimal.Decimal("1.50")]),
    }
    pq.write_table(pa.table(columns), tmp_path / "times.parquet")
    fields = RecordFields("title", "text", metadata=("when", "exactly", "cost"))
    (record,) = read(tmp_path / "times.parquet", fields)
    assert record.metadata == {
        "title": "2024-05-31",
        "when": "2024-05-31T12:00:00+00:00",
        "exactly": "1970-01-01T00:00:01",
        "cost": 1.5,
    }


def test_dates_beyond_the_calendar_of_python_are_missing(tmp_path):
    columns = {
        "title": ["a", "b"],
        "text": ["x", "y"],
        "day": pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32()),
        "time": pa.array([0, 2**62], pa.int64()).cast(pa.timestamp("us")),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    fields = RecordFields("title", "text", metadata=("day", "time"))
    first, second = (record.metadata for record in read(tmp_path / "a.parquet", fields))
    assert first == {"title": "a", "day": "1970-01-01", "time": "1970-01-01T00:00:00"}
    assert second == {"title": "b"}


def test_a_vector_is_no_name_of_a_group(tmp_path):
    columns = {"title": pa.array([[1.0, 2.0]]), "text": ["x"]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (error,) = read_records(tmp_path / "a.parquet", RecordFields("title", "text"), dim=None)
    assert "'title' must be text or a number to group by" in str(error)


def test_categories_are_plain_columns(tmp_path):
    columns = {"kind": pa.array(["a", "b"]).dictionary_encode(), "list": pa.array([[1], [2]])}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert plain_columns(tmp_path / "a.parquet") == ["kind"]


def test_nan_is_no_name_of_a_group(tmp_path):
    assert "NaN" in only_error(json_lines(tmp_path, '{"title": NaN, "text": "x"}'), FIELDS)


def test_a_parquet_column_that_is_there_twice_is_named(tmp_path):
    names = ["title", "text", "text", "note", "note"]
    pq.write_table(pa.table([["a"], ["x"], ["y"], ["1"], ["2"]], names=names), tmp_path / "twice.parquet")
    with pytest.raises(UnreadableDocumentError, match="it has several columns 'text'"):
        read(tmp_path / "twice.parquet")


def test_parquet_with_a_column_twice_that_is_not_read_is_read(tmp_path):
    table = pa.table([["a"], ["x"], ["1"], ["2"]], names=["title", "text", "note", "note"])
    pq.write_table(table, tmp_path / "twice.parquet")
    (record,) = read(tmp_path / "twice.parquet")
    assert record.paragraphs == ("x",)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_columns_that_hold_no_text_where_they_say_so_are_named(kind, tmp_path):
    file = tmp_path / f"records.{kind}"
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xff\xfe")]
    )
    table = pa.table({"title": ["a"], "text": broken})
    if kind == "parquet":
        pq.write_table(table, file)
    else:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(UnreadableDocumentError, match="damaged"):
        read(file)

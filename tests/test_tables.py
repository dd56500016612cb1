"""Tables as spreadsheets and exporters write them."""

import pytest

from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.tables import parse_json_object, read_csv, read_json_lines


def rows(tmp_path, content, **options):
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    return [(row.place, row.values) for row in read_csv(file, ("file",), **options)]


@pytest.mark.parametrize("start", [b"sep=;\r\n", b"\xef\xbb\xbfSEP=;\n"])
def test_the_separator_line_of_excel_is_passed_over_and_lines_are_still_counted(tmp_path, start):
    assert rows(tmp_path, start + b"file;price\r\na.pdf;1,50\r\n", is_strict=True) == [
        ("line 3", {"file": "a.pdf", "price": "1,50"})
    ]


def test_blanks_around_the_names_of_columns_do_not_count(tmp_path):
    assert rows(tmp_path, b" file , year\na.pdf,2020\n") == [("line 2", {"file": "a.pdf", "year": "2020"})]


@pytest.mark.parametrize(("strict", "header"), [(True, b"file,x, file"), (False, b"file,x,x ")])
def test_columns_that_differ_only_in_blanks_are_refused_as_the_same(tmp_path, strict, header):
    with pytest.raises(UnreadableDocumentError, match="it has several columns"):
        rows(tmp_path, header + b"\na.pdf,1,2\n", is_strict=strict)


def test_an_object_with_a_name_twice_is_refused_and_not_cut_to_the_last_value():
    with pytest.raises(InputError, match="it has 'v' more than once"):
        parse_json_object('{"v": 1, "w": {"a": 1}, "v": 2}')


def test_an_array_in_place_of_json_lines_comes_with_the_way_to_convert_it(tmp_path):
    file = tmp_path / "array.jsonl"
    file.write_text('[{"a": 1},\n{"a": 2}]')
    first, _ = read_json_lines(file)
    assert "jq -c '.[]'" in first.values.hint

import pytest

from maxsight.errors import InputError
from maxsight.indexing.metadata import MetadataTable
from maxsight.stores.fields import FieldType


def load(tmp_path, name, content):
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    return MetadataTable.load(file)


def test_csv_columns_get_the_narrowest_type_all_their_cells_fit(tmp_path):
    table = load(
        tmp_path,
        "m.csv",
        "file,year,share,code,draft,note\na.pdf,2020,1.5,0012,true,\nb.pdf,2021,2,7,False,x\n",
    )
    assert table.fields_of("a.pdf") == {"year": 2020, "share": 1.5, "code": "0012", "draft": True}
    assert table.fields_of("b.pdf") == {"year": 2021, "share": 2.0, "code": "7", "draft": False, "note": "x"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_may_be_separated_by_commas_semicolons_or_tabs(tmp_path, separator):
    rows = (("file, as it is called", "file", "year"), ("x", "old/a.pdf", "2020"), ("y", "b,c;d.pdf", "2021"))
    lines = (separator.join(f'"{cell}"' for cell in row) for row in rows)
    table = load(tmp_path, "m.csv", "\n".join(lines))
    assert table.fields_of("old/a.pdf") == {"file, as it is called": "x", "year": 2020}
    assert table.fields_of("b,c;d.pdf") == {"file, as it is called": "y", "year": 2021}


def test_a_name_of_a_column_may_hold_semicolons_or_lines(tmp_path):
    table = load(tmp_path, "m.csv", 'file,description;long;text,"two\nlines"\na.pdf,x;y;z,2020\n')
    assert table.fields_of("a.pdf") == {"description;long;text": "x;y;z", "two\nlines": 2020}


def test_a_bare_name_fits_in_any_folder_and_a_longer_path_wins(tmp_path):
    table = load(tmp_path, "m.jsonl", '{"file": "a.pdf", "year": 1}\n{"file": "new/a.pdf", "year": 2}\n')
    assert table.fields_of("/docs/old/a.pdf") == {"year": 1}
    assert table.fields_of("docs/new/a.pdf") == {"year": 2}
    assert table.fields_of("docs/not-a.pdf") is None
    assert table.unused == []


def test_names_that_fit_no_document_are_told(tmp_path):
    table = load(tmp_path, "m.csv", "file,year\na.pdf,1\nmissing.pdf,2\n")
    table.fields_of("a.pdf")
    assert table.unused == ["missing.pdf"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        (
            "m.jsonl",
            '{"file": "a", "x": 1}\n{"file": "b", "x": "one"}',
            "'x' holds whole number values, got the text 'one'",
        ),
        ("m.jsonl", '{"file": "a", "x": [1]}', "'x': expected text, a number or true/false, got list"),
        ("m.jsonl", '{"year": 1}', "line 1: no file is named"),
        ("m.jsonl", "{", "line 1: not JSON"),
        ("m.jsonl", "[]", "line 1: expected a JSON object, got list"),
        ("m.csv", "file,year\na.pdf,1,2\n", "line 2: 3 cells under 2 column names"),
        ("m.csv", 'file,note\na.pdf,"x\n', "line 2: not CSV: unexpected end of data"),
        ("m.csv", "file,note,note\na.pdf,x,y\n", "it has several columns 'note'"),
        ("m.csv", "year\n1\n", "line 2: no file is named"),
        ("m.csv", 'file,note\na.pdf,"one\ntwo\nthree"\n\n,"no\nname"\n', "line 6: no file is named"),
        ("m.csv", 'file,note\na.pdf,"1\n2"\nb.pdf,x\na.pdf,y\n', "lines 2 and 5: a.pdf has two rows"),
        ("m.jsonl", '{"file": "a"}\n\n{"file": "./a", "x": 1}\n', "lines 1 and 3: a has two rows"),
    ],
)
def test_a_table_that_can_not_be_used_says_why(tmp_path, name, content, complaint):
    with pytest.raises(InputError, match=complaint):
        load(tmp_path, name, content)


def test_a_file_may_be_named_twice_with_the_same_values(tmp_path):
    table = load(tmp_path, "m.csv", "file,year,note\na.pdf,2020,\nb.pdf,2021,x\n.\\a.pdf,2020,\n")
    assert table.fields_of("a.pdf") == {"year": 2020}
    assert table.fields_of("b.pdf") == {"year": 2021, "note": "x"}


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: the metadata can't be read"):
        MetadataTable.load(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("file,note\na.pdf,x\nb.pdf,ä\n".encode("cp1252"), r"m\.csv, line 3: it is not UTF-8"),
        ("file,note\na.pdf,x\n".encode("utf-16"), r"m\.csv: the metadata can't be read: it is UTF-16"),
    ],
)
def test_a_table_in_another_encoding_is_refused(tmp_path, content, complaint):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError, match=complaint) as refused:
        MetadataTable.load(tmp_path / "m.csv")
    assert refused.value.exit_code == 2 and "UTF-8" in refused.value.hint


def test_a_row_may_lack_its_last_cells(tmp_path):
    table = load(tmp_path, "m.csv", "\ufefffile,year,note\na.pdf,2020\n")
    assert table.fields_of("a.pdf") == {"year": 2020}


def test_whole_numbers_become_floats_where_another_document_has_a_fraction():
    table = MetadataTable({"a.pdf": {"share": 1}, "b.pdf": {"share": 2.5}})
    share = table.fields_of("a.pdf")["share"]
    assert (share, type(share)) == (1.0, float)


def test_a_type_the_library_does_not_hold_is_refused_before_any_work():
    with pytest.raises(InputError, match="'year' holds text values, got the whole number 2020"):
        MetadataTable({"a.pdf": {"year": 2020}}).check_against({"year": FieldType.TEXT})


def test_blanks_around_names_and_cells_of_a_table_do_not_count(tmp_path):
    table = load(tmp_path, "m.csv", "file, year, kind\na.txt, 2020, report \nb.txt,2021, \n")
    assert table.fields_of("a.txt") == {"year": 2020, "kind": "report"}
    assert table.fields_of("b.txt") == {"year": 2021}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "m.jsonl",
            '{"file": "a", "v": 1}\n\n{"file": "b", "v": NaN}\n',
            "line 3: .*'v': nan is not a finite",
        ),
        ("m.jsonl", '{"file": "a", "v": 1}\n{"file": "b", "v": "x"}\n', "line 2: .*whole number values.*'x'"),
        ("m.jsonl", '{"file": "a"}\n{"file": "b", "v": ["x"]}\n', "line 2: .*got list"),
        ("m.csv", "file,page_number\na.pdf,3\n", "line 2: .*'page_number' has the name"),
    ],
)
def test_a_value_that_can_not_be_stored_is_named_with_its_line(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        load(tmp_path, name, content)


def test_letters_with_accents_are_the_same_however_they_are_written(tmp_path):
    composed, decomposed = "Z\u00fcrich", "Zu\u0308rich"
    table = load(tmp_path, "m.jsonl", f'{{"file": "{decomposed}.pdf", "{decomposed}": "{decomposed}"}}\n')
    assert table.fields_of(f"docs/{composed}.pdf") == {composed: composed}
    assert load(tmp_path, "n.csv", f"file,a\n{composed}.pdf,1\n").fields_of(f"{decomposed}.pdf") == {"a": 1}

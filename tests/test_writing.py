"""Files that a user names to be written."""

from pathlib import Path

import pytest

from maxsight.errors import InputError
from maxsight.writing import check_suffix, moved_when_whole, named_errors


@pytest.mark.parametrize(
    ("suffixes", "names"), [((".png",), ".png"), ((".csv", ".json", ".parquet"), ".csv, .json or .parquet")]
)
def test_a_name_of_another_kind_is_refused_with_the_suffixes_that_fit(suffixes, names):
    check_suffix(Path("a" + suffixes[-1].upper()), suffixes, "a picture is")
    with pytest.raises(InputError) as refused:
        check_suffix(Path("a.txt"), suffixes, "a picture is", or_else=", or name a folder")
    assert str(refused.value) == f"a picture is written to {', '.join(suffixes)}, so a.txt can't be its name"
    assert refused.value.hint == f"Let it end in {names}, or name a folder."


def test_a_file_that_can_not_be_written_is_named(tmp_path):
    with (
        pytest.raises(InputError, match=r"nowhere.a can't be written: No such file"),
        named_errors(tmp_path / "nowhere/a"),
    ):
        (tmp_path / "nowhere" / "a").write_text("x")


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    file = tmp_path / "a"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), moved_when_whole(file) as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError
    assert (file.read_text(), list(tmp_path.iterdir())) == ("old", [file])
    with moved_when_whole(file) as unfinished:
        unfinished.write_text("new")
    assert (file.read_text(), list(tmp_path.iterdir())) == ("new", [file])

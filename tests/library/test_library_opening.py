"""Where libraries lie, what their documents are named relative to, and what is left of one that holds nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from maxsight import Library
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import InputError, LibraryNotFoundError, MaxSightError
from maxsight.identity import document_path, source_file
from maxsight.library.opening import find_place, home_of
from maxsight.stores.addresses import MilvusAddress
from store_pages import MANIFEST

SERVER = MilvusAddress("http://host:19530")


def test_the_environment_names_the_library_and_its_token_unless_arguments_do(monkeypatch):
    monkeypatch.setenv("MAXSIGHT_LIBRARY", "http://host:19530/db")
    monkeypatch.setenv("MAXSIGHT_TOKEN", "from:environment")
    assert find_place(None) == MilvusAddress("http://host:19530", database="db", token="from:environment")
    assert find_place(None, "given").token == "given"
    assert find_place(SERVER, "given") == replace(SERVER, token="given")
    assert find_place("papers.library") == Path("papers.library")
    monkeypatch.delenv("MAXSIGHT_LIBRARY")
    assert find_place(None) == Path("maxsight.library")


def test_documents_are_named_relative_to_the_folder_that_holds_the_library(tmp_path):
    assert home_of(tmp_path / "a" / "b.library", MANIFEST) == tmp_path / "a"
    assert home_of(MilvusAddress(str(tmp_path / "a" / "b.db")), MANIFEST) == tmp_path / "a"


def test_on_a_server_documents_are_named_absolutely_unless_it_was_made_with_a_root(tmp_path):
    assert home_of(SERVER, MANIFEST) is None
    assert home_of(SERVER, replace(MANIFEST, root="/data")) == Path("/data")
    assert document_path(tmp_path / "x.pdf", None) == (tmp_path / "x.pdf").as_posix()
    assert source_file((tmp_path / "x.pdf").as_posix(), None) == tmp_path / "x.pdf"


def test_an_address_may_say_where_the_root_is_here():
    mounted = replace(SERVER, root=Path("/mnt/data"))
    assert home_of(mounted, replace(MANIFEST, root="/data")) == Path("/mnt/data")
    with pytest.raises(InputError, match="absolute paths, so it has no root"):
        home_of(mounted, MANIFEST)


def test_names_that_were_absolute_on_a_server_stay_so_in_a_folder(tmp_path):
    """Else indexing a file below that folder again would make a second document of it."""
    assert home_of(tmp_path / "b.library", replace(MANIFEST, root="")) is None


# A library that is made on the way -----------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"%PDF-1.4 broken"])
def test_where_no_page_was_found_no_library_is_left(tmp_path, content):
    """So that the next command may choose another encoder."""
    (tmp_path / "docs").mkdir()
    if content:
        (tmp_path / "docs" / "broken.pdf").write_bytes(content)
    with Library.open(tmp_path / "new.library", encoder="fake", create=True) as library:
        assert library.index(tmp_path / "docs").pages == 0
    assert not (tmp_path / "new.library").exists()
    with pytest.raises(LibraryNotFoundError):
        Library.open(tmp_path / "new.library")


def test_other_files_in_its_folder_stay(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "new.library").mkdir()
    with Library.open(tmp_path / "new.library", encoder="fake", create=True) as library:
        (tmp_path / "new.library" / "notes.txt").write_text("mine")
        library.index(tmp_path / "docs")
    assert [entry.name for entry in (tmp_path / "new.library").iterdir()] == ["notes.txt"]


def test_after_a_wrong_folder_the_right_one_may_follow(tmp_path):
    for name in ("wrong", "right"):
        (tmp_path / name).mkdir()
    (tmp_path / "right" / "apples.txt").write_text("Red apples")
    with Library.open(tmp_path / "new.library", encoder="fake", create=True) as library:
        library.index(tmp_path / "wrong")
        library.index(tmp_path / "right")
    with Library.open(tmp_path / "new.library") as library:
        assert library.status().pages == 1


def test_a_library_that_was_there_stays_however_empty(tmp_path):
    (tmp_path / "docs").mkdir()
    with Library.create(tmp_path / "new.library", encoder="fake") as library:
        library.index(tmp_path / "docs")
    with Library.open(tmp_path / "new.library", create=True) as library:
        library.index(tmp_path / "docs")
    assert Library.exists(tmp_path / "new.library")


def test_a_missing_path_leaves_no_library(tmp_path):
    with (
        Library.open(tmp_path / "new.library", encoder="fake", create=True) as library,
        pytest.raises(InputError, match="no file or folder"),
    ):
        library.index(tmp_path / "nowhere")
    assert not (tmp_path / "new.library").exists()


# An encoder that has moved --------------------------------------------------------------------------------


class Checkpoint(FakeEncoder):
    """The fake encoder as a checkpoint in a folder."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    @property
    def space(self):
        return replace(super().space, encoder=str(self.folder))


def test_the_new_folder_of_a_checkpoint_is_given_once(tmp_path):
    before, now = tmp_path / "before", tmp_path / "now"
    before.mkdir()
    (tmp_path / "apples.txt").write_text("Red apples")
    with Library.create(tmp_path / "test.library", encoder=Checkpoint(before)) as library:
        library.index(tmp_path / "apples.txt")
    before.rename(now)
    with Library.open(tmp_path / "test.library", encoder=Checkpoint(now), read_only=True) as library:
        library.search("apples")
        assert library.space.encoder == str(before)  # searching writes nothing
    with Library.open(tmp_path / "test.library", encoder=Checkpoint(now)) as library:
        library.index(tmp_path / "apples.txt")
    with Library.open(tmp_path / "test.library") as library:
        assert library.space.encoder == str(now)


def test_a_checkpoint_that_is_still_there_stays_the_librarys_own(tmp_path):
    own, copy = tmp_path / "own", tmp_path / "copy"
    own.mkdir()
    copy.mkdir()
    with Library.create(tmp_path / "test.library", encoder=Checkpoint(own)):
        pass
    with Library.open(tmp_path / "test.library", encoder=Checkpoint(copy)) as library:
        library.index([])
        assert library.space.encoder == str(own)


def test_a_wrong_search_device_leaves_no_library_behind(tmp_path):
    with pytest.raises(MaxSightError):
        Library.open(tmp_path / "new.library", encoder="fake", create=True, search_device="wrong")
    assert list(tmp_path.iterdir()) == []

"""A library that is copied between a folder and Milvus finds the same pages and knows its documents.

On Milvus Lite, a real 2.3.5 server, and a stub that has embedding lists.
"""

from dataclasses import replace
from traceback import format_exception
from uuid import uuid4

import pytest

pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")

from click.testing import CliRunner

from maxsight import Library
from maxsight.cli import main
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import InputError, LibraryNotFoundError, StoreUnavailableError
from maxsight.indexing.metadata import MetadataTable
from maxsight.stores.addresses import MilvusAddress

TEXTS = {
    "apples.txt": "Red apples fall from the tree in autumn.\n\nThe orchard sells cider.",
    "bridges.txt": "A suspension bridge hangs its deck from cables.\n\nEngineers measure the load.",
    "cities.md": "The city council met about the tram.",
    "copy.md": "The city council met about the tram.",
}
QUERIES = ["orchard cider", "cables of a bridge", "the tram"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with documents and their library."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / "docs" / name).write_text(text)
    fields = MetadataTable(
        {"apples.txt": {"year": 2019, "rate": 0.5}, "cities.md": {"year": 2021, "draft": True}}
    )
    with Library.create(folder / "first.library", encoder="fake") as library:
        library.index(folder / "docs", metadata=fields)
        (hit,) = library.search(QUERIES[0], top_k=1)
        library.store.set_page_fields({hit.page_id: {"predicted_cer": 0.25, "quality_note": "pale"}})
    return folder


@pytest.fixture
def library(project):
    with Library.open(project / "first.library") as library:
        yield library


@pytest.fixture
def lite(tmp_path):
    """A place in a Milvus Lite database that is not there yet."""
    return MilvusAddress(str(tmp_path / "elsewhere" / "papers.db"))


@pytest.fixture(scope="module", params=["lite", "server", "stub"])
def copied(request, project, tmp_path_factory):
    """The address and the report of a copy. It is made once, as a server takes seconds for a library."""
    if request.param == "lite":
        address = MilvusAddress(str(tmp_path_factory.mktemp("lite") / "papers.db"))
    else:
        address = request.getfixturevalue(f"milvus_{request.param}").address(f"copy_{uuid4().hex[:8]}")
    with Library.open(project / "first.library") as library:
        return address, library.copy(address)


def found(library):
    return [
        [(hit.path, hit.page_number, hit.snippet, hit.metadata) for hit in hits]
        for hits in library.search_many(QUERIES)
    ]


def only_scored(library, **options):
    """The hits without what a word to the letter adds: servers before 2.5 can't look words up."""
    return [replace(hit, boosts=()) for hit in library.search("the", **options)]


def scores(library):
    return [hit.score for hits in library.search_many(QUERIES) for hit in hits]


def test_a_copy_and_a_copy_back_find_the_same_pages_with_the_same_scores(library, copied, tmp_path):
    elsewhere, there = copied
    with Library.open(elsewhere) as moved:
        assert found(moved) == found(library)
        assert scores(moved) == pytest.approx(scores(library), abs=1e-4)
        assert only_scored(moved, where="year < 2020") == only_scored(library, where="year < 2020")
        back = moved.copy(tmp_path / "back.library")
    assert there.checksum == back.checksum
    with Library.open(tmp_path / "back.library") as returned:
        assert found(returned) == found(library)
        assert scores(returned) == scores(library)


def test_a_copy_knows_its_documents_and_needs_no_new_indexing(library, project, copied):
    """Its documents are unchanged to ``index``, and their files are found."""
    with Library.open(copied[0]) as moved:
        assert moved.home == project
        report = moved.index(project / "docs")
        assert (report.skipped, report.indexed, report.not_indexed) == (len(TEXTS), (), ())
        explanation = moved.explain("orchard cider", "docs/apples.txt", 1)
        assert explanation.score == pytest.approx(
            library.explain("orchard cider", "apples.txt", 1).score, abs=1e-4
        )
        assert moved.draw(explanation).width > 0


def test_copying_again_writes_only_what_is_missing(library, copied):
    elsewhere, first = copied
    with Library.open(elsewhere) as moved:
        assert moved.remove(["apples.txt"]) == ["docs/apples.txt"]
        assert moved.status().documents == len(TEXTS) - 1
    again = library.copy(elsewhere)
    assert (again.written, again.unchanged, again.checksum) == (1, len(TEXTS) - 1, first.checksum)


def test_a_new_library_names_its_server_and_refuses_the_maintenance_of_folders(project, lite):
    with Library.open(lite, encoder="fake", create=True) as made:
        report = made.index(project / "docs" / "apples.txt")
        assert any("layout rows" in notice for notice in report.notices)
        status = made.status()
        assert (status.pages, status.size_bytes) == (1, None)
        assert "layout rows" in status.store
        assert made.damage == []
        with pytest.raises(InputError, match="no folder of its own"):
            _ = made.path
        for refused in (made.verify, made.compact, lambda: made.backup("x")):
            with pytest.raises(InputError, match="only a library in a folder") as caught:
                refused()
            assert "maxsight copy" in caught.value.hint


@pytest.mark.parametrize("kind", ["lite", "stub"])
def test_a_library_is_removed_if_it_found_nothing_to_index(request, kind, lite, tmp_path):
    (tmp_path / "nothing").mkdir()
    elsewhere = lite if kind == "lite" else request.getfixturevalue("milvus_stub").address("nothing")
    with Library.open(elsewhere, encoder="fake", create=True) as library:
        assert library.index(tmp_path / "nothing").pages == 0
    assert not Library.exists(elsewhere)
    with pytest.raises(LibraryNotFoundError):
        Library.open(elsewhere)


class Checkpoint(FakeEncoder):
    """The fake encoder as a checkpoint in a folder."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    @property
    def space(self):
        return replace(super().space, encoder=str(self.folder))


def test_the_new_folder_of_a_moved_checkpoint_is_stored(project, lite, tmp_path):
    now = tmp_path / "now"
    now.mkdir()
    with Library.create(lite, encoder=Checkpoint(tmp_path / "before")) as library:
        library.index(project / "docs" / "apples.txt")
    with Library.open(lite, encoder=Checkpoint(now)) as library:
        library.index(project / "docs" / "apples.txt")
    with Library.open(lite) as library:
        assert library.space.encoder == str(now)


# Names on a server ----------------------------------------------------------------------------------------


def test_a_root_names_documents_on_a_server_and_may_be_another_folder_on_another_machine(
    milvus_stub, project, tmp_path
):
    address = milvus_stub.address(f"names_{uuid4().hex[:8]}", root=project)
    with Library.open(address, encoder="fake", create=True) as library:
        library.index(project / "docs")
    mounted = tmp_path / "mounted"
    mounted.symlink_to(project)
    with Library.open(replace(address, root=mounted)) as library:
        assert library.home == mounted
        assert library.index(mounted / "docs").skipped == len(TEXTS)
        assert "docs/apples.txt" in [entry.document.path for entry in library.documents()]
    with Library.open(replace(address, root=None)) as library:
        assert library.home == project


def test_without_a_root_documents_are_named_by_their_whole_paths_also_in_a_copy(milvus_stub, project):
    address = milvus_stub.address(f"names_{uuid4().hex[:8]}")
    with Library.open(address, encoder="fake", create=True) as library:
        library.index(project / "docs")
        assert str(project / "docs" / "apples.txt") in [entry.document.path for entry in library.documents()]
        assert library.search("cider")[0].file == "apples.txt"
        library.copy(project / "absolute.library")
        with pytest.raises(InputError, match="so it has no root"):
            library.copy(project / "other.library", root=project)
    with Library.open(project / "absolute.library") as library:
        assert library.index(project / "docs").skipped == len(TEXTS)


# On the command line --------------------------------------------------------------------------------------


def test_the_environment_names_a_library_on_a_server_and_opens_it(milvus_stub, project, monkeypatch):
    """The same commands as on a folder, and not a line of them changed."""
    name = f"shell_{uuid4().hex[:8]}"
    monkeypatch.chdir(project)
    monkeypatch.setenv("MAXSIGHT_LIBRARY", f"{milvus_stub.uri}?collection={name}")
    monkeypatch.setenv("MAXSIGHT_TOKEN", "root:Milvus")
    made = CliRunner().invoke(main, ["index", "docs", "--encoder", "fake"])
    assert made.exit_code == 0 and "4 documents indexed" in made.stdout, made.output
    searched = CliRunner().invoke(main, ["search", "orchard cider", "-k", "1"])
    assert "apples.txt  page 1  score 2.00" in searched.stdout, searched.output
    status = CliRunner().invoke(main, ["status"])
    assert f"library    {milvus_stub.uri}?collection={name}" in status.stdout
    assert "Milvus:" not in made.output + searched.output + status.output  # nor the token


def test_a_wrong_token_is_refused_and_not_repeated(milvus_server):
    secret = uuid4().hex
    result = CliRunner().invoke(main, ["status", "-l", milvus_server.uri, "--token", f"root:{secret}"])
    assert result.exit_code == 5 and "token" in result.stderr
    assert secret not in result.output
    with pytest.raises(StoreUnavailableError) as caught:
        Library.open(milvus_server.uri, token=f"root:{secret}")
    assert secret not in "".join(format_exception(caught.value))

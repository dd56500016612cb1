"""The commands with a checkpoint that looks at pages: tiny, of the real classes, and of random weights."""

import json
import shutil

import pytest
from click.testing import CliRunner
from PIL import Image

from maxsight.cli import main
from pdf_files import write_pdf

torch = pytest.importorskip("torch", reason="the extra 'colpali' is not installed")


def call(*arguments, code=0):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def made_once(tmp_path_factory, tiny_checkpoint):
    """A PDF, a picture and a text, indexed by a checkpoint in a folder beside them that is named relatively."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(tiny_checkpoint("colpali"), folder / "model")
    (folder / "docs").mkdir()
    write_pdf(
        folder / "docs" / "report.pdf", [[(72, 100, "Net sales rose by four percent.")], [(72, 400, "End.")]]
    )
    Image.new("RGB", (300, 200), "white").save(folder / "docs" / "blank.png")
    (folder / "docs" / "note.txt").write_text("The orchard sells cider.")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        call("index", "docs", "--encoder", "model", "--device", "cpu", "--batch-size", "2")
    return folder


@pytest.fixture
def indexed(tmp_path, monkeypatch, made_once):
    """Its library in another folder: nothing of it may be changed for the next test."""
    shutil.copytree(made_once / "maxsight.library", tmp_path / "maxsight.library")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_status_names_the_checkpoint_by_its_whole_path(indexed, made_once):
    status = json.loads(call("status", "--json").stdout)
    assert status["space"]["encoder"] == str(made_once / "model")
    assert (status["space"]["dim"], status["documents"], status["pages"]) == (128, 3, 4)
    assert status["vectors"] == 4 * 1030


def test_a_search_uses_the_librarys_own_encoder(indexed):
    hits = json.loads(call("search", "net sales", "--device", "cpu", "--json").stdout)
    assert len(hits) == 4
    assert [match["word"] for match in hits[0]["matches"]] == ["net", "sales"]
    blank = next(hit for hit in hits if hit["file"] == "blank.png")
    assert blank["snippet"] == "" and all(match["region"]["box"] for match in blank["matches"])


def test_the_device_can_be_named_by_the_environment(indexed, monkeypatch):
    monkeypatch.setenv("MAXSIGHT_DEVICE", "cuda:99")
    assert "cuda:99" in call("search", "net sales", code=4).stderr
    call("search", "net sales", "--device", "cpu")


def test_explain_says_how_much_came_from_no_word_and_from_no_place(made_once, monkeypatch):
    monkeypatch.chdir(made_once)
    result = call("explain", "net sales", "report.pdf", "1", "--out", "heat.png")
    assert "from query tokens that belong to no word" in result.stderr
    with Image.open("heat.png") as picture:
        assert picture.width > 520 and picture.height >= 700
    explained = json.loads(call("explain", "net sales", "report.pdf", "1", "--json").stdout)
    for shares in ("regions", "tokens"):
        assert sum(share["score"] for share in explained[shares]) == explained["score"]
    assert any("belong to no word" in note for note in explained["notes"])
    assert {token["word"] for token in explained["tokens"]} == {"net", "sales", None}


def test_another_encoder_is_refused_with_both_spaces_named(indexed, tiny_checkpoint):
    told = call("index", ".", "--encoder", "minilm", code=5).stderr
    assert "native queries), not with minilm (revision" in told
    other = str(tiny_checkpoint("colqwen2"))
    told = call("index", ".", "--encoder", other, code=5).stderr
    assert "model (revision" in told and f"not with {other} (revision" in told
    (indexed / "empty").mkdir()
    told = call("search", "x", "--encoder", "./empty", code=5).stderr
    assert "not with ./empty, which can't be loaded here" in told
    told = call("search", "x", "--encoder", "nonsense", code=4).stderr
    assert "no encoder is called 'nonsense'" in told


def test_a_checkpoint_that_has_moved_is_found_by_its_new_folder(indexed, made_once):
    moved = made_once.rename(made_once.with_name("moved"))
    try:
        told = call("search", "net sales", code=4).stderr
        assert "there is no such folder any more" in told and "--encoder" in told
        new = str(moved / "model")
        assert json.loads(call("search", "net sales", "--encoder", new, "--json").stdout)
        call("index", str(moved / "docs"), "--encoder", new)
        call("search", "net sales")  # the library knows now
    finally:
        moved.rename(made_once)


def test_a_pool_factor_is_stored_with_the_library(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text(" ".join(f"word{number}" for number in range(30)))
    call("index", "note.txt", "--encoder", "fake", "--pool-factor", "3")
    assert "vectors    10 (pool factor 3)" in call("status").stdout
    call("index", "note.txt", "--again")
    assert json.loads(call("status", "--json").stdout)["vectors"] == 10
    told = call("index", "note.txt", "--pool-factor", "2", code=2).stderr
    assert "made with pool factor 3, not 2" in told

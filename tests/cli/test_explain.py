"""``maxsight explain`` to a folder: pictures of every token, and shares that sum to the score."""

import copy
import json
import pickle
from dataclasses import asdict

import pytest
from click.testing import CliRunner
from PIL import Image

from maxsight import Library
from maxsight.cli import main
from maxsight.errors import InputError
from maxsight.heatmaps.overlay import CAPTION_PX
from maxsight.results import Hit

NOTE = "Red apples fall from the tree in autumn.\n\nThe orchard sells cider."


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "apples.txt").write_text(NOTE)
    with Library.create("test.library", encoder="fake") as library:
        library.index("apples.txt")
        yield library


def explain(*arguments, code=0):
    result = CliRunner().invoke(main, ["explain", "orchard cider", *arguments, "--library", "test.library"])
    assert result.exit_code == code, result.output
    return result


def test_a_folder_gets_the_page_a_picture_for_each_token_and_the_attribution(library, tmp_path):
    explain("apples.txt", "1", "--out", "why")
    made = {path.name for path in (tmp_path / "why").iterdir()}
    assert made == {"heatmap.png", "token-01-orchard.png", "token-02-cider.png", "attribution.json"}
    orchard, cider = (Image.open(tmp_path / "why" / f"token-0{n}.png") for n in ("1-orchard", "2-cider"))
    assert orchard.size == cider.size and orchard.tobytes() != cider.tobytes()


def test_the_attribution_as_json_sums_to_the_score_exactly_and_has_the_notes(library, tmp_path):
    explained = json.loads(explain("apples.txt", "1", "--json", "--out", "why").stdout)
    for shares in ("tokens", "regions"):
        assert sum(share["score"] for share in explained[shares]) == explained["score"]
    assert [(token["word"], token["match"]) for token in explained["tokens"]] == [
        ("orchard", 0),
        ("cider", 1),
    ]
    assert explained["notes"] == []
    assert json.loads((tmp_path / "why" / "attribution.json").read_text("utf-8")) == explained


def test_a_word_whose_tokens_found_several_places_lists_each_with_its_own(tmp_path, monkeypatch):
    """ "tree-autumn" is one word of two pieces; the pictures are named by them, and their shares sum to the word's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "apples.txt").write_text(NOTE)
    arguments = ["apples.txt", "1", "--library", "minilm.library"]
    with Library.create("minilm.library") as library:
        library.index("apples.txt")
    result = CliRunner().invoke(main, ["explain", "tree-autumn from", *arguments, "--out", "why"])
    heading, word, *tokens, common = [line.split() for line in result.stdout.splitlines()[1:]]
    assert heading == ["stands", "out", "score", "word", "matched"]
    assert word[2] == "tree-autumn"
    assert [token[1:] for token in tokens] == [["tree", "tree"], ["autumn", "autumn"]]
    assert sum(float(token[0]) for token in tokens) == pytest.approx(float(word[1]), abs=0.002)
    assert common[1:] == ["common", "words:", "from"]
    assert {path.stem for path in (tmp_path / "why").glob("token-*.png")} == {
        "token-01-tree", "token-02-autumn", "token-03-from"
    }  # fmt: skip


def test_a_tokens_picture_says_above_the_page_which_token_it_is(library, tmp_path):
    explain("apples.txt", "1", "--out", "why")
    with (
        Image.open(tmp_path / "why" / "token-01-orchard.png") as orchard,
        Image.open(tmp_path / "why" / "token-02-cider.png") as cider,
    ):
        captions = [picture.crop((0, 0, picture.width, CAPTION_PX)) for picture in (orchard, cider)]
    assert captions[0].tobytes() != captions[1].tobytes()
    assert all(caption.getextrema() != ((255, 255),) * 3 for caption in captions)


def test_letters_that_no_font_has_are_named(library, monkeypatch):
    arguments = ("apples.txt", "1", "--out", "heat.png")
    assert "font" not in explain(*arguments).stderr
    monkeypatch.setattr("maxsight.lettering._font_with", lambda letter: None)
    monkeypatch.setattr("maxsight.lettering._has", lambda file, letter: letter != "c")
    assert "no font here has c: boxes are drawn" in explain(*arguments).stderr


def test_a_folder_that_can_not_be_made_is_one_clear_error(library, tmp_path):
    (tmp_path / "taken").write_text("")
    result = explain("apples.txt", "1", "--out", "taken/why", code=2)
    assert "taken/why can't be written" in result.stderr


def test_a_hit_draws_itself_and_a_notebook_shows_it(library):
    hit = library.search("orchard cider")[0]
    assert hit.heatmap().size == library.draw(library.explain("orchard cider", "apples.txt", 1)).size
    assert hit._repr_png_().startswith(b"\x89PNG")


def test_a_hit_is_a_value_that_can_be_copied_pickled_and_written_as_json(library):
    hit = library.search("orchard cider")[0]
    assert pickle.loads(pickle.dumps(hit)) == copy.deepcopy(hit) == hit
    assert json.loads(json.dumps(asdict(hit)))["page_id"] == hit.page_id
    assert "_draw" not in repr(hit)


def test_a_hit_without_a_library_says_so_and_is_shown_as_text():
    hit = Hit(1, 1.0, "0" * 32, "1" * 32, "a.pdf", "a.pdf", 1, "", ())
    with pytest.raises(InputError, match="no library"):
        hit.heatmap()
    assert hit._repr_png_() is None


def test_a_page_that_is_no_number_is_named(library):
    result = CliRunner().invoke(main, ["explain", "cider", "apples.txt", "six", "--library", "test.library"])
    assert result.exit_code == 2
    assert "Invalid value for 'PAGE': 'six' is not a valid page number." in result.stderr

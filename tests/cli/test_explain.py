"""``maxsight explain`` to a folder: pictures of every token, and shares that sum to the score for whoever adds them."""

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
from maxsight.types import Hit

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

"""``--encoder auto``: minilm for English, multilingual for other languages."""

import json

import pytest
from click.testing import CliRunner

from maxsight.cli import main
from maxsight.encoders import load_encoder
from maxsight.errors import InputError
from maxsight.library.choosing import choose_encoder

ENGLISH = "Net sales rose by four percent over the year, because demand in Europe came back."
KOREAN = "방문자는 안내 데스크에서 출입증을 받아야 합니다."


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/sales.txt").write_text(ENGLISH)
    return tmp_path / "docs"


def test_english_documents_get_minilm(folder):
    (folder / "table.txt").write_text("1,234.5 1,184.7")
    chosen = choose_encoder(folder)
    assert (chosen.name, chosen.reason) == ("minilm", "1 pages of 2 files are in English")


def test_a_document_in_another_language_gets_multilingual_which_is_named(folder):
    (folder / "visit.txt").write_text(KOREAN, encoding="utf-8")
    chosen = choose_encoder([folder])
    assert (chosen.name, chosen.reason) == ("multilingual", "of 2 pages of 2 files, 1 are in ko")
    assert choose_encoder(folder, exclude=["visit*"]).name == "minilm"


def test_without_text_minilm_is_chosen_and_the_reason_told(tmp_path):
    assert choose_encoder(tmp_path).name == "minilm"
    assert choose_encoder(tmp_path).reason == "no text was found in 0 files that tells a language"


def test_auto_without_documents_is_refused():
    with pytest.raises(InputError, match="none are named"):
        load_encoder("auto")


def test_index_says_which_encoder_it_chose_and_stores_each_pages_language(folder):
    pytest.importorskip(
        "maxsight_multilingual", reason="the extra 'multilingual' is not installed: make multilingual"
    )
    (folder / "visit.txt").write_text(KOREAN, encoding="utf-8")
    library = str(folder.parent / "l.library")
    run = CliRunner().invoke
    first, again = (
        run(main, ["index", str(folder), "--library", library, "--encoder", "auto"]) for _ in range(2)
    )
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert "encoder multilingual: of 2 pages of 2 files, 1 are in ko" in first.stderr
    assert "encoder" not in again.stderr, "a library that exists has its encoder"
    listed = run(main, ["list", "-l", library]).stdout
    assert "visit.txt  1 page (ko)" in listed and "sales.txt  1 page (en)" in listed
    assert [
        entry["languages"] for entry in json.loads(run(main, ["list", "-l", library, "--json"]).stdout)
    ] == [
        {"en": 1},
        {"ko": 1},
    ]
    found = run(main, ["search", "badge", "-l", library, "--filter", "page_language = 'ko'", "--json"])
    hits = json.loads(found.stdout)
    assert [hit["file"] for hit in (hits if isinstance(hits, list) else hits["hits"])] == ["visit.txt"]

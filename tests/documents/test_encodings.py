"""Text files in the encodings that programs really write."""

import unicodedata

import pytest

from maxsight.documents.base import ReadSettings
from maxsight.documents.encodings import find_encoding
from maxsight.documents.text import PlainTextSource

TEXTS = {
    "ru": "Весной пастухи ведут стадо на высокие луга, а осенью спускаются в долину.",  # noqa: RUF001
    "el": "Την άνοιξη οι βοσκοί πάνε το κοπάδι στα ψηλά λιβάδια.",  # noqa: RUF001
    "zh": "春天牧人把羊群赶上高山草地。秋天再回到山谷。",
    "ja": "春になると羊飼いは群れを高い牧草地へ連れて行きます。",
    "ko": "봄이 되면 목동은 양 떼를 높은 풀밭으로 이끕니다.",
    "de": "Im Frühjahr führen die Hirten ihre Schafe auf die hohen Wiesen, außer bei Nässe.",
    "es": "En primavera los pastores llevan el rebaño a los prados más altos, mañana también.",
    "pl": "Wiosną pasterze prowadzą stado na wysokie łąki, a jesienią schodzą w dolinę.",
    "en": "The shepherd\u2019s \u201cspring\u201d road\u2014long and steep\u2014costs 5\u20ac a day.",
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(("ru", name) for name in ("cp1251", "koi8_r", "cp866", "utf-16-le", "utf-16-be")),
        *(("el", name) for name in ("cp1253", "iso8859_7")),
        *(("zh", name) for name in ("gb18030", "utf-16-le")),
        *(("ja", name) for name in ("cp932", "euc_jp")),
        ("ko", "euc_kr"),
        *(("de", name) for name in ("cp1252", "latin-1", "mac_roman", "cp437", "cp850", "utf-16-be")),
        *(("es", name) for name in ("cp1252", "mac_roman", "cp437")),
        ("pl", "cp1250"),
        ("en", "cp1252"),
        ("en", "utf-16-le"),
    ],
)
def test_a_text_without_a_mark_is_read_in_its_encoding(language, encoding, tmp_path):
    text = TEXTS[language]
    (tmp_path / "a.txt").write_bytes((text + "\n").encode(encoding))
    page = PlainTextSource(tmp_path / "a.txt", ReadSettings()).read_page(0)
    assert page.text == text
    is_noted = not encoding.startswith("utf")
    assert bool(page.unread) == is_noted
    if is_noted:
        assert page.unread[0].startswith("the text is not UTF-8 and was read as ")


def test_one_bad_byte_costs_one_character(tmp_path):
    (tmp_path / "a.txt").write_bytes((TEXTS["de"] * 5).encode() + b" Ein \xff Byte")
    page = PlainTextSource(tmp_path / "a.txt", ReadSettings()).read_page(0)
    assert page.text == TEXTS["de"] * 5 + " Ein \ufffd Byte"


def test_the_breaks_of_slides_and_old_programs_stand_between_words(tmp_path):
    (tmp_path / "a.txt").write_text(
        "harbour\x0bmaster\x85signals\x0cflags\x1fwaving\u2028high", encoding="utf-8"
    )
    page = PlainTextSource(tmp_path / "a.txt", ReadSettings()).read_page(0)
    words = [page.text[start:end] for start, end in page.words.spans]
    assert words == ["harbour", "master", "signals", "flags", "waving", "high"]


def test_text_is_stored_in_composed_letters(tmp_path):
    (tmp_path / "a.txt").write_text(unicodedata.normalize("NFD", TEXTS["de"]), encoding="utf-8")
    assert PlainTextSource(tmp_path / "a.txt", ReadSettings()).read_page(0).text == TEXTS["de"]


def test_an_empty_text_has_an_encoding():
    assert find_encoding(b"") == "utf-8"

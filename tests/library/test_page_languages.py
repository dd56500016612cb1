"""A library of several languages: every word of it is found, marked and shown by itself."""

import pytest

from maxsight import Library

pytest.importorskip(
    "maxsight_multilingual", reason="the extra 'multilingual' is not installed: make multilingual"
)

TEXTS = {
    "noise.txt": "室外機の騒音について。\n\n大きな騒音が聞こえるときは、圧縮機のボルトを確認してください。",
    "visit.txt": "방문자는 안내 데스크에서 출입증을 받아야 합니다. 문서를 복사하려면 허가가 필요합니다.",
    "battery.txt": "请勿将锂电池投入火中。电池应在室温下充电。",
    "pharmacy.txt": "يجب حفظ الأدوية في مكان بارد وجاف.",
    "turbine.txt": "The turbine stops by itself in a storm.",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("languages")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with Library.open(folder / "l.library", encoder="multilingual", create=True) as opened:
        opened.index(folder)
        yield opened


@pytest.mark.parametrize(
    ("question", "file", "matched"),
    [
        ("騒音の原因は何ですか", "noise.txt", {"騒音": "騒音"}),
        ("圧縮機のボルト", "noise.txt", {"圧縮": "圧縮", "ボルト": "ボルト"}),
        ("문서를 복사", "visit.txt", {"문서를": "문서를", "복사": "복사하려면"}),
        ("锂电池充电", "battery.txt", {"充电": "充电"}),
        ("أين تحفظ الأدوية؟", "pharmacy.txt", {"الأدوية": "الأدوية"}),
        ("turbine in a storm", "turbine.txt", {"storm": "storm"}),
    ],
)
def test_a_question_is_matched_word_by_word(library, question, file, matched):
    (hit,) = library.search(question, top_k=1)
    assert hit.file == file
    found = {match.word: match.region.text for match in hit.matches if not match.common}
    assert {word: found.get(word) for word in matched} == matched


def test_a_question_in_another_language_finds_the_page(library):
    assert library.search("Where must medicine be kept?", top_k=1)[0].file == "pharmacy.txt"
    assert library.search("嵐のときの風力タービン", top_k=1)[0].file == "turbine.txt"


def test_particles_are_common_words(library):
    (hit,) = library.search("騒音の原因は何ですか", top_k=1)
    assert [match.word for match in hit.matches if match.common] == ["何", "です"]


def test_a_snippet_of_text_without_spaces_shows_the_match(library):
    (hit,) = library.search("圧縮機", top_k=1)
    assert "圧縮機のボルトを確認してください" in hit.snippet


def test_the_particles_and_endings_of_a_korean_question_are_not_missed_on_pages(library):
    assert library.notices("문서를 어디에서 복사하나요") == []


def test_a_quoted_part_of_a_korean_word_is_a_filter(library):
    assert [hit.file for hit in library.search('"문서" 허가')] == ["visit.txt"]

from itertools import pairwise

import pytest

from maxsight.segmentation import word_spans


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("騒音の原因は何ですか。", ["騒音", "の", "原因", "は", "何", "です", "か。"]),
        ("「締め付け」トルクは25N·mです", ["「締め", "付け」", "トルク", "は", "25N·m", "です"]),
        ("Windows10での設定(設定)", ["Windows10", "で", "の", "設定", "(設定)"]),
        ("ｺﾝﾌﾟﾚｯｻｰの音", ["ｺﾝﾌﾟﾚｯｻｰ", "の", "音"]),
        ("噪声的原因可能是螺栓", ["噪声", "的", "原因", "可能是", "螺栓"]),
        ("สาเหตุของเสียงดัง", ["สาเหตุ", "ของ", "เสียง", "ดัง"]),
        ("ສາເຫດຂອງສຽງ", ["ສາເຫດ", "ຂອງ", "ສຽງ"]),
        ("문서를 복사하려면", ["문서를", "복사하려면"]),
        ("مسامير الضاغط", ["مسامير", "الضاغط"]),
        ("𠮷野家で", ["𠮷", "野家", "で"]),
        ("plain, “quoted” text", ["plain,", "“quoted”", "text"]),
        ("。」", ["。」"]),
        ("", []),
    ],
)
def test_words_of_every_script_are_found_with_their_punctuation(text, words):
    assert [text[start:end] for start, end in word_spans(text)] == words


def test_a_long_text_without_spaces_is_cut_between_words():
    spans = word_spans("日本語" * 100)
    assert {end - start for start, end in spans} == {3}


def test_every_character_but_white_space_is_in_one_word():
    text = "第1章　概要 (ver.2)——Überblick、한국어와日本語。\n\tภาษาไทย " + "x" * 450
    spans = word_spans(text)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert "".join(text[start:end] for start, end in spans) == "".join(text.split())

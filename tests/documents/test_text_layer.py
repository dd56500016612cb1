from __future__ import annotations

import numpy as np
import pytest

from maxsight.documents.cleaning import LINE_END_HYPHEN
from maxsight.documents.pdf_text import Layer
from maxsight.documents.text_layer import find_odd


def layer_of(*lines: str, heights: list[float] | None = None) -> Layer:
    """A layer of lines below each other, all letters of one size unless ``heights`` are given."""
    tokens, starts, boxes = [], [], []
    for row, line in enumerate(lines):
        height = 0.02 if heights is None else heights[row]
        for column, token in enumerate(line.split()):
            tokens.append(token)
            starts.append(column == 0)
            boxes.append((0.05 * column, 0.05 * row, 0.05 * column + 0.04, 0.05 * row + height))
    return Layer(tokens, starts, np.array(boxes, np.float32).reshape(-1, 4))


def is_doubted(*lines: str) -> bool:
    odd, meaningless = find_odd(layer_of(*lines))
    return bool((odd | meaningless).any())


def shifted(text: str, by: int) -> str:
    """The alphabet shifted, as fonts with a wrong table of letters have it."""
    small = "abcdefghijklmnopqrstuvwxyz"
    return text.translate(
        str.maketrans(
            small + small.upper(), small[by:] + small[:by] + small[by:].upper() + small[:by].upper()
        )
    )


@pytest.mark.parametrize(
    "text",
    [
        "Net sales grew by 7% to $ 1,204.5 million.",
        "1,234 (567) $ 89 — 12% 4.5 | 2,345 (678) $ 90 — 13% 4.6",
        "Chapter 1 ................................ 12",
        "______________________________ (Signature) ____________",
        "\u2022 one \uf0b7 two \uf0b7 three, a list with the bullets of a symbol font",
        "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd \u05d6\u05d4 \u05d1\u05e2\u05d1\u05e8\u05d9\u05ea",
        "\u6f22\u5b57\u4ee3\u7801\u6587\u4ef6\u5185\u5bb9\u6d4b\u8bd5\u9875\u9762\u4fe1\u606f\u7d22\u5f15\u641c\u7d22",
        f"a line with a hyphen{LINE_END_HYPHEN}ated word",
        "7",
        "",
    ],
)
def test_text_is_not_taken_for_garbage(text):
    assert not is_doubted(text)


@pytest.mark.parametrize(
    "text",
    [
        "\ufffd" * 30,
        "The \ue001\ue002\ue003 of \ue004\ue005",
        "\x03\x04\x05\x06\x07\x10\x11\x12\x13\x14" * 3,
        '!"!&<>?@^_`{}!"!&<>?@^_`{}!"&<>?@^_`{}',
        "\ufffd\ufffd",
    ],
)
def test_glyphs_without_letters_are_garbage(text):
    assert is_doubted(text)


SENTENCES = [
    "The ferry leaves the eastern pier at seven and reaches the island before the market opens.",
    "Der Fahrplan der F\u00e4hre gilt auch an Feiertagen, sofern der Wasserstand es zul\u00e4sst.",
    "Le bac part du quai est \u00e0 sept heures et rejoint l'\u00eele avant l'ouverture du march\u00e9.",
    "Prom odp\u0142ywa ze wschodniego nabrze\u017ca o si\u00f3dmej i dociera na wysp\u0119 przed otwarciem targu.",
    "Lautta l\u00e4htee it\u00e4laiturista kello seitsem\u00e4n ja saapuu saarelle ennen torin avautumista.",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_of_many_languages_are_believed_and_their_ciphers_are_not(sentence):
    assert not is_doubted(sentence)
    doubted = [by for by in range(1, 26) if is_doubted(shifted(sentence, by))]
    assert 3 in doubted
    assert len(doubted) >= 20


def test_letters_that_became_signs_and_lookalikes_of_another_script_are_doubted():
    assert is_doubted("-22#22:!/3 +,*2/),5 (45 946/=,!/ 0,**2$7", "!/ 9,5+8 =82 +4*4/!27 ,52 &2!382)")
    assert is_doubted("npeACTaBn8eTcR B HanoroBblli opraH ynpo111eHHOali CliiCTeMbl HanoroBoMy")


def test_one_garbled_line_is_doubted_and_the_lines_around_it_are_not():
    lines = [SENTENCES[0], "Wkh ihuub ohdyhv wkh hdvwhuq slhu dw vhyhq", SENTENCES[1], SENTENCES[2]]
    odd, _ = find_odd(layer_of(*lines, heights=[0.02, 0.04, 0.02, 0.02]))
    words = [len(line.split()) for line in lines]
    assert odd.tolist() == [False] * words[0] + [True] * words[1] + [False] * (words[2] + words[3])


def test_halves_of_surrogate_pairs_are_letters():
    bold = "".join(chr(0x1D400 + index) for index in range(26))
    halves = bold.encode("utf-16-le").decode("utf-16-le", "surrogatepass")
    split = "".join(chr(unit) for unit in np.frombuffer(halves.encode("utf-16-le"), "<u2"))
    assert not is_doubted(split[:12], split[12:24], "\ud83d\ude00 \ud83d\ude80")

from __future__ import annotations

import pytest

from maxsight.documents.cleaning import LINE_END_HYPHEN
from maxsight.documents.text_layer import is_garbage


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
    assert not is_garbage(text)


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
    assert is_garbage(text)

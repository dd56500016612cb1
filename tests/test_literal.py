"""Words, numbers and phrases to the letter."""

import pytest

from maxsight.literal import find_literal, fold


@pytest.mark.parametrize(
    "text, wanted, found",
    [
        ("Net Sales of", "net sales", ["Net Sales"]),
        ("net\nsales", "net sales", ["net\nsales"]),
        ("a compre-\nhensive plan", "comprehensive", ["compre-\nhensive"]),
        ("Café CAFE cafés", "café", ["Café", "CAFE"]),
        ("77,300 and 77300 and 77 300", "77,300", ["77,300", "77300", "77 300"]),
        ("77,300 and 77.3 and 77,300.5 and 177,300", "77300", ["77,300"]),
        ("77,300", "300", []),
        ("(23,574) $23,574.", "23,574", ["23,574", "23,574"]),
        ("E18, E180, Q3-2022", "E18", ["E18"]),
        ("Q3-2022", "q3-2022", ["Q3-2022"]),
        ("00421 421", "00421", ["00421"]),
        ("1.14 14", "14", ["14"]),
        ("anything", "...", []),
    ],
)
def test_it_is_found_to_the_letter_and_nowhere_else(text, wanted, found):
    assert [text[start:end] for start, end in find_literal(fold(text), wanted)] == found

import pytest

from maxsight.errors import InputError
from maxsight.stores.phrases import compile_phrase, find_phrase, words_of


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("net sales of", "Total net\nSales of goods"),
        ("net sales of", "NET-SALES, of"),
        ("cafe", "a CAFÉ,"),
        ("café", "the cafe\u0301."),
        ("ΕΛΛΑΣ", "ελλάς"),
        ("example", "an exam-\nple of it"),
        ("co-operate", "Co-\noperate"),
        ("company's net", "the Company\u2019s net income"),
        ("Q3-2022", "in q3\u20132022"),
        ("E18", "error e18."),
        ("77,300", "$77300)"),
        ("77300", "of 77,300."),
        ("77,300", "77.300 or 77\u00a0300"),
        ("1,234.5", "1.234,5%"),
        ("300", "(300)"),
        ("0.125", "0,125"),
        ("設定", "電子設定を"),
        ("문서", "문서를 보세요"),
        ("1,234", "売上高は約1,234億円です"),
        ("2023", "2023年度"),
        ("5000", "가격은5000원"),
        ("500", "ราคา500บาท"),
        ("IBM", "日本IBM社の"),
        ("A社", "日本A社"),
    ],
)
def test_a_phrase_is_found_whatever_its_case_accents_breaks_and_thousands(phrase, text):
    assert compile_phrase(phrase).search(text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("net sales", "net salesmen"),
        ("net sales", "sales net"),
        ("net sales", "net of sales"),
        ("Q3-2022", "in q3 2022"),
        ("1-year", "1 year"),
        ("E18", "E180"),
        ("E18", "FE18"),
        ("77,300", "177,300"),
        ("77,300", "77,300.5"),
        ("77,300", "77 300"),
        ("300", "77,300"),
        ("77", "77,300"),
        ("4.5", "14.5"),
        ("2023", "12023年"),
        ("234", "約1,234億円"),
        ("2023年", "12023年"),
        ("IBM", "日本IBMA社"),
        ("\uff12\uff13", "\uff11\uff12\uff13年"),
    ],
)
def test_a_part_of_a_word_or_number_is_no_phrase(phrase, text):
    assert not compile_phrase(phrase).search(text)


def test_group_one_is_the_phrase_without_its_surroundings():
    assert compile_phrase("net sales").search("Total (Net\nSales) 5")[1] == "Net\nSales"


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("a", "a a,a", [(0, 1), (2, 3), (4, 5)]),
        ("77,300", "77,300 and 77300, not 177,300", [(0, 6), (11, 16)]),
        ("23,574", "(23,574) $23,574.", [(1, 7), (10, 16)]),
        ("00421", "00421 421", [(0, 5)]),
        ("14", "1.14 14", [(5, 7)]),
        ("comprehensive", "a compre-\nhensive plan", [(2, 17)]),
        ("...", "any text...", []),
        ("a" * 501, "a" * 501, []),
    ],
)
def test_all_places_of_a_phrase_are_found(phrase, text, found):
    assert find_phrase(text, phrase) == found


def test_punctuation_is_no_word():
    assert words_of("the $77,300 (net) of O'Hara, 2022") == [
        "the",
        "77,300",
        "net",
        "of",
        "O",
        "Hara",
        "2022",
    ]


@pytest.mark.parametrize(("phrase", "said"), [(" ?! ", "has no words"), ("a" * 501, "the limit is 500")])
def test_a_phrase_that_can_not_be_looked_for_is_refused(phrase, said):
    with pytest.raises(InputError, match=said):
        compile_phrase(phrase)


@pytest.mark.parametrize("hyphen", ["-", "\u00ad"])
def test_a_hyphen_before_very_much_white_space_costs_no_quadratic_time(hyphen):
    gap = hyphen + " \n" * 200_000
    assert find_phrase(f"ex{gap}ercise", "example") == []
    assert find_phrase(f"ex{gap}ample", "example") == [(0, 7 + len(gap))]

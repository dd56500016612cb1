"""The quotes and numbers of answers, at their places on the cited pages."""

import io

import pytest
from PIL import Image

from maxsight import Library
from maxsight.answers.evidence import find_evidence
from maxsight.answers.sources import Source, gather_sources
from maxsight.documents.cleaning import find_words
from maxsight.results import Hit, Match, Region
from maxsight.types import Page, TextSource
from pdf_files import write_pdf

LINES = [
    (72, 100, "Net sales rose to 37,970 in the last quarter, since the de-"),
    (72, 115, "mand for batteries grew."),
    (72, 400, "The committee met twice in 2024."),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    home = tmp_path_factory.mktemp("evidence")
    write_pdf(home / "report.pdf", [LINES, [(72, 100, "Costs fell by 12 % in Norway.")]])
    write_pdf(home / "scan.pdf", [[]])
    with Library.create(home / "test.library", encoder="fake") as library:
        library.index([home])
        yield library


@pytest.fixture(scope="module")
def sources(library):
    """Two pages of a report, and a page without text."""
    pages = [
        library.find_page("report.pdf", 1),
        library.find_page("report.pdf", 2),
        library.find_page("scan.pdf", 1),
    ]
    return [
        Source(
            number, row.page_id, row.document.path, row.page.page_number, row.page.text, None, page=row.page
        )
        for number, row in enumerate(pages, start=1)
    ]


def found(answer, sources):
    return [
        (each.quote, each.source and each.source.number, len(each.regions))
        for each in find_evidence(answer, sources)
    ]


def test_quotes_and_numbers_are_found_across_line_breaks_and_hyphens(sources):
    answer = (
        "It says \u201cthe demand for batteries\u201d [1]. Sales were 37970 [1] and costs fell by 12% [2][1]."
    )
    assert found(answer, sources) == [("the demand for batteries", 1, 1), ("37970", 1, 1), ("12", 2, 1)]
    quote, number, _ = find_evidence(answer, sources)
    (region,) = quote.regions
    assert len(region.more) == 1, "a box for each of its two lines"
    first, second = region.box, region.more[0]
    assert first[0] > 0.4 and second[0] < 0.2 and first[1] < second[1] < 0.2
    assert number.regions[0].text == "37,970"
    described = quote.describe()
    assert (described["number"], described["cited"]) == (1, [1])
    assert described["regions"] == [{"text": region.text, "boxes": [first, second]}]


def test_what_a_cited_page_does_not_have_is_said(sources):
    answer = 'Sales were 38,000 [1], "costs rose sharply" [2], and 2024 was quiet [2].'
    assert found(answer, sources) == [("38,000", None, 0), ("costs rose sharply", None, 0), ("2024", None, 0)]


def test_nothing_is_claimed_where_nothing_can_be_checked(sources):
    assert found('A "single" word and 5 apples [1], 99 without a citation', sources) == []
    assert found("A scan says 1234 [3].", sources) == [], "its page has no text"
    assert found("A number 1234 of an invented page [7].", sources) == []
    assert found("Costs fell by 12 % [3][2].", sources) == [("12", 2, 1)]


def test_quotes_and_numbers_of_text_without_spaces_are_found():
    text = "2023年度の売上高の増加は約1,234億円でした。"
    page = Page(0, text, find_words(text), TextSource.FILE)
    source = Source(1, "p", "a.txt", 1, text, None, page=page)
    answer = "2023年度に「売上高の増加」は1,234億円 [1]、または「利益の減少」は5,678億円です [1]。"
    assert found(answer, [source]) == [
        ("売上高の増加", 1, 1),
        ("2023", 1, 1),
        ("1,234", 1, 1),
        ("利益の減少", None, 0),
        ("5,678", None, 0),
    ]


def test_a_part_of_a_number_is_no_number(sources):
    assert found("A beam of 12,345mm and 12.5x, of the FY2025 [1].", sources) == []


def test_a_crop_shows_the_strong_matches_and_little_else(library):
    strong = Match("met", 1, Region((0.1, 0.5, 0.3, 0.55), "met"), contrast=0.9)
    weak = Match("sales", 1, Region((0.1, 0.1, 0.3, 0.2), "sales"), contrast=0.1)
    row = library.find_page("report.pdf", 1)
    hit = library.search("committee", top_k=1)[0]
    (page,) = gather_sources([hit], library.page, lambda _: b"jpeg", crops=True)
    assert page.picture == b"jpeg"
    assert Image.open(io.BytesIO(page.crop)).height < 400
    assert gather_sources([hit], library.page, None, crops=True)[0].crop is None
    bare = Hit(1, 1.0, row.page_id, "d", "report.pdf", "report.pdf", 1, "", (weak, strong))
    from maxsight.answers.crops import cropped, strong_boxes

    assert strong_boxes(bare) == [(0.1, 0.5, 0.3, 0.55)]
    assert cropped(Image.new("RGB", (1000, 1000)), strong_boxes(bare)).size == (300, 150)

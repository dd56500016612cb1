"""Reading a long document: scrolling, turning, finding, copying, printing."""

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from conftest import serving
from maxsight import Library
from pdf_files import write_pdf

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
PAGES, WHALES = 60, (7, 31, 52)
QUESTION = "Where were whales seen?"


@pytest.fixture(scope="module")
def long_document(tmp_path_factory):
    """The address of a log of sixty days, three of them with whales."""
    folder = tmp_path_factory.mktemp("long")
    days = [
        [(72, 100, f"Log of day {day}."), (72, 700, f"The sea was calm, entry {1000 + day}.")]
        for day in range(1, 61)
    ]
    for day in WHALES:
        days[day - 1].insert(1, (72, 400, "Whales were seen at noon, three of them."))
    with Library.create(folder / "maxsight.library") as library:
        library.index([write_pdf(folder / "log.pdf", days)])
        first = library.search("Log of day 1", where="page_number = 1")[0].page_id
    with serving(folder, "--read-only") as address:
        yield f"{address}/?page={first}"


@pytest.fixture
def reading(long_document, open_page):
    def read(question="", **options):
        page = open_page(f"{long_document}&q={quote(question)}", **options)
        page.wait_for_selector(".sheet.there[aria-current]")
        return page

    return read


def number(page):
    return page.get_by_role("textbox", name="Page")


def turn_to(page, wanted):
    number(page).fill(str(wanted))
    number(page).press("Enter")
    page.wait_for_selector(f".sheet.there[data-number='{wanted}'][aria-current]")


def test_pages_are_drawn_as_they_come_into_view_and_freed_again(reading, keep):
    page = reading()
    drawn = page.locator(".picture[src]")
    assert page.locator(".sheet").count() == PAGES
    assert drawn.count() < 8
    page.locator(".scroller").hover()
    page.mouse.wheel(0, 2600)
    expect(number(page)).not_to_have_value("1")
    read = int(number(page).input_value())
    page.wait_for_selector(f".sheet.there[data-number='{read}']")
    there = page.locator(f".sheet[data-number='{read}']")
    page.wait_for_url(
        re.compile(there.get_attribute("data-page"))
    )  # the link is that of the page that is read
    turn_to(page, PAGES)
    expect(page.locator(".sheet[data-number='1'] .picture")).to_have_count(0)
    assert drawn.count() < 8
    assert page.get_by_role("link", name="Next page").get_attribute("aria-disabled") == "true"
    page.get_by_role("link", name="Previous page").click()
    expect(number(page)).to_have_value(str(PAGES - 1))
    number(page).fill("400")
    number(page).press("Enter")
    expect(page.locator("#live")).to_have_text("There is no page 400")
    keep(page, "reading")


def test_a_reload_and_a_slow_network_show_the_same_page(reading):
    page = reading()
    turn_to(page, 40)
    page.wait_for_url(re.compile(page.locator("[aria-current].sheet").get_attribute("data-page")))
    slow = reading()
    slow.route(re.compile("/v1/"), lambda route: (slow.wait_for_timeout(150), route.continue_()))
    slow.goto(page.url)
    expect(slow.locator(".sheet[data-number='40']")).to_have_attribute("aria-current", "page")
    slow.wait_for_selector(".sheet.there[data-number='40']")
    expect(slow.locator(".sheet[data-number='40']")).to_be_in_viewport()
    expect(number(slow)).to_have_value("40")


def test_hits_of_the_document_are_counted_marked_and_gone_through(reading, keep):
    page = reading(QUESTION)
    hits = page.get_by_role("group", name="Hits in this document")
    expect(hits).to_contain_text("3 hits")
    ticks = page.locator(".strip .hit").evaluate_all(
        "ticks => ticks.map(tick => parseFloat(tick.style.top) / 100)"
    )
    assert ticks == pytest.approx([(day - 0.5) / PAGES for day in WHALES], abs=0.01)
    for day in (*WHALES, WHALES[0]):
        page.get_by_role("button", name="Next hit").click()
        expect(number(page)).to_have_value(str(day))
        page.wait_for_selector(f".sheet.there[data-number='{day}'] .heat:not([hidden])")
    expect(hits).to_contain_text("1 of 3")
    page.keyboard.press("Shift+N")
    expect(number(page)).to_have_value(str(WHALES[-1]))
    page.get_by_role("button", name="Pages", exact=True).click()
    small = page.get_by_role("navigation", name="Pages")
    expect(small.get_by_role("link", name="with hits")).to_have_count(3)
    keep(page, "thumbnails")
    small.get_by_role("link", name="Page 31, with hits").click()
    expect(number(page)).to_have_value("31")
    expect(small.locator("[aria-current]")).to_have_text("31")


def test_a_text_is_found_on_pages_that_are_not_drawn(reading, keep):
    page = reading()
    page.keyboard.press("Control+f")
    find = page.get_by_role("searchbox", name="Find in this document")
    expect(find).to_be_focused()
    find.fill("whales  were SEEN")
    said = page.locator(".find .where")
    expect(said).to_have_text("1 of 3 places")
    expect(number(page)).to_have_value("7")
    find.press("Enter")
    expect(number(page)).to_have_value("31")
    active = page.locator(".sheet[data-number='31'] .found.active")
    expect(active).to_have_count(3)  # one for each word
    page.wait_for_selector(".sheet.there[data-number='31'] .text")  # nothing is drawn anew after it
    expect(active.first).to_be_in_viewport(ratio=1)
    box, sheet = active.first.bounding_box(), page.locator(".sheet[data-number='31']").bounding_box()
    assert (box["y"] - sheet["y"]) / sheet["height"] == pytest.approx(400 / 792, abs=0.03)
    expect(page.locator(".strip .found")).to_have_count(3)
    keep(page, "find")
    find.press("Shift+Enter")
    expect(said).to_have_text("1 of 3 places")
    find.fill("no such text")
    expect(said).to_have_text("not found")
    find.press("Escape")
    expect(page.locator(".strip")).to_be_hidden()
    assert page.locator("body").get_attribute("data-view") == "page"


def test_text_is_selected_on_the_picture_and_copied_with_its_page(reading):
    page = reading(permissions=["clipboard-read", "clipboard-write"])
    turn_to(page, 7)
    words = page.locator(".sheet[data-number='7'] .text span")
    expect(words.first).to_be_attached()
    first, last = (words.filter(has_text=text).bounding_box() for text in ("Whales", "noon"))
    page.mouse.move(first["x"] + 1, first["y"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(last["x"] + 0.75 * last["width"], last["y"] + last["height"] / 2, steps=5)
    page.mouse.up()
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Whales were seen at noo")
    page.get_by_role("button", name="Copy with page").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"“Whales were seen at noo\w?,?” \(log\.pdf, page 7\)", copied)


def test_pages_are_turned_around_and_fitted(reading, keep):
    page = reading()
    sheet, reader = page.locator("[aria-current].sheet"), page.locator(".scroller")

    def shape():
        box = sheet.bounding_box()
        return box["width"], box["height"]

    page.keyboard.press("0")
    assert shape()[1] < reader.bounding_box()["height"] < 1.2 * shape()[1]
    page.keyboard.press("w")
    assert shape()[0] > 0.9 * reader.bounding_box()["width"]
    more = page.get_by_role("button", name="More", exact=True)
    more.click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Rotate")).to_be_hidden()
    assert page.locator("body").get_attribute("data-view") == "page"  # only the menu is closed
    more.click()
    page.get_by_role("button", name="Rotate").click()
    width, height = shape()
    assert width / height == pytest.approx(792 / 612, rel=0.01)
    assert width > 0.9 * reader.bounding_box()["width"]
    expect(page.locator("#live")).to_have_text("Rotated by 90 degrees")
    keep(page, "rotated")


def test_some_pages_are_printed(reading):
    page = reading(QUESTION)
    page.evaluate("window.print = () => { window.printed = document.querySelectorAll('.paper img').length; }")
    page.route(re.compile("over=page"), lambda route: route.fulfill(status=404))
    page.keyboard.press("Control+p")
    dialog = page.get_by_role("dialog", name="Print pages")
    dialog.get_by_label("From page").fill("6")
    dialog.get_by_label("to page").fill("8")
    dialog.get_by_label("With the heat of the question").check()
    dialog.get_by_role("button", name="Print").click()
    expect(dialog).to_contain_text("Pages 6, 7, 8 can't be drawn.")
    assert page.locator(".paper").count() == 0
    page.unroute(re.compile("over=page"))
    dialog.get_by_role("button", name="Print").click()
    page.locator(".paper img").first.wait_for(state="attached")
    assert page.evaluate("window.printed") == 3
    assert page.locator(".paper img").first.evaluate("image => image.naturalWidth") == 1600
    page.emulate_media(media="print")
    expect(page.locator(".paper img").first).to_be_visible()
    expect(page.locator("#page")).to_be_hidden()
    assert parse_qs(urlsplit(page.url).query)["q"] == [QUESTION]

"""Looking at a page: heat, words, zoom, neighbours."""

import re
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest

from maxsight import Library

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
QUESTION = "How tight should the bolts that hold the compressor be?"
SHEET = ".sheet[aria-current]"
BOLTS, COMPRESSOR = 4, 8  # words of the question, from 0

SCREENS = [
    (320, 568), (390, 844), (500, 800), (768, 1024), (820, 1180), (844, 390), (1000, 700), (1366, 768), (2560, 1440)
]  # fmt: skip


@pytest.fixture(scope="module")
def hit(indexed_folder):
    with Library.open(indexed_folder / "maxsight.library", read_only=True) as library:
        return library.search(QUESTION, top_k=1)[0]


@pytest.fixture
def open_hit(server, open_page, hit):
    def open_it(**options):
        page = open_page(f"{server}/?q={quote(QUESTION)}&page={hit.page_id}", **options)
        wait_for_heat(page, "all")
        return page

    return open_it


def wait_for_heat(page, word):
    page.wait_for_selector(f"{SHEET}.there .heat[data-word='{word}']:not([hidden])")
    page.evaluate(
        f"Promise.all([...document.querySelectorAll('{SHEET} img[src]')].map((image) => image.decode()))"
    )


def part(shot, region):
    """The pixels of a region given in fractions."""
    height, width = shot.shape[:2]
    x0, y0, x1, y1 = region
    return shot[int(y0 * height) : int(y1 * height) + 1, int(x0 * width) : int(x1 * width) + 1]


def warmth(shot):
    """How much redder than blue the pixels are."""
    return float((shot[..., 0] - shot[..., 2]).mean())


def test_a_result_opens_as_a_page_with_its_heat(server, open_page, hit, keep):
    page = open_page(f"{server}/?q={quote(QUESTION)}")
    page.locator(".result .open").first.click()
    wait_for_heat(page, "all")
    assert page.locator("#page h2").inner_text() == hit.file
    assert page.get_by_role("textbox", name="Page").input_value() == str(hit.page_number)
    assert page.locator(".pages .where").inner_text() == "of 8"
    assert page.locator(".panel .score").inner_text().split()[-1] == f"{hit.score:.2f}"
    assert parse_qs(urlsplit(page.url).query) == {"q": [QUESTION], "page": [hit.page_id]}
    words = page.locator(".words > ul > li > .word")
    telling = [match for match in hit.matches if not match.common]
    assert words.locator(".asked").all_inner_texts() == [match.word for match in telling]
    assert words.locator(".gave").all_inner_texts() == [f"{match.score:.2f}" for match in telling]
    assert page.evaluate("document.activeElement.className") == "scroller"  # keys scroll it at once
    common = page.locator(".words details")
    assert common.inner_text() == f"{len(hit.matches) - len(telling)} common words"
    common.locator("summary").click()
    folded = [match.word for match in hit.matches if match.common]
    assert common.locator(".asked").all_inner_texts() == folded
    keep(page, "page")


def test_the_heat_changes_with_the_word_under_the_pointer(open_hit, hit, pixels, keep):
    page = open_hit()
    page.keyboard.press("0")
    sheet = page.locator(f"{SHEET} .leaf")
    everything = pixels(sheet)
    bolts, compressor = (hit.matches[word].region.box for word in (BOLTS, COMPRESSOR))
    assert warmth(part(everything, bolts)) > 20 and warmth(part(everything, compressor)) > 20

    page.locator(f'.word[data-word="{BOLTS}"]').hover()
    wait_for_heat(page, BOLTS)
    one = pixels(sheet)
    assert np.abs(one - everything).max() > 40
    assert warmth(part(one, bolts)) > 20
    assert warmth(part(one, compressor)) < 5
    keep(page, "word")

    page.locator(f'.word[data-word="{COMPRESSOR}"]').hover()
    wait_for_heat(page, COMPRESSOR)
    other = pixels(sheet)
    assert warmth(part(other, compressor)) > 20
    assert warmth(part(other, bolts)) < warmth(part(one, bolts)) / 2

    page.mouse.move(400, 10)
    wait_for_heat(page, "all")
    assert np.array_equal(pixels(sheet), everything)


def test_a_word_is_outlined_where_it_matched(open_hit, hit):
    page = open_hit()
    page.locator(f'.word[data-word="{BOLTS}"]').hover()
    page.wait_for_selector(f"{SHEET} .spot >> visible=true")
    spot, sheet = (page.locator(place).bounding_box() for place in (f"{SHEET} .spot", SHEET))
    middle = [
        (spot["x"] + spot["width"] / 2 - sheet["x"]) / sheet["width"],
        (spot["y"] + spot["height"] / 2 - sheet["y"]) / sheet["height"],
    ]
    x0, y0, x1, y1 = hit.matches[BOLTS].region.box
    assert middle == pytest.approx([(x0 + x1) / 2, (y0 + y1) / 2], abs=0.005)
    assert page.locator(f"{SHEET} .spot").inner_text() == "bolts"


def test_a_chosen_word_stays_and_is_in_the_address(open_hit, open_page, hit):
    page = open_hit()
    page.locator(f'.word[data-word="{BOLTS}"]').click()
    assert parse_qs(urlsplit(page.url).query)["word"] == [str(BOLTS + 1)]
    assert page.title().startswith(f"{hit.file}, page {hit.page_number} ")
    page.mouse.move(400, 10)
    wait_for_heat(page, BOLTS)
    other = open_page(page.url)
    wait_for_heat(other, BOLTS)
    assert other.locator(".word[aria-pressed=true] .asked").inner_text() == "bolts"
    page.locator(f'.word[data-word="{BOLTS}"]').click()
    page.mouse.move(400, 10)
    wait_for_heat(page, "all")


def test_heat_can_be_turned_off(open_hit, hit, pixels):
    page = open_hit()
    page.keyboard.press("0")
    heat = page.get_by_role("button", name="Heat")
    heat.click()
    assert heat.get_attribute("aria-pressed") == "false"
    plain = pixels(page.locator(f"{SHEET} .leaf"))
    assert warmth(part(plain, hit.matches[BOLTS].region.box)) < 5
    page.keyboard.press("h")
    wait_for_heat(page, "all")


def test_zooming_keeps_what_lies_under_the_pointer_and_sharpens_the_picture(open_hit):
    page = open_hit()
    sheet = page.locator(SHEET)
    page.keyboard.press("0")
    whole = sheet.bounding_box()
    x, y = whole["x"] + 0.45 * whole["width"], whole["y"] + 0.4 * whole["height"]
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    after = sheet.bounding_box()
    assert after["width"] > 2 * whole["width"]
    under = [(x - after["x"]) / after["width"], (y - after["y"]) / after["height"]]
    assert under == pytest.approx([0.45, 0.4], abs=0.01)
    expect(sheet.locator(".picture")).to_have_attribute("src", re.compile("width=2400"))
    page.keyboard.press("0")
    assert sheet.bounding_box()["width"] == pytest.approx(whole["width"], abs=1)


def test_zooming_keeps_the_chosen_word_in_sight(open_hit):
    page = open_hit()
    page.locator(f'.word[data-word="{BOLTS}"]').click()
    spot = page.locator(f"{SHEET} .spot:not(.also)").last
    for _ in range(6):
        page.get_by_role("button", name="Zoom in").click()
        expect(spot).to_be_in_viewport(ratio=1)
    page.keyboard.press("r")
    expect(spot).to_be_in_viewport(ratio=1)


def test_neighbouring_pages_are_a_click_away_and_back_leads_to_the_results(server, open_page, hit):
    page = open_page(f"{server}/?q={quote(QUESTION)}")
    page.locator(".result .open").first.click()
    wait_for_heat(page, "all")
    page.get_by_role("link", name="Next page").click()
    box = page.get_by_role("textbox", name="Page")
    expect(box).to_have_value("7")
    wait_for_heat(page, "all")
    page.keyboard.press("ArrowRight")
    expect(box).to_have_value("8")
    assert page.get_by_role("link", name="Next page").get_attribute("aria-disabled") == "true"
    page.go_back()
    page.wait_for_selector("body[data-view=results]")


def test_the_source_opens_at_the_page(open_hit, hit):
    page = open_hit()
    page.get_by_role("button", name="More", exact=True).click()
    link = page.get_by_role("link", name="Open the file")
    assert link.get_attribute("href") == f"/v1/documents/{hit.document_id}/source#page={hit.page_number}"
    answer = page.request.get(page.url.split("?")[0].rstrip("/") + link.get_attribute("href").split("#")[0])
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.body().startswith(b"%PDF")


def test_plain_text_is_shown_as_a_page_too(server, open_page, keep):
    page = open_page(f"{server}/?q={quote('Why did turbine K11 stand still?')}")
    page.locator(".result", has_text="control-room-notes.md").locator(".open").click()
    wait_for_heat(page, "all")
    assert page.locator(f"{SHEET} .picture").evaluate("image => image.naturalWidth") > 0
    sheet = page.locator(SHEET).bounding_box()
    shape = page.locator(f"{SHEET} .picture").evaluate("image => image.naturalHeight / image.naturalWidth")
    assert sheet["height"] / sheet["width"] == pytest.approx(shape, rel=0.01)
    keep(page, "plain-text")


def test_a_page_that_is_not_there_says_so(server, open_page):
    page = open_page(f"{server}/?q=bolts&page={'0' * 32}")
    alert = page.locator("#page").get_by_role("alert")
    assert "The link leads to no page of this library." in alert.inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("body[data-view=results]")


def test_a_page_fits_every_screen_with_its_controls_in_reach(open_hit, keep):
    page = open_hit()
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(250)  # the picture is fitted and sharpened
        assert page.evaluate("document.documentElement.scrollWidth") == width
        reader = page.locator(".scroller").bounding_box()
        sheet = page.locator(SHEET).bounding_box()
        assert sheet["width"] >= min(0.9 * reader["width"], 880), (width, height)
        assert reader["height"] >= 0.4 * height and reader["width"] >= 0.4 * width, (width, height)
        for control in page.locator("#page > header :is(button, a, input)").all():
            if control.is_visible():
                box = control.bounding_box()
                assert box["x"] >= 0 and box["x"] + box["width"] <= width, (width, height, box)
                assert min(box["width"], box["height"]) >= 24  # WCAG 2.5.8
        keep(page, f"page-{width}x{height}")


def test_a_phone_shows_a_word_that_is_tapped(open_hit):
    page = open_hit(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    page.locator(f'.word[data-word="{BOLTS}"]').tap()
    wait_for_heat(page, BOLTS)


def test_a_page_is_shown_in_dark_surroundings(open_hit, keep, pixels):
    page = open_hit(color_scheme="dark")
    assert pixels(page.locator(".panel")).mean() < 80
    keep(page, "page-dark")

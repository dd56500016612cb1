"""Looking at a page: heat, words, zoom, neighbours."""

import re
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest

from maxsight import Library

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
QUESTION = "How tight should the bolts that hold the compressor be?"
BOLTS, COMPRESSOR = 4, 8  # words of the question, from 0


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
    page.wait_for_selector(
        f".stage:not(.waiting) .picture:not([src*='width=400']) ~ .heat[data-word='{word}']:not([hidden])"
    )
    page.evaluate("Promise.all([...document.querySelectorAll('.sheet img')].map((image) => image.decode()))")


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
    assert page.locator("#page .title .where").inner_text() == f"Page {hit.page_number} of 8"
    assert page.locator(".panel .score").inner_text().split()[-1] == f"{hit.score:.2f}"
    assert parse_qs(urlsplit(page.url).query) == {"q": [QUESTION], "page": [hit.page_id]}
    words = page.locator(".words > ul > li > .word")
    telling = [match for match in hit.matches if not match.common]
    assert words.locator(".asked").all_inner_texts() == [match.word for match in telling]
    assert words.locator(".gave").all_inner_texts() == [f"{match.score:.2f}" for match in telling]
    assert page.evaluate("document.activeElement.tagName") == "H2"
    common = page.locator(".words details")
    assert common.inner_text() == f"{len(hit.matches) - len(telling)} common words"
    common.locator("summary").click()
    folded = [match.word for match in hit.matches if match.common]
    assert common.locator(".asked").all_inner_texts() == folded
    keep(page, "page")


def test_the_heat_changes_with_the_word_under_the_pointer(open_hit, hit, pixels, keep):
    page = open_hit()
    sheet = page.locator(".sheet")
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
    page.wait_for_selector(".sheet .spot:not([hidden])")
    page.wait_for_timeout(300)  # it glides there
    spot, sheet = (page.locator(place).bounding_box() for place in (".sheet .spot", ".sheet"))
    middle = [
        (spot["x"] + spot["width"] / 2 - sheet["x"]) / sheet["width"],
        (spot["y"] + spot["height"] / 2 - sheet["y"]) / sheet["height"],
    ]
    x0, y0, x1, y1 = hit.matches[BOLTS].region.box
    assert middle == pytest.approx([(x0 + x1) / 2, (y0 + y1) / 2], abs=0.005)
    assert page.locator(".sheet .spot").inner_text() == "bolts"


def test_a_chosen_word_stays_and_is_in_the_address(open_hit, open_page):
    page = open_hit()
    page.locator(f'.word[data-word="{BOLTS}"]').click()
    assert parse_qs(urlsplit(page.url).query)["word"] == [str(BOLTS + 1)]
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
    heat = page.get_by_role("button", name="Heat")
    heat.click()
    assert heat.get_attribute("aria-pressed") == "false"
    plain = pixels(page.locator(".sheet"))
    assert warmth(part(plain, hit.matches[BOLTS].region.box)) < 5
    page.keyboard.press("h")
    wait_for_heat(page, "all")


def test_zooming_keeps_what_lies_under_the_pointer_and_sharpens_the_picture(open_hit):
    page = open_hit()
    whole = page.locator(".sheet").bounding_box()
    page.locator(".stage").dblclick()
    before = page.locator(".sheet").bounding_box()
    x, y = before["x"] + 0.45 * before["width"], before["y"] + 0.4 * before["height"]
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(2):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    expect(page.locator(".picture")).to_have_attribute("src", re.compile("width=(1600|2400)"))
    after = page.locator(".sheet").bounding_box()
    assert after["width"] > 2 * before["width"]
    under = [(x - after["x"]) / after["width"], (y - after["y"]) / after["height"]]
    assert under == pytest.approx([0.45, 0.4], abs=0.01)
    page.keyboard.press("0")
    assert page.locator(".sheet").bounding_box() == whole


def test_a_zoomed_page_is_moved_by_dragging(open_hit):
    page = open_hit()
    page.locator(".stage").dblclick(position={"x": 380, "y": 300})
    before = page.locator(".sheet").bounding_box()
    page.mouse.move(600, 500)
    page.mouse.down()
    page.mouse.move(540, 430, steps=3)
    page.mouse.up()
    after = page.locator(".sheet").bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == (-60, -70)


def test_a_word_that_lies_outside_what_is_seen_is_brought_into_view(open_hit):
    page = open_hit()
    for _ in range(5):
        page.get_by_role("button", name="Zoom in").click()
    page.locator(".stage").evaluate("stage => stage.scrollTo(0, 0)")
    page.locator(f'.word[data-word="{BOLTS}"]').hover()
    spot = page.locator(".sheet .spot")
    expect(spot).to_be_visible()
    expect(spot).to_be_in_viewport(ratio=1)


def test_neighbouring_pages_are_a_click_away_and_back_leads_to_the_results(server, open_page, hit):
    page = open_page(f"{server}/?q={quote(QUESTION)}")
    page.locator(".result .open").first.click()
    wait_for_heat(page, "all")
    page.get_by_role("link", name="Next page").click()
    where = page.locator("#page .title .where")
    expect(where).to_have_text("Page 7 of 8")
    wait_for_heat(page, "all")
    page.keyboard.press("ArrowRight")
    expect(where).to_have_text("Page 8 of 8")
    assert page.get_by_role("link", name="Next page").get_attribute("aria-disabled") == "true"
    page.go_back()
    page.wait_for_selector("body[data-view=results]")


def test_the_source_opens_at_the_page(open_hit, hit):
    page = open_hit()
    link = page.get_by_role("link", name="Source")
    assert link.get_attribute("href") == f"/v1/documents/{hit.document_id}/source#page={hit.page_number}"
    answer = page.request.get(page.url.split("?")[0].rstrip("/") + link.get_attribute("href").split("#")[0])
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.body().startswith(b"%PDF")


def test_plain_text_is_shown_as_a_page_too(server, open_page, keep):
    page = open_page(f"{server}/?q={quote('Why did turbine K11 stand still?')}")
    page.locator(".result", has_text="control-room-notes.md").locator(".open").click()
    wait_for_heat(page, "all")
    assert page.locator(".picture").evaluate("image => image.naturalWidth") > 0
    sheet = page.locator(".sheet").bounding_box()
    shape = page.locator(".picture").evaluate("image => image.naturalHeight / image.naturalWidth")
    assert sheet["height"] / sheet["width"] == pytest.approx(shape, rel=0.01)
    keep(page, "plain-text")


def test_a_page_that_is_not_there_says_so(server, open_page):
    page = open_page(f"{server}/?q=bolts&page={'0' * 32}")
    alert = page.locator("#page").get_by_role("alert")
    alert.wait_for()
    page.keyboard.press("Escape")
    page.wait_for_selector("body[data-view=results]")


def test_a_page_fits_a_phone(open_hit, keep):
    page = open_hit(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    sheet = page.locator(".sheet").bounding_box()
    assert sheet["width"] > 340
    page.locator(f'.word[data-word="{BOLTS}"]').tap()
    wait_for_heat(page, BOLTS)
    keep(page, "phone-page")


def test_a_page_is_shown_in_dark_surroundings(open_hit, keep, pixels):
    page = open_hit(color_scheme="dark")
    assert pixels(page.locator(".panel")).mean() < 80
    keep(page, "page-dark")

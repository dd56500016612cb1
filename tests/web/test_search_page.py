"""Asking a question on the web page."""

import re
from urllib.parse import quote

import pytest

from maxsight import Library

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
QUESTION = "How tight should the bolts that hold the compressor be?"


def ask(page, question=QUESTION):
    page.get_by_role("searchbox", name="Search the library").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".result .open")


def found(page):
    return page.eval_on_selector_all(
        ".result",
        "items => items.map(item => ['h3', '.rank + span'].map(part => item.querySelector(part).innerText))",
    )


def test_a_question_shows_the_pages_that_answer_it_best_first(server, open_page, indexed_folder, keep):
    page = open_page(server)
    ask(page)
    with Library.open(indexed_folder / "maxsight.library", read_only=True) as library:
        hits = library.search(QUESTION)
    assert found(page) == [[hit.file, f"Page {hit.page_number}"] for hit in hits]
    assert page.locator(".result .score").first.inner_text().split()[-1] == f"{hits[0].score:.2f}"
    marked = page.locator(".result").first.locator("mark").all_inner_texts()
    assert {"compressor", "bolts"} <= {word.lower() for word in marked}
    assert page.locator("#live").inner_text() == "10 pages"
    keep(page, "results")


def test_results_show_what_their_pages_look_like(server, open_page):
    page = open_page(server)
    ask(page)
    first = page.locator(".result .thumbnail").first
    first.locator("img").evaluate("image => image.decode()")
    box = first.bounding_box()
    assert box["height"] / box["width"] == pytest.approx(842 / 595, rel=0.02)
    assert first.locator(".spot").count() > 0  # where it matched


def test_results_are_numbered_say_what_they_found_and_mark_words_that_are_alike(server, open_page):
    page = open_page(server)
    ask(page, "How are bolts tight?")
    assert page.locator(".result .rank").all_inner_texts()[:3] == ["1", "2", "3"]
    best = page.locator(".result").first
    expect(best.locator("mark:not(.alike)").first).to_have_text("bolts")
    expect(best.locator("mark.alike").first).to_have_text(re.compile("tightened|Tighten", re.IGNORECASE))
    expect(best.locator(".score")).to_contain_text("2 of 2 words")
    page.get_by_text("What the numbers mean").click()
    expect(page.locator(".numbers p")).to_contain_text("MaxSim")


def test_results_are_grouped_by_document_and_folded(server, open_page, keep):
    page = open_page(server)
    ask(page)
    page.get_by_role("button", name="By document").click()
    group = page.locator(".group", has_text="heat-pump-service-manual.pdf")
    expect(group.locator("summary")).to_contain_text("best is number 1")
    ranks = [int(rank) for rank in group.locator(".rank").all_inner_texts()]
    assert len(ranks) > 1 and ranks == sorted(ranks)
    keep(page, "by-document")
    group.locator("summary").click()
    expect(group.locator(".result").first).to_be_hidden()
    assert "group=document" in page.url
    page.get_by_role("button", name="By document").click()
    expect(page.locator(".group")).to_have_count(0)


def test_the_last_questions_are_remembered_here_until_they_are_forgotten(server, open_page, keep):
    page = open_page(server)
    for question in ("noise at night", "bolts"):
        ask(page, question)
        expect(page.get_by_role("heading", name=f"Results for “{question}”")).to_be_attached()
    page.get_by_role("link", name="maxsight").click()
    recent = page.get_by_role("region", name="Recent searches")
    expect(recent.get_by_role("link")).to_have_text(["bolts", "noise at night"])
    keep(page, "start")
    recent.get_by_role("link", name="noise at night").click()
    page.wait_for_selector(".result .open")
    page.go_back()
    recent.get_by_role("button", name="Forget").click()
    expect(page.locator(".recent")).to_have_count(0)
    expect(page.get_by_role("searchbox", name="Search the library")).to_be_focused()
    page.reload()
    page.wait_for_selector(".documents")
    expect(page.locator(".recent")).to_have_count(0)


def test_documents_are_picked_by_name_together_with_other_conditions(server, open_page, keep):
    page = open_page(server)
    ask(page, "noise at night")
    page.get_by_role("button", name="Filter").click()
    dialog = page.get_by_role("dialog", name="Filter")
    dialog.get_by_label("Narrow the list").fill("tower")
    dialog.get_by_label("dark-towers-paper.pdf").check()
    dialog.get_by_label("Narrow the list").fill("notes")
    dialog.get_by_label("control-room-notes.md").check()
    dialog.get_by_role("button", name="Add a condition").click()
    second = dialog.get_by_role("group", name="Condition").nth(1)
    second.get_by_label("Field").select_option("Page")
    second.get_by_label("Comparison").select_option("is between")
    second.get_by_label("From").fill("2")
    second.get_by_label("To").fill("3")
    keep(page, "conditions")
    dialog.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("list", name="Filters").get_by_role("listitem")).to_have_text(
        ["Document is one of dark-towers-paper.pdf, control-room-notes.md", "Page is between 2 and 3"]
    )
    expect(page.locator("#live")).to_have_text("2 pages")
    assert sorted(found(page)) == [["dark-towers-paper.pdf", f"Page {number}"] for number in (2, 3)]
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(second.get_by_label("To")).to_have_value("3")  # read back, to be changed
    expect(dialog.get_by_label("dark-towers-paper.pdf")).to_be_checked()


def test_a_mangled_link_shows_what_it_can(server, open_page):
    page = open_page(f"{server}/?q=compressor&top=%FF&view=nothing&more")
    expect(page.locator(".result .open")).to_have_count(10)


def test_the_address_of_a_search_can_be_shared(server, open_page):
    page = open_page(server)
    ask(page)
    other = open_page(page.url)
    other.wait_for_selector(".result .open")  # before, there are blanks in their places
    assert found(other) == found(page)
    assert other.get_by_role("searchbox").input_value() == QUESTION


def test_back_leads_from_a_page_to_the_results_and_from_there_to_the_start(server, open_page):
    page = open_page(server)
    ask(page)
    page.locator(".result .open").nth(2).click()
    page.wait_for_selector("#page .word")
    page.go_back()
    page.wait_for_selector("body[data-view=results]")
    expect(page.locator(".result .open").nth(2)).to_be_focused()  # the one that was looked at
    page.go_back()
    page.wait_for_selector("body[data-view=home] .documents")
    page.go_forward()
    page.wait_for_selector("body[data-view=results] .result")


def test_a_filter_is_picked_and_taken_off_again(server, open_page, keep):
    page = open_page(server)
    ask(page, "noise at night")
    page.get_by_role("button", name="Filter").click()
    dialog = page.get_by_role("dialog", name="Filter")
    dialog.get_by_label("Field").select_option("File name")
    dialog.get_by_label("Comparison").select_option("contains")
    dialog.get_by_label("Value").fill("towers")
    keep(page, "filter")
    dialog.get_by_role("button", name="Apply").click()
    chip = page.get_by_role("button", name="Remove filter: File name contains towers")
    chip.wait_for()
    expect(page.locator("#live")).to_have_text("4 pages")
    assert {name for name, _ in found(page)} == {"dark-towers-paper.pdf"}
    assert "filter=file+LIKE" in page.url
    chip.click()
    expect(page.locator("#live")).to_have_text("10 pages")


def test_a_filter_with_a_mistake_says_what_is_wrong(server, open_page):
    page = open_page(f"{server}/?q=compressor&filter={quote('colour = 3')}")
    alert = page.locator("#results").get_by_role("alert")
    assert "colour" in alert.inner_text()
    page.get_by_role("button", name="Remove filter: colour = 3").click()
    page.wait_for_selector(".result")


def test_conditions_are_read_back_as_they_were_picked(server, open_page):
    page = open_page(server)
    parts = [
        {"field": "file", "operator": "contains", "value": "o'brien's AND co", "type": "text"},
        {"field": "page_number", "operator": "atLeast", "value": "3", "type": "whole number"},
        {"field": "Fiscal year", "operator": "is", "value": "2024", "type": "whole number"},
        {"field": "public", "operator": "is", "value": "true", "type": "true/false"},
        {"field": "share", "operator": "between", "value": ["-0.5", "2"], "type": "number"},
        {"field": "path", "operator": "oneOf", "value": ["a, b.pdf", "it's.pdf"], "type": "text"},
    ]
    fields = {part["field"]: part["type"] for part in parts}
    sql, read = page.evaluate(
        """async ([parts, fields]) => {
          const { join, partsOf } = await import("/static/js/conditions.js");
          return [join(parts), partsOf(join(parts), fields)];
        }""",
        [parts, fields],
    )
    assert sql == (
        "file LIKE '%o''brien''s AND co%' AND page_number >= 3 AND \"Fiscal year\" = 2024 AND public = true "
        "AND share BETWEEN -0.5 AND 2 AND path IN ('a, b.pdf', 'it''s.pdf')"
    )
    assert read == parts


@pytest.mark.parametrize("written", ["page_number >= 3 OR file = 'a'", "page_number IN (1, 2)", "file = 'a"])
def test_a_condition_written_by_hand_stays_as_it_is(server, open_page, written):
    page = open_page(server)
    read = page.evaluate(
        """async (written) => (await import("/static/js/conditions.js")).partsOf(
          written, { file: "text", page_number: "whole number" })""",
        written,
    )
    assert read == [{"sql": written}]


def test_the_text_of_a_document_never_becomes_markup(own_server, open_page, tmp_path):
    hostile = tmp_path / "<img src=x onerror=alert(1)>.txt"
    hostile.write_text("The password of the boiler room is <img src=x onerror=alert(1)> <b>seven</b>.")
    page = open_page(own_server)
    page.on("dialog", lambda dialog: pytest.fail("a script of a document was run"))
    page.set_input_files("#files", hostile)
    page.get_by_role("button", name="Close").wait_for()
    ask(page, "password of the boiler room <b>seven</b>")
    assert "<b>seven</b>" in page.locator(".result .snippet").first.inner_text()
    assert page.locator(".snippet b, .snippet img").count() == 0


def test_nothing_found_yet_says_how_to_begin(open_page, tmp_path, keep):
    from conftest import serving

    Library.create(tmp_path / "maxsight.library").close()
    with serving(tmp_path) as address:
        page = open_page(address)
        page.get_by_text("Drop PDFs, pictures or texts here").wait_for()
        keep(page, "empty")
        ask_nothing = page.get_by_role("searchbox")
        ask_nothing.fill("anything")
        ask_nothing.press("Enter")
        page.get_by_text("There is nothing to find yet.").wait_for()


def test_more_results_are_shown_when_asked_for(server, open_page):
    page = open_page(server)
    ask(page)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".result .open").nth(10)).to_be_focused()
    assert len(found(page)) == 13  # all there are
    page.goto(f"{server}/?q={quote(QUESTION)}&group=document")
    page.get_by_role("button", name="Show more").click()
    expect(
        page.locator(".result", has=page.locator(".rank", has_text=re.compile("^11$"))).locator(".open")
    ).to_be_focused()


def test_a_browser_that_stores_nothing_still_searches_and_reads(server, open_page):
    page = open_page(server)
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page.goto(server)
    ask(page)
    page.locator(".result .open").first.click()
    page.wait_for_selector(".sheet.there[aria-current]")
    page.keyboard.press("t")
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_until_others_are_chosen(server, open_page, pixels, keep, scheme):
    page = open_page(f"{server}/?q={quote(QUESTION)}", color_scheme=scheme)
    page.wait_for_selector(".result .thumbnail.there")

    def is_dark():
        return pixels(page.locator("header.bar")).mean() < 80

    assert is_dark() == (scheme == "dark")
    keep(page, f"results-{scheme}")
    theme = page.get_by_role("button", name="Colours")
    while "dark" not in theme.get_attribute("aria-label"):
        theme.click()
    assert is_dark()
    page.reload()
    assert is_dark()


def test_a_phone_shows_results_without_scrolling_sideways(server, open_page, keep):
    page = open_page(
        f"{server}/?q={quote(QUESTION)}",
        viewport={"width": 360, "height": 740},
        is_mobile=True,
        has_touch=True,
    )
    page.wait_for_selector(".result .thumbnail.there")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    keep(page, "phone-results")

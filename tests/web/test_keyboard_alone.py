"""The whole way by keyboard: ask, choose, look, go back."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

QUESTION = "How tight should the bolts that hold the compressor be?"


def focused(page):
    return page.evaluate(
        "document.activeElement.closest('[data-page]')?.dataset.page ?? document.activeElement.id"
    )


def test_a_page_is_found_looked_at_and_left_by_keyboard(server, open_page):
    page = open_page(server)
    page.wait_for_selector(".documents")
    page.keyboard.press("/")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector(".result .open")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = page.locator(".result").nth(1).get_attribute("data-page")
    assert focused(page) == second
    page.keyboard.press("Enter")
    page.wait_for_selector(".heat:not([hidden])")
    for _ in range(40):  # Tab leads to the words
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "word":
            break
    word = "document.activeElement.dataset.word"
    first = page.evaluate(word)
    page.wait_for_selector(f"[aria-current] .heat[data-word='{first}']")
    page.keyboard.press("Tab")
    second_word = page.evaluate(word)
    assert second_word != first
    page.wait_for_selector(f"[aria-current] .heat[data-word='{second_word}']")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.keyboard.press("+")
    expect(page.locator(".zoom")).to_have_text("125%")
    page.keyboard.press("Escape")
    page.wait_for_selector("body[data-view=results]")
    expect(page.locator(".result .open").nth(1)).to_be_focused()


def test_the_first_tab_leads_past_the_bar(server, open_page):
    page = open_page(server)
    page.wait_for_selector(".documents")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    assert focused(page) == "main"


def test_a_dialog_takes_the_focus_and_gives_it_back(server, open_page):
    page = open_page(server)
    page.get_by_role("button", name="Keyboard shortcuts").press("Enter")
    assert page.evaluate("document.activeElement.closest('dialog').id") == "keys"
    page.keyboard.press("Escape")
    assert focused(page) == "open-keys"


def test_letters_typed_into_the_search_box_are_no_shortcuts(server, open_page):
    page = open_page(f"{server}/?q=heat")
    page.wait_for_selector(".result")
    page.locator(".result .open").first.click()
    page.wait_for_selector(".heat:not([hidden])")
    box = page.get_by_role("searchbox")
    box.fill("")
    box.type("h+0")
    assert box.input_value() == "h+0"
    assert page.locator("[aria-current] .heat").is_visible()

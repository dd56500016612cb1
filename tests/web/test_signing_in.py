"""The web page asks for the server's token."""

import pytest

from conftest import serving

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

TOKEN = "a-token-of-the-test-suite"


def test_a_token_opens_the_page_and_signing_out_closes_it(indexed_folder, open_page, keep):
    with serving(indexed_folder, "--read-only", "--token", TOKEN) as address:
        page = open_page(f"{address}/?q=compressor")
        dialog = page.get_by_role("dialog", name="Sign in")
        expect(dialog.get_by_label("Token")).to_be_focused()
        page.keyboard.press("Escape")
        expect(dialog).to_be_visible()
        keep(page, "sign-in")
        dialog.get_by_label("Token").fill("not this one, I fear")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("the token is wrong")
        dialog.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator(".result").first).to_be_visible()  # what was asked for before
        expect(page.locator(".thumbnail.there").first).to_be_visible()
        assert page.evaluate("document.cookie") == ""  # no script can read the session
        page.evaluate("localStorage.setItem('recent', JSON.stringify(['whales']))")
        page.get_by_role("button", name="Sign out").click()
        expect(dialog).to_be_visible()
        assert page.evaluate("localStorage.getItem('recent')") is None

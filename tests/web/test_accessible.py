"""What axe finds: names, roles, contrast, order. Every view, in light and dark."""

from urllib.parse import quote

import pytest

from maxsight import Library

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

QUESTION = "How tight should the bolts that hold the compressor be?"


def findings(page):
    violations = axe.Axe().run(page).response["violations"]
    return [
        (found["impact"], found["id"], found["nodes"][0]["html"])
        for found in violations
        if found["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(
    ("shown", "ready"), [("/", ".documents .there"), (f"/?q={quote(QUESTION)}", ".result .there")]
)
def test_axe_finds_nothing_serious_on_a_phone(server, open_page, shown, ready):
    phone = {"width": 360, "height": 740}
    page = open_page(f"{server}{shown}", viewport=phone, bypass_csp=True)
    page.wait_for_selector(ready)
    assert findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["start", "results", "filter", "page", "reading", "problem"])
def test_axe_finds_nothing_serious(server, open_page, indexed_folder, view, scheme):
    with Library.open(indexed_folder / "maxsight.library", read_only=True) as library:
        page_id = library.search(QUESTION, top_k=1)[0].page_id
    asked = f"{server}/?q={quote(QUESTION)}"
    address, ready = {
        "start": (server, ".documents .there"),
        "results": (f"{asked}&filter=page_number+%3E+0", ".result .there"),
        "filter": (asked, ".result .there"),
        "page": (f"{asked}&page={page_id}&word=5", ".heat:not([hidden])"),
        "reading": (f"{asked}&page={page_id}", ".heat:not([hidden])"),
        "problem": (f"{asked}&filter=colour+%3D+3", "[role=alert]"),
    }[view]
    page = open_page(address, color_scheme=scheme, bypass_csp=True)  # axe is a script that is put in
    page.wait_for_selector(ready)
    if view == "filter":
        page.get_by_role("button", name="Filter").click()
        page.wait_for_selector("#filters[open] .picks input")
    if view == "reading":  # with all that can be open beside the page
        page.get_by_role("button", name="Pages", exact=True).click()
        page.keyboard.press("f")
        page.keyboard.type("compressor")
        page.wait_for_selector(".found.active")
        page.get_by_role("button", name="More", exact=True).click()
    assert findings(page) == []


def test_the_api_is_documented_from_files_of_the_package(server, open_page):
    page = open_page(f"{server}/docs")
    page.wait_for_selector(".opblock-summary")
    assert "/v1/search" in page.locator("#api").inner_text()

"""A model's answer on the web page: streamed, with links to the cited pages."""

import threading
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

import pytest

from conftest import serving
from maxsight import Library

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytest.importorskip("openai", reason="the extra 'ask' is not installed")

QUESTION = "How tight should the bolts that hold the compressor be?"
OFFER = "Answer in words"


@contextmanager
def serving_with_model(folder, endpoint, model):
    """Serve the library of a folder, with answers by a model; other servers are started without."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OPENAI_BASE_URL", endpoint.url)
            environment.setenv("MAXSIGHT_MODEL", model)
            address = stack.enter_context(serving(folder, "--read-only"))
        yield address


@pytest.fixture(scope="module")
def answering(indexed_folder, endpoint):
    """The address of a server that knows whom to ask."""
    with serving_with_model(indexed_folder, endpoint, "talker") as address:
        yield address


@pytest.fixture
def asked(answering, open_page):
    """``asked(**context)`` opens the results of the question."""

    def open_results(**context):
        page = open_page(f"{answering}/?q={quote(QUESTION)}", **context)
        page.wait_for_selector(".result .open")
        return page

    return open_results


def answer(page):
    return page.get_by_role("region", name="Answer", exact=True)


def test_an_answer_is_said_as_it_comes_and_its_citations_lead_to_the_pages(
    asked, endpoint, indexed_folder, keep
):
    go_on = threading.Event()

    def reply():
        yield "As tight as <b>24 Nm</b> "
        assert go_on.wait(30)
        yield "[1], they say [9]."

    endpoint.reply = reply()
    before = len(endpoint.requests)
    page = asked()
    expect(answer(page)).to_contain_text("The best pages are sent to talker.")
    assert len(endpoint.requests) == before  # nothing leaves before someone presses the button
    page.get_by_role("button", name=OFFER).click()
    expect(page.locator(".said")).to_have_text("As tight as <b>24 Nm</b> ")
    expect(answer(page)).to_have_attribute("aria-busy", "true")
    go_on.set()
    expect(page.locator(".said")).to_have_text("As tight as <b>24 Nm</b> [1], they say [9: no such page].")
    expect(answer(page)).to_contain_text("the answer cites pages that do not exist: 9")
    expect(page.locator("#live")).to_contain_text("[1], they say [9: no such page].")
    assert len(endpoint.requests) == before + 1
    keep(page, "answer")

    with Library.open(indexed_folder / "maxsight.library", read_only=True) as library:
        best = library.search(QUESTION, top_k=1)[0]
    name = f"{best.file}, page {best.page_number}"
    expect(answer(page).get_by_role("list", name="Sources").get_by_role("link")).to_have_text([name])
    answer(page).get_by_role("link", name=f"Source 1: {name}").click()
    page.wait_for_selector("body[data-view=page]")
    assert f"page={best.page_id}" in page.url
    page.go_back()
    expect(page.locator(".said")).to_contain_text("they say")  # and is not asked for again
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".result")).to_have_count(13)
    expect(page.locator(".said")).to_contain_text("they say")
    assert len(endpoint.requests) == before + 1


def test_an_answer_is_asked_for_and_stopped_by_keyboard(asked, endpoint):
    endpoint.hung_up.clear()
    endpoint.reply = iter(lambda: threading.Event().wait(0.01) or "on and on ", None)
    page = asked()
    page.get_by_role("searchbox").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == OFFER:
            break
    page.keyboard.press("Enter")
    expect(answer(page).get_by_role("heading", name="Answer")).to_be_focused()
    expect(page.locator(".said")).to_contain_text("on and on")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("Stopped: this is not the whole answer.")
    expect(answer(page).get_by_role("heading", name="Answer")).to_be_focused()
    assert endpoint.hung_up.wait(20)


def test_another_question_hangs_up_on_the_answer_to_the_one_before(asked, endpoint):
    endpoint.hung_up.clear()
    endpoint.reply = iter(lambda: threading.Event().wait(0.01) or "on and on ", None)
    page = asked()
    page.get_by_role("button", name=OFFER).click()
    expect(page.locator(".said")).to_contain_text("on and on")
    page.get_by_role("searchbox").fill("noise at night")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=OFFER).wait_for()
    expect(page.locator(".said")).to_have_count(0)
    assert endpoint.hung_up.wait(20)


def test_what_goes_wrong_is_said_with_the_next_step_and_can_be_tried_again(
    indexed_folder, endpoint, open_page
):
    with serving_with_model(indexed_folder, endpoint, "401") as address:
        page = open_page(f"{address}/?q={quote(QUESTION)}")
        page.get_by_role("button", name=OFFER).click()
        alert = answer(page).get_by_role("alert")
        expect(alert).to_contain_text("OPENAI_API_KEY")
        before = len(endpoint.requests)
        with page.expect_response("**/v1/ask"):
            alert.get_by_role("button", name="Try again").click()
        expect(alert).to_contain_text("OPENAI_API_KEY")
    assert len(endpoint.requests) == before + 1


def test_nothing_is_offered_where_no_model_is_configured(server, open_page):
    page = open_page(f"{server}/?q={quote(QUESTION)}")
    page.wait_for_selector(".result .open")
    expect(page.get_by_role("button", name=OFFER)).to_have_count(0)
    expect(page.locator(".answer")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_an_answer(asked, endpoint, keep, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    endpoint.reply = ["As tight as 24 Nm [1], ", "or so [9]."]
    page = asked(color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 740})
    page.get_by_role("button", name=OFFER).click()
    page.locator(".sources").wait_for()
    serious = [
        (found["id"], found["nodes"][0]["html"])
        for found in axe.Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    keep(page, f"phone-answer-{scheme}")

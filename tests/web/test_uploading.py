"""Adding files on the web page, following them, deleting them."""

import re
import shutil

import pytest

from conftest import PATIENCE_MS, serving
from pdf_files import write_pdf

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

ANSWER = "The key of the boathouse hangs behind the third oar."


@pytest.fixture
def files(tmp_path):
    good = write_pdf(tmp_path / "boathouse.pdf", [[(72, 100, ANSWER)], [(72, 100, "Nobody rows in May.")]])
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnothing else")
    return [good, broken]


def test_files_are_added_followed_found_and_deleted(own_server, open_page, files, keep):
    page = open_page(f"{own_server}/")
    expect(page.locator(".documents tbody tr")).to_have_count(3)
    page.set_input_files("#files", files)
    job = page.locator(".job")
    expect(job.get_by_role("progressbar")).to_be_visible()
    expect(job.get_by_role("heading")).to_have_text("1 file added, 1 skipped")
    expect(job.locator("li.indexed")).to_contain_text("boathouse.pdf")
    expect(job.locator("li.indexed .state")).to_have_text("2 pages")
    expect(job.locator("li.skipped")).to_contain_text("the PDF is cut short")
    expect(page.locator("#live")).to_have_text("1 file added, 1 skipped")
    row = page.locator(".documents tr", has_text="boathouse.pdf")
    expect(page.locator(".folder", has=row).locator("summary")).to_contain_text("Uploaded files")
    keep(page, "uploaded")

    job.get_by_role("button", name="Close").click()
    box = page.get_by_role("searchbox")
    box.fill("Where is the key of the boathouse?")
    box.press("Enter")
    expect(page.locator(".result h3").first).to_have_text("boathouse.pdf")
    expect(page.locator(".result .snippet").first).to_contain_text("behind the third oar")

    page.get_by_role("link", name="Library").click()
    row.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete boathouse.pdf?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    keep(page, "delete")
    dialog.get_by_role("button", name="Cancel").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    expect(page.locator("#live")).to_have_text("boathouse.pdf is deleted")
    page.go_back()
    expect(page.locator(".result h3").first).not_to_have_text("boathouse.pdf")


def test_the_same_bytes_again_make_no_second_document_and_the_page_says_which_one_has_them(
    own_server, open_page, files, tmp_path
):
    page = open_page(own_server)
    page.set_input_files("#files", files[0])
    expect(page.locator(".job").get_by_role("heading")).to_have_text("1 file added")
    twin = shutil.copy(files[0], tmp_path / "copy of it.pdf")
    page.set_input_files("#files", [twin, files[0]])
    job = page.locator(".job").nth(1)
    expect(job.get_by_role("heading")).to_have_text("Nothing new: 2 files were here before")
    line = job.locator("li", has_text="copy of it.pdf")
    expect(line).to_contain_text("already there")
    expect(line).to_contain_text("the library has this file as boathouse.pdf", ignore_case=True)
    expect(page.locator(".documents tbody tr")).to_have_count(4)


def test_an_upload_without_its_events_is_asked_about_until_it_ends_or_the_session_does(
    own_server, open_page, files
):
    page = open_page(own_server)
    page.route(re.compile("/events$"), lambda route: route.fulfill(status=503))
    page.set_input_files("#files", files[0])
    expect(page.locator(".job").get_by_role("heading")).to_have_text("1 file added")
    page.route(re.compile("/v1/jobs/[^/]+$"), lambda route: route.fulfill(status=401))
    page.set_input_files("#files", files[1])
    expect(page.locator(".job").nth(1).get_by_role("heading")).to_have_text("The indexing can't be followed")
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()


def test_files_are_dropped_anywhere(own_server, open_page, files, keep):
    page = open_page(own_server)
    page.wait_for_selector(".documents")
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "application/pdf" }));
          return transfer;
        }""",
        [files[0].name, list(files[0].read_bytes())],
    )
    page.dispatch_event("main", "dragenter", {"dataTransfer": transfer})
    expect(page.get_by_text("Drop to add to the library")).to_be_visible()
    keep(page, "drop")
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    expect(page.get_by_text("Drop to add to the library")).to_be_hidden()
    expect(page.locator(".job").get_by_role("heading")).to_have_text("1 file added")


def test_indexing_can_be_cancelled_and_is_followed_after_a_reload(own_server, open_page, tmp_path, keep):
    pages = [
        [(72, y, f"Line {y} of page {page} of a long file.") for y in range(60, 780, 12)]
        for page in range(300)
    ]
    many = write_pdf(tmp_path / "many.pdf", pages)
    page = open_page(own_server)
    page.wait_for_selector(".documents")
    page.set_input_files("#files", many)
    # Pages are encoded together, which takes a busy machine 20 seconds.
    expect(page.locator(".job .hint")).to_contain_text("pages/s", timeout=6 * PATIENCE_MS)
    keep(page, "indexing")
    page.reload()
    page.locator(".job").get_by_role("button", name="Cancel").click()
    expect(page.locator(".job").get_by_role("heading")).to_contain_text("Cancelled", timeout=6 * PATIENCE_MS)


def test_too_many_bytes_are_refused_before_they_are_sent(indexed_folder, open_page, tmp_path, files):
    folder = tmp_path / "served"
    shutil.copytree(indexed_folder, folder)
    with serving(folder, "--max-upload", "500") as address:
        page = open_page(address)
        page.wait_for_selector(".documents")
        sent = []
        page.on("request", lambda request: sent.append(request.method))
        page.set_input_files("#files", files[0])
        expect(page.locator(".job").get_by_role("alert")).to_contain_text("500 B can be added at once")
        assert "POST" not in sent


def test_what_cannot_be_written_to_offers_no_changes(server, open_page):
    page = open_page(f"{server}/")
    page.wait_for_selector(".documents")
    expect(page.get_by_role("button", name="Add files")).to_be_hidden()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)


def test_a_phone_counts_the_pages_of_a_document_with_their_noun(server, open_page):
    page = open_page(f"{server}/", viewport={"width": 390, "height": 844})
    page.wait_for_selector(".documents .unit")
    cells = page.locator(".documents td[data-label=Pages]").all_inner_texts()
    assert "1 page" in cells and "8 pages" in cells
    page.set_viewport_size({"width": 1280, "height": 800})
    assert "1" in page.locator(".documents td[data-label=Pages]").all_inner_texts()

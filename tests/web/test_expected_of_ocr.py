"""Predicted error rates of OCR on the web page."""

from urllib.parse import quote

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from conftest import DarknessJudge, serving
from maxsight import Library
from pdf_files import write_pdf

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
MANUAL = "heat-pump-service-manual.pdf"


@pytest.fixture(scope="module")
def manual(indexed_folder):
    with Library.open(indexed_folder / "maxsight.library", read_only=True) as library:
        (entry,) = library.documents(f"file = '{MANUAL}'")
        return entry


def test_the_library_says_in_words_how_well_documents_can_be_read(open_page, tmp_path, keep):
    scans = tmp_path / "scans"
    scans.mkdir()
    clean = Image.new("L", (900, 300), 255)
    ImageDraw.Draw(clean).text((60, 100), "A clean page of a scan", font=ImageFont.load_default(48), fill=0)
    clean.save(scans / "clean.png")
    ImageOps.invert(clean).save(scans / "dark.png")
    write_pdf(tmp_path / "typed.pdf", [[(72, 100, "A page with a text layer.")]])
    with Library.create(tmp_path / "maxsight.library") as library:
        library.index([tmp_path / "typed.pdf", scans], quality=DarknessJudge())
    with serving(tmp_path, "--read-only") as address:
        page = open_page(address)
        told = {
            name: page.locator(".documents tbody tr", has_text=name).locator("[data-label='Notes']")
            for name in ("clean.png", "dark.png", "typed.pdf")
        }
        expect(told["clean.png"]).to_have_text("scan")
        expect(told["dark.png"]).to_have_text("scan, likely misread")
        expect(told["typed.pdf"]).to_be_empty()
        expect(page.locator(".folder summary h3")).to_have_text(["scans", "Documents"])
        keep(page, "library")


def test_a_page_shows_its_predicted_error_rates_apart_from_the_users_fields(server, open_page, manual):
    only = quote(f"file = '{MANUAL}' AND page_number = 2")
    page = open_page(f"{server}/?q=compressor&filter={only}")
    cer = manual.page_fields[1]["predicted_cer"]
    expect(page.locator(".result .facts")).to_have_text(f"Expected CER {cer:.2f}")
    page.locator(".result .open").click()
    told = page.get_by_role("region", name="Expected of OCR")
    expect(told.locator("dd")).to_have_text([f"{cer:.2f}", f"{manual.page_fields[1]['predicted_wer']:.2f}"])
    expect(told).to_contain_text("as dark")
    expect(page.get_by_role("heading", name="Fields")).to_have_count(0)


def test_pages_are_filtered_by_what_is_expected_of_them(server, open_page, indexed_folder, manual):
    least = max(fields["predicted_cer"] for fields in manual.page_fields)
    with Library.open(indexed_folder / "maxsight.library", read_only=True) as library:
        fitting = library.search("compressor", where=f"predicted_cer >= {least}")
    page = open_page(f"{server}/?q=compressor")
    page.get_by_role("button", name="Filter").click()
    dialog = page.get_by_role("dialog", name="Filter")
    dialog.get_by_label("Field").select_option(label="Expected CER")
    dialog.get_by_label("Comparison").select_option("at least")
    dialog.get_by_label("Value").fill(str(least))
    dialog.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name=f"Remove filter: Expected CER at least {least}").wait_for()
    expect(page.locator(".result")).to_have_count(len(fitting))
    assert 0 < len(fitting) < 10

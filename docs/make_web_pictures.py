"""Makes the heat picture and the pictures of the web page in docs/images, from the sample documents.

Run it from the root: ``python docs/make_web_pictures.py``. It needs Chromium (``apt-get install chromium``) and the
extras ``server`` and ``dev``.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from maxsight import Library

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
QUESTION = "How tight should the bolts that hold the compressor be?"


def main() -> None:
    """Index the sample documents, serve them, and take the pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples" / "documents", Path(folder) / "documents")
        with Library.create(Path(folder) / "maxsight.library") as library:
            library.index([Path(folder) / "documents"])
            heat = library.draw(library.explain(QUESTION, "heat-pump-service-manual.pdf", 6))
            heat.resize((heat.width * 3 // 4, heat.height * 3 // 4)).save(IMAGES / "heat.png")
        command = [sys.executable, "-m", "maxsight", "serve", "--port", "0", "--read-only"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
            try:
                address = re.search(r"http://\S+", server.stdout.readline())[0]
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(
                        executable_path=chromium, args=[] if os.geteuid() else ["--no-sandbox"]
                    )
                    for scheme in ("light", "dark"):
                        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
                        take(page, address, scheme)
                    browser.close()
            finally:
                server.terminate()


def take(page: Page, address: str, scheme: str) -> None:
    """Ask, and take the page that answers."""
    page.goto(address)
    page.get_by_role("searchbox").fill(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector(".result .there")
    page.keyboard.press("Enter")  # once more, warm
    page.wait_for_load_state("networkidle")
    page.locator(".result .open").first.click()
    page.wait_for_selector(".sheet[aria-current].there .heat:not([hidden])")
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"web-page-{scheme}.png", animations="disabled")


if __name__ == "__main__":
    main()

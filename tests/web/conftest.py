"""A real server and a real browser: headless Chromium, driven by Playwright."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from maxsight import Library
from maxsight.pictures import Fit, PictureFit

DOCUMENTS = Path(__file__).parents[2] / "examples" / "documents"
SCREENSHOTS = Path(__file__).parent / "screenshots"
INDEXED = ["heat-pump-service-manual.pdf", "dark-towers-paper.pdf", "control-room-notes.md"]
DESKTOP = {"width": 1360, "height": 850}
PATIENCE_MS = 20_000  # of a machine that does much else


class DarknessJudge:
    """Expects of OCR as many wrong characters as the page is dark, and twice as many wrong words."""

    revision = "1"
    dpi = 36
    picture = PictureFit(Fit.MULTIPLE, multiple_px=1, min_pixels=1, max_pixels=10**6)

    def page_fields(self, picture):
        dark = 1 - float(picture.mean()) / 255
        return {
            "predicted_cer": round(dark, 4),
            "predicted_wer": round(2 * dark, 4),
            "quality_note": "as dark",
        }


@pytest.fixture(scope="session")
def indexed_folder(tmp_path_factory):
    """A folder with some of the sample documents and their library, its pages judged. Not to be written to."""
    folder = tmp_path_factory.mktemp("web")
    for name in INDEXED:
        shutil.copy(DOCUMENTS / name, folder)
    with Library.create(folder / "maxsight.library") as library:
        library.index([folder / name for name in INDEXED], quality=DarknessJudge())
    return folder


@contextmanager
def serving(folder, *options):
    """Serve the library of a folder; gives the address."""
    pytest.importorskip("fastapi", reason="the extra 'server' is not installed")
    command = [sys.executable, "-m", "maxsight", "serve", "--library", "maxsight.library", "--port", "0"]
    with subprocess.Popen([*command, *options], cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield re.search(r"http://\S+", server.stdout.readline())[0]
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def server(indexed_folder):
    """The address of a server that nobody changes anything of."""
    with serving(indexed_folder, "--read-only") as address:
        yield address


@pytest.fixture
def own_server(indexed_folder, tmp_path):
    """The address of a server with a library of its own, that can be written to."""
    folder = tmp_path / "served"
    shutil.copytree(indexed_folder, folder)
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Chromium. It is closed with its module: while it runs, no other test can have an event loop of its own."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("there is no Chromium: apt-get install chromium")
    playwright.expect.set_options(timeout=PATIENCE_MS)
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses to run as root with one
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=chromium, args=sandbox)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser):
    """``open_page(address, **context)`` opens a page, and sees to it that it reports no error and stays at home."""
    contexts, faults = [], []

    def open_one(address, **options):
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        home = urlsplit(address).netloc

        def watch(request):
            if request.url.startswith("http") and urlsplit(request.url).netloc != home:
                faults.append(f"went to {request.url}")

        page.on("request", watch)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None,
        )
        page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def keep():
    """``keep(page, name)`` keeps a screenshot for people to look at."""

    def keep_one(page, name):
        SCREENSHOTS.mkdir(exist_ok=True)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    return keep_one


@pytest.fixture
def pixels():
    """``pixels(locator)`` gives what is on the screen. Shape ``(height, width, 3)``, int."""

    def take(locator):
        shot = Image.open(BytesIO(locator.screenshot(animations="disabled"))).convert("RGB")
        return np.asarray(shot).astype(int)

    return take

"""A run over rows that are pages is killed (kill -9), and the same command completes it."""

import json
import subprocess
import sys
import time

from maxsight import Library
from page_rows import page_row, write_rows

PAGES = 40


def test_a_killed_run_over_images_loses_no_page_and_stores_none_twice(tmp_path):
    rows = [
        page_row(number, f"report {number % 3}", number, ("red", "green", "blue")[number % 3])
        for number in range(PAGES)
    ]
    file = write_rows(tmp_path / "corpus.parquet", *rows, row_group_size=7)
    library = tmp_path / "test.library"
    fields = ("--image-field", "image", "--document-field", "doc_id", "--page-field", "page_number_in_doc")
    command = [sys.executable, "-m", "maxsight", "index", file, "-l", library, *fields]
    options = ("--text-field", "markdown", "--ocr", "none", "--workers", "1", "--json")
    for wait_s in (1.5, 2.5, 3.5):
        run = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait_s)
        run.kill()
        run.wait()
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["not_indexed"] == []
    with Library.open(library) as survivor:
        ids = [fields["corpus_id"] for entry in survivor.documents() for fields in entry.page_fields]
        assert sorted(ids) == list(range(PAGES))
        assert all(entry.complete for entry in survivor.documents())
        assert survivor.verify().clean

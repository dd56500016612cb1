"""Do the words that are stored agree with those of an independent reader, poppler's pdftotext?

Word recall is the share of pdftotext's words, counted as often as they appear, that are among the stored words of the
page. Case and punctuation do not count. The figures are of pages on which pdftotext finds words.

OCR is needless if it read a page whose text layer says the same: at least 20 words, of which OCR found 0.9. It is
missed if a page has something on it, and no words are stored.
"""

import re
import shutil
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from pathlib import Path

from measure import SAMPLES, arguments, save

from maxsight.documents import (
    Failed,
    OcrChoice,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    discover,
    read_documents,
)
from maxsight.documents.formats import open_source
from maxsight.documents.ocr.choosing import is_blank
from maxsight.errors import UnreadableDocumentError
from maxsight.types import TextSource

GOOD_RECALL = 0.9
LAYER_WORDS = 20
MOST_NAMED = 15
_HYPHEN_AT_LINE_END = re.compile(r"(?<=\w)-\n(?=\w)")


def words_of(text):
    """Count the words of a text. Those that a line end divides are one."""
    plain = unicodedata.normalize("NFKC", _HYPHEN_AT_LINE_END.sub("", text)).casefold()
    return Counter(re.findall(r"\w+", plain))


def pages_by_poppler(file):
    """Return the words of each page; none of a file that poppler can't read."""
    done = subprocess.run(
        ["pdftotext", "-q", "-enc", "UTF-8", str(file), "-"], capture_output=True, check=False
    )
    return [words_of(page) for page in done.stdout.decode("utf-8", "replace").split("\f")[:-1]]


def has_ink(file, page_index):
    try:
        source = open_source(file, ReadSettings(ocr=OcrChoice.NEVER, dpi=50))
        try:
            return not is_blank(source.render_page(page_index))
        finally:
            source.close()
    except UnreadableDocumentError:
        return False


def compare(folder, settings):
    files = sorted(found for found in discover([folder], include=["*.pdf"]) if isinstance(found, Path))
    expected = {file: pages_by_poppler(file) for file in files}
    recalls, problems, needless, missed = {}, [], [], []
    hits = total = pages = by_ocr = 0
    start = time.perf_counter()
    for event in read_documents([ReadJob(file) for file in files], settings):
        file = event.job.path
        if isinstance(event, PageFailed | Failed):
            problems.append(str(event.error.path))
        if not isinstance(event, PageRead):
            continue
        page, pages = event.page, pages + 1
        words = words_of(page.text)
        layer = expected[file][page.page_index] if page.page_index < len(expected[file]) else Counter()
        found, count = (layer & words).total(), layer.total()
        hits, total = hits + found, total + count
        is_ocr = page.text_source in (TextSource.TESSERACT, TextSource.RAPIDOCR)
        by_ocr += is_ocr
        name = f"{file.name}, page {page.page_number}"
        if count:
            recalls[name] = found / count
        if is_ocr and count >= LAYER_WORDS and found >= GOOD_RECALL * count:
            needless.append(name)
        if not words and has_ink(file, page.page_index):
            missed.append(name)
    seconds = time.perf_counter() - start
    worst = sorted(recalls, key=recalls.get)[:MOST_NAMED]
    return {
        "documents": len(files),
        "pages": pages,
        "problems": len(problems),
        "words by pdftotext": total,
        "word recall, all words": round(hits / total, 4) if total else None,
        f"share of pages with recall >= {GOOD_RECALL}": round(
            sum(recall >= GOOD_RECALL for recall in recalls.values()) / max(1, len(recalls)), 4
        ),
        "pages read by OCR": by_ocr,
        "needless OCR, pages": len(needless),
        "missed OCR, pages": len(missed),
        "seconds per page": round(seconds / max(1, pages), 3),
        "lowest recall": {name: round(recalls[name], 2) for name in worst if recalls[name] < GOOD_RECALL},
        "needless OCR": needless[:MOST_NAMED],
        "missed OCR": missed[:MOST_NAMED],
    }


def main():
    given = arguments(__doc__, documents=SAMPLES)
    if not shutil.which("pdftotext"):
        sys.exit("pdftotext is not installed: apt-get install poppler-utils")
    save(f"reading-{given.set}", compare(given.documents, ReadSettings()))


if __name__ == "__main__":
    main()

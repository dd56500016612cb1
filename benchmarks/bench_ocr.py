"""How long does OCR take per page, with each engine that is here?"""

import shutil
import time
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


def read(files, engine):
    """Read all files with one worker; a page that had a text layer is not counted."""
    pages = words = problems = 0
    start = time.perf_counter()
    for event in read_documents([ReadJob(file) for file in files], ReadSettings(ocr=engine), workers=1):
        match event:
            case PageRead() if event.page.text_source == engine.value:
                pages += 1
                words += len(event.page.words)
            case PageFailed() | Failed():
                problems += 1
    seconds = time.perf_counter() - start
    return {
        "pages read by OCR": pages,
        "words": words,
        "problems": problems,
        "seconds per page": round(seconds / max(1, pages), 2),
    }


def main():
    given = arguments(__doc__, documents=SAMPLES)
    files = [found for found in discover([given.documents]) if isinstance(found, Path)]
    engines = [OcrChoice.RAPIDOCR, *([OcrChoice.TESSERACT] if shutil.which("tesseract") else [])]
    save(f"ocr-{given.set}", {engine.value: read(files, engine) for engine in engines})


if __name__ == "__main__":
    main()

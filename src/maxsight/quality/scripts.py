"""Checks that the OCR engine can read the script of a page. In any other script an error rate means nothing.

The features of a page say nothing of its script. Tesseract detects it, in about the time of reading the page, so this
runs only on request.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents.base import OcrChoice
from maxsight.documents.ocr import tesseract
from maxsight.documents.ocr.choosing import choose_engine
from maxsight.documents.ocr.languages import by_script
from maxsight.errors import InputError
from maxsight.types import TextSource

TIMEOUT_S = 60.0
RAPIDOCR_SCRIPTS = frozenset({"Latin", "Han"})


def find_unread_script(picture: NDArray[np.uint8], choice: OcrChoice) -> str | None:
    """Name the script of a page if the engine can't read it; None if it can, or if no script is detected.

    Args:
        picture: Grey or RGB, upright.
        choice: The engine.

    Raises:
        InputError: Tesseract, which detects scripts, is not installed, or fails.
    """
    if choose_engine(OcrChoice.AUTO) is not TextSource.TESSERACT:
        raise InputError(
            "scripts are detected by tesseract, which is not installed",
            hint="Install it (Debian: apt install tesseract-ocr), or leave the scripts unchecked.",
        )
    script = tesseract.detect_script(Image.fromarray(picture), timeout_s=TIMEOUT_S)
    engine = choose_engine(choice)
    known = (
        RAPIDOCR_SCRIPTS
        if engine is TextSource.RAPIDOCR
        else by_script(tesseract.installed_languages()).keys()
    )
    return None if script is None or script in known else script

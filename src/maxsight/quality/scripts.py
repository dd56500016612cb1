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
from maxsight.errors import InputError
from maxsight.types import TextSource

TIMEOUT_S = 60.0
RAPIDOCR_SCRIPTS = frozenset({"Latin", "Han"})
LATIN = "Latin"
# Tesseract's languages by script, in the names of its detection. All others use Latin letters.
_LANGUAGES = {
    "Arabic": "ara fas pus snd uig urd kur_ara",
    "Armenian": "hye",
    "Bengali": "asm ben",
    "Cyrillic": "aze_cyrl bel bul kaz kir mkd mon rus srp tat tgk ukr uzb_cyrl",
    "Devanagari": "hin mar nep san",
    "Ethiopic": "amh tir",
    "Georgian": "kat kat_old",
    "Greek": "ell grc",
    "Gujarati": "guj",
    "Gurmukhi": "pan",
    "Han": "chi_sim chi_tra jpn",
    "Hangul": "kor",
    "Hebrew": "heb yid",
    "Japanese": "jpn",
    "Kannada": "kan",
    "Khmer": "khm",
    "Lao": "lao",
    "Malayalam": "mal",
    "Myanmar": "mya",
    "Sinhala": "sin",
    "Tamil": "tam",
    "Telugu": "tel",
    "Thai": "tha",
    "Tibetan": "bod dzo",
}


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
        RAPIDOCR_SCRIPTS if engine is TextSource.RAPIDOCR else find_scripts(tesseract.languages().split("+"))
    )
    return None if script is None or script in known else script


def find_scripts(languages: list[str]) -> frozenset[str]:
    """Find the scripts of tesseract's languages."""
    found = {
        name: {script for script, names in _LANGUAGES.items() if name in names.split()} for name in languages
    }
    return frozenset(script for scripts in found.values() for script in scripts or {LATIN})

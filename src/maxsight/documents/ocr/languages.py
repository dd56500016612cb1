"""The languages that tesseract reads a picture in: those the user names, else those of the picture's script.

A language that does not fit puts letters of its own into the text, and every language takes time on every word.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from PIL import Image

from maxsight.documents.cleaning import Lines, confidence_of
from maxsight.documents.ocr import tesseract
from maxsight.errors import InputError

LATIN = "Latin"
ENGLISH = "eng"
UNKNOWN_SCRIPT = "unknown"
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
_CODE = re.compile(r"[a-z]{3}(_\w+)?")
# Three sample pages took 0.65 s each with one language, 1.03 s with six.
MAX_LANGUAGES = 8
LANGUAGES_HINT = "Name the languages of the documents with --ocr-language, as in --ocr-language deu+fra."
# Below this mean confidence the script may be another one. Measured on seven pages: languages of the page's script 0.87
# to 0.95, Latin ones on Cyrillic, Arabic and Japanese 0.12 to 0.65.
MIN_CONFIDENCE = 0.7


def check_languages(languages: Sequence[str]) -> None:
    """Refuse languages that tesseract does not have.

    Raises:
        InputError: It names them, and those that are installed.
    """
    installed = tesseract.installed_languages()
    if missing := [name for name in languages if name not in installed]:
        raise InputError(
            f"tesseract has no language {', '.join(missing)}; installed are {', '.join(installed)}",
            hint=f"Install it (Debian: apt install tesseract-ocr-{missing[0].replace('_', '-')})."
            if _CODE.fullmatch(missing[0])
            else "Tesseract's names have three letters, as deu for German.",
        )


def by_script(languages: Sequence[str]) -> dict[str, list[str]]:
    """Group languages by the scripts that they are written in."""
    scripts: dict[str, list[str]] = {}
    for language in languages:
        named = [script for script, names in _LANGUAGES.items() if language in names.split()]
        for script in named or [LATIN]:
            scripts.setdefault(script, []).append(language)
    return scripts


def script_of(text: str) -> str | None:
    """Name the script of most letters of a text, as tesseract calls it; None without letters."""
    names = Counter(
        unicodedata.name(letter, "").split(" ")[0].title() for letter in text[:2000] if letter.isalpha()
    )
    if names["Hiragana"] + names["Katakana"] > 0.1 * names.total():
        return "Japanese"
    if not names:
        return None
    name = names.most_common(1)[0][0]
    return "Han" if name == "Cjk" else name


def read_lines(
    image: Image.Image, languages: Sequence[str], script: str | None, *, timeout_s: float
) -> Lines:
    """Read a picture in languages of its script.

    Unless the script is known, Latin is tried first: it takes less time than to detect the script.

    Args:
        image: Grey or RGB.
        languages: Those to read in; empty to find them out.
        script: Of the text around the picture, or `UNKNOWN_SCRIPT` to detect it at once; else None.
        timeout_s: Limit for one run of tesseract.

    Raises:
        InputError: Tesseract failed.
    """

    def read(names: Sequence[str]) -> Lines:
        return tesseract.read_lines(image, names, timeout_s=timeout_s)

    if languages:
        return read(languages)
    scripts = by_script(tesseract.installed_languages())
    if script == UNKNOWN_SCRIPT:
        script = tesseract.detect_script(image, timeout_s=timeout_s)
    first = next(name for name in (script, LATIN, *scripts) if name in scripts)
    lines = read(_languages_of(first, scripts))
    if len(scripts) == 1 or first == script or confidence_of(lines) >= MIN_CONFIDENCE:
        return lines
    detected = tesseract.detect_script(image, timeout_s=timeout_s)
    if detected is None or detected == first or detected not in scripts:
        return lines
    return max(lines, read(_languages_of(detected, scripts)), key=confidence_of)


def languages_notice() -> str | None:
    """Say which of the installed languages is read on pages in Latin letters; None where all of them are."""
    names = by_script(tesseract.installed_languages()).get(LATIN, [])
    if len(names) <= MAX_LANGUAGES:
        return None
    return f"OCR read only the language {names[0]} of the {len(names)} in Latin letters that tesseract has installed"


def _languages_of(script: str, scripts: dict[str, list[str]]) -> list[str]:
    """Choose the languages of a script, and English, whose words stand in texts of every script."""
    names = scripts[script]
    names = names if len(names) <= MAX_LANGUAGES else names[:1]
    return names if script == LATIN or ENGLISH not in scripts.get(LATIN, ()) else [*names, ENGLISH]

"""OCR by the tesseract program, where it is installed."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from itertools import groupby

from PIL import Image

from maxsight.documents.cleaning import Lines, OcrWord
from maxsight.errors import InputError

# Pictures smaller than this are read at twice their size: their letters are smaller than those of the models' samples.
_MIN_SIDE_PX = 1000


def read_lines(image: Image.Image, languages: Sequence[str], *, timeout_s: float) -> Lines:
    """Read a picture's words, line by line in tesseract's reading order.

    Raises:
        InputError: The program failed or took longer than ``timeout_s``.
    """
    scale = 2 if max(image.size) < _MIN_SIDE_PX else 1
    picture = io.BytesIO()
    image.convert("L").resize((image.width * scale, image.height * scale)).save(picture, "PPM")
    table = _run(["stdin", "stdout", "-l", "+".join(languages), "tsv"], picture.getvalue(), timeout_s)
    rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = (row for row in rows if row["level"] == "5" and (row["text"] or "").strip())
    lines = groupby(words, key=lambda row: (row["block_num"], row["par_num"], row["line_num"]))
    return [[_word(row, scale) for row in line] for _, line in lines]


def detect_script(image: Image.Image, *, timeout_s: float) -> str | None:
    """Name the script of a picture's text, as tesseract calls it: ``Latin``, ``Cyrillic``, ``Han``.

    Returns:
        None where tesseract can't detect it: too little text, or its data ``osd`` are not installed.

    Raises:
        InputError: The program could not be started or took longer than ``timeout_s``.
    """
    picture = io.BytesIO()
    image.convert("L").save(picture, "PPM")
    try:
        output = _run(["stdin", "stdout", "--psm", "0"], picture.getvalue(), timeout_s)
    except InputError as error:
        if isinstance(error.__cause__, subprocess.CalledProcessError):
            return None
        raise
    found = re.search(r"^Script: (\w+)$", output, re.MULTILINE)
    return found[1] if found else None


@cache
def installed_languages() -> tuple[str, ...]:
    """List the languages that tesseract has, English first. Models of vertical writing are left out."""
    listed = _run(["--list-langs"], b"", 30).splitlines()[1:]
    found = [
        name
        for name in listed
        if re.fullmatch("[a-z]{3}(_[a-z]+)*", name)
        and name not in ("osd", "equ")
        and not name.endswith("_vert")
    ]
    return tuple(sorted(found, key=lambda name: (name != "eng", name))) or ("eng",)


def _run(arguments: list[str], picture: bytes, timeout_s: float) -> str:
    program = shutil.which("tesseract") or "tesseract"
    try:
        result = subprocess.run(
            [program, *arguments],
            input=picture,
            capture_output=True,
            timeout=timeout_s,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},  # its threads slow each other down
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"tesseract took longer than {timeout_s:g} s") from error
    except subprocess.CalledProcessError as error:
        message = error.stderr.decode("utf-8", "replace").strip() or f"exit code {error.returncode}"
        raise InputError(f"tesseract failed: {message}", hint="Try --ocr rapidocr.") from error
    except OSError as error:
        raise InputError(f"tesseract could not be started: {error}", hint="Try --ocr rapidocr.") from error
    return result.stdout.decode("utf-8", "replace")


def _word(row: dict[str, str], scale: int) -> OcrWord:
    left, top, width, height = (int(row[key]) / scale for key in ("left", "top", "width", "height"))
    return OcrWord(
        row["text"].strip(), (left, top, left + width, top + height), max(0.0, float(row["conf"])) / 100
    )

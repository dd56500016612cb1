"""Reads words with boxes in pixels from ALTO, PAGE-XML and hOCR files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maxsight.errors import InputError
from maxsight.quality.ocr import PlacedWords

GROUND_TRUTH_SUFFIXES = (".xml", ".alto", ".page", ".hocr", ".html")
_BBOX = re.compile(r"bbox\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)")

Box = tuple[float, float, float, float]


def read_ground_truth(file: Path) -> PlacedWords:
    """Read the words of one page.

    Raises:
        InputError: The file has none of these formats, or no words.
    """
    try:
        root = ElementTree.parse(file).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"{file} can't be read as ALTO, PAGE-XML or hOCR ({error})") from error
    kind = _name(root)
    readers = {"alto": _alto, "PcGts": _page_xml, "html": _hocr}
    if kind not in readers:
        raise InputError(f"{file} is neither ALTO, PAGE-XML nor hOCR: it starts with <{kind}>")
    words = [(text.strip(), box) for text, box in readers[kind](root) if text.strip()]
    if not words:
        raise InputError(f"{file} has no words with places")
    return PlacedWords([text for text, _ in words], np.array([box for _, box in words], np.float64))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _named(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (element for element in root.iter() if _name(element) == name)


def _alto(root: ElementTree.Element) -> Iterator[tuple[str, Box]]:
    for word in _named(root, "String"):
        left, top, width, height = (float(word.get(key, "0")) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
        yield word.get("CONTENT", ""), (left, top, left + width, top + height)


def _page_xml(root: ElementTree.Element) -> Iterator[tuple[str, Box]]:
    """Yield words, or whole lines where the file has no words."""
    parts = list(_named(root, "Word")) or list(_named(root, "TextLine"))
    for part in parts:
        points = next((child.get("points", "") for child in part if _name(child) == "Coords"), "")
        corners = np.array([pair.split(",") for pair in points.split()], np.float64).reshape(-1, 2)
        texts = [child for child in part if _name(child) == "TextEquiv"]
        if len(corners) and texts:
            (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
            text = next((each.text or "" for each in _named(texts[0], "Unicode")), "")
            yield text, (float(x0), float(y0), float(x1), float(y1))


def _hocr(root: ElementTree.Element) -> Iterator[tuple[str, Box]]:
    for element in root.iter():
        if "ocrx_word" in element.get("class", "").split() and (
            box := _BBOX.search(element.get("title", ""))
        ):
            x0, y0, x1, y1 = (float(edge) for edge in box.groups())
            yield "".join(element.itertext()), (x0, y0, x1, y1)

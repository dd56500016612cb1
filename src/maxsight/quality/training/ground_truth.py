"""Reads words with boxes in pixels from ALTO, PAGE-XML and hOCR files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maxsight.documents.encodings import find_encoding
from maxsight.errors import UnreadableDocumentError
from maxsight.quality.ocr import PlacedWords

GROUND_TRUTH_SUFFIXES = (".xml", ".alto", ".page", ".hocr", ".html")
SAME_SCALE = 0.01
"""Width and height that were scaled alike differ by at most this share."""
_BBOX = re.compile(r"bbox\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)")
_HTML = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype html|<html)", re.IGNORECASE | re.DOTALL)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)

Box = tuple[float, float, float, float]


class _Truth:
    """What a file says: words with boxes, and the size of the page in the unit of the boxes."""

    def __init__(self) -> None:
        self.words: list[tuple[str, Box]] = []
        self.size: tuple[float, float] | None = None
        self.in_pixels = True

    def scale(self, picture: tuple[int, int] | None) -> tuple[float, float]:
        """Return the pixels of a unit, across and down."""
        if self.size is None or picture is None or not all(self.size):
            if not self.in_pixels:
                raise ValueError("its places are not in pixels, and it does not say how large the page is")
            return 1.0, 1.0
        across, down = picture[0] / self.size[0], picture[1] / self.size[1]
        # Another shape of page: the picture is a part of it, and its pixels are those of the file.
        return (across, down) if not self.in_pixels or abs(across / down - 1) <= SAME_SCALE else (1.0, 1.0)


def read_ground_truth(file: Path, picture: tuple[int, int] | None = None) -> PlacedWords:
    """Read the words of one page, as they are printed.

    Args:
        file: The file.
        picture: Width and height of the page's picture in pixels, which the boxes are scaled to.

    Raises:
        UnreadableDocumentError: The file has none of these formats, or no words.
    """
    try:
        content = file.read_bytes()
        truth = _read_hocr(content) if _HTML.match(content) else _read_xml(content)
        across, down = truth.scale(picture)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise UnreadableDocumentError(
            file, f"it can't be read as ALTO, PAGE-XML or hOCR ({error})"
        ) from error
    words = [(text.strip(), box) for text, box in truth.words if text.strip()]
    if not words:
        raise UnreadableDocumentError(file, "it has no words with places")
    boxes = np.array([box for _, box in words], np.float64) * [across, down, across, down]
    return PlacedWords([text for text, _ in words], boxes)


def _read_xml(content: bytes) -> _Truth:
    root = ElementTree.fromstring(content)
    kind = _name(root)
    readers = {"alto": _alto, "PcGts": _page_xml}
    if kind not in readers:
        raise ValueError(f"it starts with <{kind}>")
    return readers[kind](root)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _named(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (element for element in root.iter() if _name(element) == name)


def _alto(root: ElementTree.Element) -> _Truth:
    truth = _Truth()
    unit = next((element.text or "" for element in _named(root, "MeasurementUnit")), "pixel")
    truth.in_pixels = unit.strip() == "pixel"
    for name in ("Page", "PrintSpace"):
        page = next(_named(root, name), None)
        if page is not None and truth.size is None and page.get("WIDTH") and page.get("HEIGHT"):
            truth.size = (float(page.attrib["WIDTH"]), float(page.attrib["HEIGHT"]))
    for line in _named(root, "TextLine"):
        for part in line:
            if _name(part) == "String":
                box = (float(part.get(key, "0")) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
                left, top, width, height = box
                truth.words.append((part.get("CONTENT", ""), (left, top, left + width, top + height)))
            elif _name(part) == "HYP" and truth.words:  # the hyphen of the last word of a line
                text, place = truth.words[-1]
                truth.words[-1] = (text.rstrip("-") + part.get("CONTENT", "-"), place)
    return truth


def _page_xml(root: ElementTree.Element) -> _Truth:
    """Take the words of each line, or the whole line where not all of its words have a text."""
    truth = _Truth()
    page = next(_named(root, "Page"), root)
    if page.get("imageWidth") and page.get("imageHeight"):
        truth.size = (float(page.attrib["imageWidth"]), float(page.attrib["imageHeight"]))
    for line in _named(root, "TextLine"):
        words = [_placed(word) for word in line if _name(word) == "Word"]
        whole = [_placed(line)]
        parts = words if words and all(words) else whole if all(whole) else words
        truth.words += [part for part in parts if part]
    return truth


def _placed(part: ElementTree.Element) -> tuple[str, Box] | None:
    """Return the text of a word or line, of several readings the one with the lowest index, and its box."""
    points = next((child.get("points", "") for child in part if _name(child) == "Coords"), "")
    corners = np.array([pair.split(",") for pair in points.split()], np.float64).reshape(-1, 2)
    readings = [child for child in part if _name(child) == "TextEquiv"]
    if not len(corners) or not readings:
        return None
    best = min(readings, key=lambda reading: int(reading.get("index", "0")))
    text = next((each.text or "" for each in _named(best, "Unicode")), "")
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return (text, (float(x0), float(y0), float(x1), float(y1))) if text.strip() else None


def _read_hocr(content: bytes) -> _Truth:
    reader = _Hocr()
    reader.feed(content.decode(find_encoding(content), "replace"))
    reader.close()
    return reader.truth


class _Hocr(HTMLParser):
    """Finds words in hOCR, which is HTML or XHTML."""

    def __init__(self) -> None:
        super().__init__()
        self.truth = _Truth()
        self._depth = 0  # of elements within the word that is open; 0 outside of words

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes: Mapping[str, str] = {name: value or "" for name, value in attrs}
        if self._depth:
            self._depth += tag not in _VOID
            return
        box = _BBOX.search(attributes.get("title", ""))
        classes = attributes.get("class", "").split()
        if box is None:
            return
        x0, y0, x1, y1 = (float(edge) for edge in box.groups())
        if "ocrx_word" in classes:
            self.truth.words.append(("", (x0, y0, x1, y1)))
            self._depth = 1
        elif "ocr_page" in classes:
            self.truth.size = (x1, y1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass over an element without content."""

    def handle_endtag(self, tag: str) -> None:
        self._depth -= bool(self._depth)

    def handle_data(self, data: str) -> None:
        if self._depth:
            text, box = self.truth.words[-1]
            self.truth.words[-1] = (text + data, box)

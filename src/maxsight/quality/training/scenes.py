"""Pages of PDFs as grey pictures with their words, ready to be damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.events import Failed, PageFailed, PageRead, ReadJob
from maxsight.documents.reading import read_documents
from maxsight.encoders.patches.grid import Grey
from maxsight.errors import UnreadableDocumentError
from maxsight.pictures import Fit, PictureFit
from maxsight.quality.ocr import PlacedWords
from maxsight.quality.training.sample_plans import DatasetSettings, seed_random
from maxsight.types import Page

_CROPS_TRIED = 24
# Any size stays as it is; `dpi` and the page decide.
_AS_DRAWN = PictureFit(Fit.MULTIPLE, multiple_px=1, min_pixels=1, max_pixels=100_000_000)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A page, or a crop of it, before damage.

    Attributes:
        file: Name of the PDF.
        page_number: From 1.
        crop: ``x0, y0, x1, y1`` in pixels of the page; None for the whole page.
        picture: Shape ``(height, width)``, uint8.
        words: The words on the picture, boxes in its pixels.
    """

    file: str
    page_number: int
    crop: tuple[int, int, int, int] | None
    picture: Grey
    words: PlacedWords


def draw_scenes(
    jobs: list[ReadJob], settings: DatasetSettings, problems: list[UnreadableDocumentError]
) -> Iterator[Scene]:
    """Draw pages; append those that can't be read to ``problems``."""
    drawn = ReadSettings(ocr=OcrChoice.NONE, dpi=settings.dpi, picture=_AS_DRAWN)
    for event in read_documents(jobs, drawn, workers=1):
        match event:
            case PageRead(job, page):
                scene = _whole_page(job.path.name, page)
                if settings.crop_px is not None:
                    random = seed_random(settings.seed, scene.file, scene.page_number, "crop")
                    scene = _richest_crop(scene, settings.crop_px, random)
                yield scene
            case PageFailed() | Failed():
                problems.append(event.error)


def _whole_page(file: str, page: Page) -> Scene:
    assert page.picture is not None  # asked for
    assert page.words.boxes is not None  # it is a PDF
    picture = cv2.cvtColor(page.picture, cv2.COLOR_RGB2GRAY)
    height, width = picture.shape
    boxes = page.words.boxes.astype(np.float64) * (width, height, width, height)
    words = PlacedWords([page.text[start:end] for start, end in page.words.spans], boxes)
    return Scene(file, page.page_number, None, picture, words)


def _richest_crop(scene: Scene, edge_px: int, random: np.random.Generator) -> Scene:
    """Draw some crops, take the one with most whole words, and paint over the words that it cuts."""
    height, width = scene.picture.shape
    boxes = scene.words.boxes
    tops = random.integers(0, max(1, height - edge_px + 1), _CROPS_TRIED)
    lefts = random.integers(0, max(1, width - edge_px + 1), _CROPS_TRIED)

    def inside(top: int, left: int) -> np.ndarray:
        corner = np.array([left, top, left + edge_px, top + edge_px])
        return np.asarray((boxes[:, :2] >= corner[:2]).all(1) & (boxes[:, 2:] <= corner[2:]).all(1))

    top, left = max(zip(tops.tolist(), lefts.tolist(), strict=True), key=lambda at: int(inside(*at).sum()))
    whole = inside(top, left)
    crop = left, top, min(width, left + edge_px), min(height, top + edge_px)
    picture = scene.picture.copy()
    for x0, y0, x1, y1 in boxes[~whole].astype(int):
        picture[max(0, y0 - 1) : y1 + 2, max(0, x0 - 1) : x1 + 2] = 255
    texts = [text for text, is_whole in zip(scene.words.texts, whole, strict=True) if is_whole]
    words = PlacedWords(texts, boxes[whole] - [left, top, left, top])
    cut = np.ascontiguousarray(picture[crop[1] : crop[3], crop[0] : crop[2]])
    return Scene(scene.file, scene.page_number, crop, cut, words)

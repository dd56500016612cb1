"""Which pages become samples, and how each is damaged. The seed decides, so a stopped run can continue."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.discover import discover
from maxsight.documents.events import Failed, PageFailed, PageRead, ReadJob
from maxsight.documents.reading import read_documents
from maxsight.errors import UnreadableDocumentError
from maxsight.quality.training.degrade import CLEAN, Degradation, draw_mixture
from maxsight.types import TextSource

MIXTURE_SHARE = 0.15
MIN_WORDS = 60
"""Pages with fewer words are left out."""


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """What samples are made.

    Attributes:
        ocr: The engine whose errors are to be predicted.
        dpi: Resolution of drawn pages.
        crop_px: Edge of the crop taken of each page; None for whole pages.
        pages_per_document: Maximum, drawn at random.
        degraded_per_page: Damaged samples of each page, besides the clean one.
        degradations: Those to choose from.
        seed: Fixes every choice.
    """

    ocr: OcrChoice = OcrChoice.AUTO
    dpi: int = 150
    crop_px: int | None = None
    pages_per_document: int = 12
    degraded_per_page: int = 4
    degradations: tuple[Degradation, ...] = tuple(Degradation)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """One sample to be made of a page.

    Attributes:
        sample_id: See `Sample`.
        degradation: Its name, for `degrade`.
        severity: From 0 to 1.
        seed: For `degrade`.
    """

    sample_id: str
    degradation: str
    severity: float
    seed: int


def choose_pages(
    sources: Iterable[str | Path], settings: DatasetSettings, problems: list[UnreadableDocumentError]
) -> list[ReadJob]:
    """Draw pages with enough text from every PDF; append what can't be read to ``problems``."""
    files: list[Path] = []
    for found in discover(sources, include=["*.pdf", "*.PDF"]):
        if isinstance(found, UnreadableDocumentError):
            problems.append(found)
        else:
            files.append(found)
    rich: dict[Path, list[int]] = {file: [] for file in files}
    for event in read_documents((ReadJob(file) for file in files), ReadSettings(ocr=OcrChoice.NONE)):
        match event:
            case PageRead(job, page):
                if page.text_source is TextSource.LAYER and len(page.words) >= MIN_WORDS:
                    rich[job.path].append(page.page_index)
            case PageFailed() | Failed():
                problems.append(event.error)
    return [ReadJob(file, _draw(file, pages, settings)) for file, pages in rich.items() if pages]


def plan_samples(file: str, page_number: int, engine: str, settings: DatasetSettings) -> list[SamplePlan]:
    """Plan the samples of a page, the clean one first."""
    plans = []
    for number in range(settings.degraded_per_page + 1):
        random = seed_random(settings.seed, file, page_number, settings.crop_px, number)
        name, severity = CLEAN, 0.0
        if number:
            mixed = len(settings.degradations) > 1 and random.random() < MIXTURE_SHARE
            kinds = settings.degradations
            name = draw_mixture(random, kinds) if mixed else kinds[int(random.integers(len(kinds)))].value
            severity = round(float(random.uniform(0.02, 1)), 3)
        key = repr((settings.seed, file, page_number, settings.crop_px, settings.dpi, engine, number, name))
        sample_id = hashlib.sha256(key.encode()).hexdigest()[:16]
        plans.append(SamplePlan(sample_id, name, severity, int(random.integers(2**31))))
    return plans


def seed_random(*parts: object) -> np.random.Generator:
    """Make a generator that the given values fix."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _draw(file: Path, pages: list[int], settings: DatasetSettings) -> tuple[int, ...]:
    drawn = seed_random(settings.seed, file.name).permutation(pages)[: settings.pages_per_document]
    # The head of a permutation: a later run with more pages keeps the pages of this one.
    return tuple(sorted(drawn.tolist()))

"""Makes labelled samples without labelling by hand: born-digital pages know what they say.

Each page (or a crop rich in text) is drawn, made worse, read by an OCR engine and compared with its own text layer. A
page whose clean picture is misread is set aside with its samples: its text layer, or the order it is laid out in, is
not to be trusted. A run that was stopped is completed by the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.discover import discover
from maxsight.documents.ocr.choosing import choose_engine
from maxsight.documents.reading import Failed, PageFailed, PageRead, ReadJob, read_documents
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.pictures import Fit, PictureFit
from maxsight.quality.degrade import CLEAN, Degradation, Grey, degrade, draw_mixture
from maxsight.quality.labels import PlacedWords, rates_by_place
from maxsight.quality.ocr import read_picture
from maxsight.quality.samples import Sample, SampleFolder
from maxsight.threads import map_in_threads
from maxsight.types import Page, TextSource

MIXTURE_SHARE = 0.15
# Any size is kept; `dpi` and the page decide.
_AS_DRAWN = PictureFit(Fit.MULTIPLE, multiple_px=1, min_pixels=1, max_pixels=100_000_000)


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """What samples are made.

    Attributes:
        ocr: The engine whose errors are to be predicted.
        dpi: At which pages are drawn.
        crop_px: Edge of the crop taken of each page; None for whole pages.
        pages_per_document: At most so many, drawn at random.
        degraded_per_page: Beside the clean one.
        min_words: Pages with fewer are passed over.
        max_clean_cer: Pages misread more than this when clean are set aside.
        degradations: Those to choose from.
        seed: Of every choice.
    """

    ocr: OcrChoice = OcrChoice.AUTO
    dpi: int = 150
    crop_px: int | None = None
    pages_per_document: int = 12
    degraded_per_page: int = 4
    min_words: int = 60
    max_clean_cer: float = 0.12
    degradations: tuple[Degradation, ...] = field(default=tuple(Degradation))
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What a run did.

    Attributes:
        made: Samples added.
        kept: Samples that were there already.
        set_aside: Pages whose text layer is not to be trusted.
        problems: Files and pages that could not be read.
    """

    made: int
    kept: int
    set_aside: int
    problems: tuple[UnreadableDocumentError, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A picture to be made worse, and what it says."""

    file: str
    page_number: int
    crop: tuple[int, int, int, int] | None
    picture: Grey
    words: PlacedWords


@dataclass(frozen=True, slots=True)
class _Plan:
    """One sample to be made of a page."""

    sample_id: str
    degradation: str
    severity: float
    seed: int


def build_dataset(
    sources: Iterable[str | Path],
    out: Path,
    settings: DatasetSettings,
    *,
    workers: int | None = None,
    on_page: Callable[[int, int], None] = lambda done, of: None,
) -> DatasetReport:
    """Make samples of PDFs, or those that are still missing.

    Args:
        sources: PDFs and folders with PDFs.
        out: Folder of the samples.
        settings: What is made.
        workers: Pages at a time; as many as there are CPUs if not given.
        on_page: Told after each page how many of how many are done.

    Raises:
        InputError: No page of the sources has enough text; or the OCR engine is not there.
    """
    engine = choose_engine(settings.ocr)
    samples = SampleFolder(out)
    problems: list[UnreadableDocumentError] = []
    jobs = _choose_pages(sources, settings, problems)
    if not jobs:
        raise InputError(
            f"no page of a PDF with at least {settings.min_words} words in its text layer was found",
            hint="Born-digital PDFs are needed; for scans with known texts give --pairs.",
        )
    todo = [
        job for job in (_without_done(job, samples, engine, settings) for job in jobs) if job.page_indices
    ]
    of = sum(len(job.page_indices or ()) for job in todo)
    before, kept, done = len(samples), len(samples), 0

    def make(scene: _Scene) -> list[Sample]:
        return list(_make_samples(scene, samples, engine, settings))

    for made in map_in_threads(make, _scenes(todo, settings, problems), workers=workers):
        done += 1
        samples.add(made)
        on_page(done, of)
    set_aside = sum(sample.degradation == CLEAN and not sample.accepted for sample in samples.values())
    return DatasetReport(len(samples) - before, kept, set_aside, tuple(problems))


def _choose_pages(
    sources: Iterable[str | Path], settings: DatasetSettings, problems: list[UnreadableDocumentError]
) -> list[ReadJob]:
    """Draw pages with enough text from every PDF."""
    files: list[Path] = []
    for found in discover(sources, include=["*.pdf", "*.PDF"]):
        if isinstance(found, UnreadableDocumentError):
            problems.append(found)
        else:
            files.append(found)
    rich: dict[Path, list[int]] = {file: [] for file in files}
    for event in read_documents((ReadJob(file) for file in files), ReadSettings(ocr=OcrChoice.NONE)):
        match event:
            case PageRead() if (
                event.page.text_source is TextSource.LAYER and len(event.page.words) >= settings.min_words
            ):
                rich[event.job.path].append(event.page.page_index)
            case PageFailed() | Failed():
                problems.append(event.error)
    return [ReadJob(file, _draw(file, pages, settings)) for file, pages in rich.items() if pages]


def _draw(file: Path, pages: list[int], settings: DatasetSettings) -> tuple[int, ...]:
    random = _random(settings.seed, file.name)
    count = min(settings.pages_per_document, len(pages))
    # A permutation's head: asking for more pages later keeps those drawn before.
    return tuple(sorted(int(page) for page in random.permutation(pages)[:count]))


def _random(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _plans(file: str, page_number: int, engine: str, settings: DatasetSettings) -> list[_Plan]:
    """What is to be made of a page; the clean one first."""
    plans = []
    for number in range(settings.degraded_per_page + 1):
        random = _random(settings.seed, file, page_number, settings.crop_px, number)
        name, severity = CLEAN, 0.0
        if number:
            mixed = len(settings.degradations) > 1 and random.random() < MIXTURE_SHARE
            kinds = settings.degradations
            name = draw_mixture(random, kinds) if mixed else kinds[int(random.integers(len(kinds)))].value
            severity = round(float(random.uniform(0.02, 1)), 3)
        key = repr((settings.seed, file, page_number, settings.crop_px, settings.dpi, engine, number, name))
        sample_id = hashlib.sha256(key.encode()).hexdigest()[:16]
        plans.append(_Plan(sample_id, name, severity, int(random.integers(2**31))))
    return plans


def _without_done(job: ReadJob, samples: SampleFolder, engine: str, settings: DatasetSettings) -> ReadJob:
    """Leave out the pages of which every sample is there, or whose clean one was set aside."""

    def is_open(page_index: int) -> bool:
        plans = _plans(job.path.name, page_index + 1, engine, settings)
        clean = plans[0].sample_id
        if clean in samples and not samples[clean].accepted:
            return False
        return any(plan.sample_id not in samples for plan in plans)

    return ReadJob(job.path, tuple(filter(is_open, job.page_indices or ())))


def _scenes(
    jobs: list[ReadJob], settings: DatasetSettings, problems: list[UnreadableDocumentError]
) -> Iterator[_Scene]:
    drawn = ReadSettings(ocr=OcrChoice.NONE, dpi=settings.dpi, picture=_AS_DRAWN)
    for event in read_documents(jobs, drawn, workers=1):
        match event:
            case PageRead():
                yield _scene(event.job.path.name, event.page, settings)
            case PageFailed() | Failed():
                problems.append(event.error)


def _scene(file: str, page: Page, settings: DatasetSettings) -> _Scene:
    assert page.picture is not None  # asked for
    assert page.words.boxes is not None  # it is a PDF
    picture = cv2.cvtColor(page.picture, cv2.COLOR_RGB2GRAY)
    height, width = picture.shape
    boxes = page.words.boxes.astype(np.float64) * (width, height, width, height)
    words = PlacedWords([page.text[start:end] for start, end in page.words.spans], boxes)
    whole = _Scene(file, page.page_number, None, picture, words)
    if settings.crop_px is None:
        return whole
    return _richest_crop(whole, settings.crop_px, _random(settings.seed, file, page.page_number, "crop"))


def _richest_crop(scene: _Scene, edge_px: int, random: np.random.Generator, tries: int = 24) -> _Scene:
    """Of some crops drawn at random, take the one with most words; words it cuts are painted over."""
    height, width = scene.picture.shape
    boxes = scene.words.boxes
    tops = random.integers(0, max(1, height - edge_px + 1), tries)
    lefts = random.integers(0, max(1, width - edge_px + 1), tries)

    def inside(top: int, left: int) -> np.ndarray:
        corner = np.array([left, top, left + edge_px, top + edge_px])
        return np.asarray((boxes[:, :2] >= corner[:2]).all(1) & (boxes[:, 2:] <= corner[2:]).all(1))

    top, left = max(zip(tops.tolist(), lefts.tolist(), strict=True), key=lambda at: int(inside(*at).sum()))
    kept = inside(top, left)
    crop = left, top, min(width, left + edge_px), min(height, top + edge_px)
    picture = scene.picture.copy()
    for x0, y0, x1, y1 in boxes[~kept].astype(int):
        picture[max(0, y0 - 1) : y1 + 2, max(0, x0 - 1) : x1 + 2] = 255
    texts = [text for text, keep in zip(scene.words.texts, kept, strict=True) if keep]
    words = PlacedWords(texts, boxes[kept] - [left, top, left, top])
    cut = np.ascontiguousarray(picture[crop[1] : crop[3], crop[0] : crop[2]])
    return _Scene(scene.file, scene.page_number, crop, cut, words)


def _make_samples(
    scene: _Scene, samples: SampleFolder, engine: str, settings: DatasetSettings
) -> Iterator[Sample]:
    accepted = True
    for plan in _plans(scene.file, scene.page_number, engine, settings):
        if plan.sample_id in samples:
            continue
        degraded = degrade(scene.picture, plan.degradation, plan.severity, plan.seed)
        reading = read_picture(degraded.picture, settings.ocr)
        placed = PlacedWords(reading.words.texts, _boxes_back(reading.words.boxes, degraded.to_source))
        rates = rates_by_place(scene.words, placed)
        if plan.degradation == CLEAN:
            accepted = rates.cer <= settings.max_clean_cer
        yield Sample(
            sample_id=plan.sample_id,
            file=scene.file,
            page_number=scene.page_number,
            crop=scene.crop,
            degradation=plan.degradation,
            severity=plan.severity,
            seed=plan.seed,
            dpi=settings.dpi,
            engine=engine,
            character_errors=rates.characters,
            word_errors=rates.words,
            ocr_confidence=reading.confidence,
            reference=" ".join(scene.words.texts),
            ocr_text=reading.text,
            picture=samples.save_picture(plan.sample_id, degraded.picture),
            accepted=accepted,
        )
        if not accepted:
            return


def _boxes_back(boxes: np.ndarray, to_source: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Where boxes of a degraded picture lie in the original: their middles moved, their sizes kept."""
    if not len(boxes):
        return boxes
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    moved, corner = to_source(middles), to_source(middles + half)
    half = np.maximum(np.abs(corner - moved), 0.5)
    return np.concatenate([moved - half, moved + half], axis=1)

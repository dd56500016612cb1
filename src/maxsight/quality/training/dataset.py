"""Makes labelled samples from born-digital PDFs, whose text layer says what each page reads.

Each page, or a crop rich in text, is drawn, damaged, read by an OCR engine and compared with its text layer. A page
misread even when clean is set aside: its text layer, or the order of its words, can't be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maxsight.documents.events import ReadJob
from maxsight.documents.ocr.choosing import choose_engine
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.quality.ocr import PlacedWords, read_picture
from maxsight.quality.training.degrade import CLEAN, degrade
from maxsight.quality.training.error_rates import compare_by_place
from maxsight.quality.training.geometric_damage import ToSource
from maxsight.quality.training.sample_plans import MIN_WORDS, DatasetSettings, choose_pages, plan_samples
from maxsight.quality.training.samples import Sample, SampleFolder
from maxsight.quality.training.scenes import Scene, draw_scenes
from maxsight.threads import map_in_threads
from maxsight.types import Floats

MAX_CLEAN_CER = 0.12
"""Pages with a higher error rate when clean are set aside."""


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """The result of a run.

    Attributes:
        made: Samples added.
        kept: Samples that were there already.
        set_aside: Pages with a text layer that can't be trusted.
        problems: Files and pages that could not be read.
    """

    made: int
    kept: int
    set_aside: int
    problems: tuple[UnreadableDocumentError, ...]


def build_dataset(
    sources: Iterable[str | Path],
    out: Path,
    settings: DatasetSettings,
    *,
    workers: int | None = None,
    on_page: Callable[[int, int], None] = lambda done, of: None,
) -> DatasetReport:
    """Make samples of PDFs. Samples that are there already are not made again.

    Args:
        sources: PDFs and folders with PDFs.
        out: Folder of the samples.
        settings: Which samples to make.
        workers: Pages at a time; by default one per CPU.
        on_page: Called after each page with the pages done and all pages.

    Raises:
        InputError: No page of the sources has enough text, or the OCR engine is not installed.
    """
    engine = choose_engine(settings.ocr)
    samples = SampleFolder(out)
    problems: list[UnreadableDocumentError] = []
    jobs = choose_pages(sources, settings, problems)
    if not jobs:
        raise InputError(
            f"no page of a PDF with at least {MIN_WORDS} words in its text layer was found",
            hint="Born-digital PDFs are needed; for scans with known texts give --pairs.",
        )
    todo = [
        job for job in (_without_done(job, samples, engine, settings) for job in jobs) if job.page_indices
    ]
    of = sum(len(job.page_indices or ()) for job in todo)
    before = len(samples)

    def make(scene: Scene) -> list[Sample]:
        return list(_make_samples(scene, samples, engine, settings))

    scenes = draw_scenes(todo, settings, problems)
    for done, made in enumerate(map_in_threads(make, scenes, workers=workers), start=1):
        samples.add(made)
        on_page(done, of)
    set_aside = sum(sample.degradation == CLEAN and not sample.accepted for sample in samples.values())
    return DatasetReport(len(samples) - before, before, set_aside, tuple(problems))


def _without_done(job: ReadJob, samples: SampleFolder, engine: str, settings: DatasetSettings) -> ReadJob:
    """Leave out pages with all their samples made, and pages set aside."""

    def is_open(page_index: int) -> bool:
        plans = plan_samples(job.path.name, page_index + 1, engine, settings)
        clean = plans[0].sample_id
        if clean in samples and not samples[clean].accepted:
            return False
        return any(plan.sample_id not in samples for plan in plans)

    return ReadJob(job.path, tuple(filter(is_open, job.page_indices or ())))


def _make_samples(
    scene: Scene, samples: SampleFolder, engine: str, settings: DatasetSettings
) -> Iterator[Sample]:
    for plan in plan_samples(scene.file, scene.page_number, engine, settings):
        if plan.sample_id in samples:
            continue
        degraded = degrade(scene.picture, plan.degradation, plan.severity, plan.seed)
        reading = read_picture(degraded.picture, settings.ocr)
        read = PlacedWords(reading.words.texts, _boxes_in_source(reading.words.boxes, degraded.to_source))
        rates = compare_by_place(scene.words, read)
        accepted = plan.degradation != CLEAN or rates.cer <= MAX_CLEAN_CER
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
            reference=scene.words.text,
            ocr_text=reading.words.text,
            picture=samples.save_picture(plan.sample_id, degraded.picture),
            accepted=accepted,
        )
        if not accepted:
            return


def _boxes_in_source(boxes: Floats, to_source: ToSource) -> Floats:
    """Map boxes of a degraded picture to the original: centres move, sizes stay."""
    if not len(boxes):
        return boxes
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    moved, corner = to_source(middles), to_source(middles + half)
    half = np.maximum(np.abs(corner - moved), 0.5)
    return np.concatenate([moved - half, moved + half], axis=1)

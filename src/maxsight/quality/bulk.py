"""Predicts for folders of documents, and writes predictions as tables.

Worker processes draw pages; threads judge them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.discover import discover
from maxsight.documents.events import Failed, PageFailed, PageRead, ReadJob
from maxsight.documents.reading import read_documents
from maxsight.errors import UnreadableDocumentError
from maxsight.quality.ocr import read_picture
from maxsight.quality.prediction import Prediction, Target
from maxsight.quality.predictor import DPI, QualityPredictor
from maxsight.quality.scripts import find_unread_script
from maxsight.threads import map_in_threads, one_blas_thread
from maxsight.writing import check_suffix, named_errors

SUFFIXES = (".csv", ".json", ".parquet")
"""The suffixes of files of predictions."""

TEXT_FILES = ("*.txt", "*.md")


@dataclass(frozen=True, slots=True)
class PageQuality:
    """The prediction for one page of a document.

    Attributes:
        file: The path as given, or as found in a folder.
        page_number: From 1.
        prediction: The error rates, or the reason for refusing to predict.
    """

    file: str
    page_number: int
    prediction: Prediction

    def row(self) -> dict[str, Any]:
        """Make a table row: ``predicted_cer, cer_low, cer_high, predicted_wer, ..., refusal, warning``."""
        row: dict[str, Any] = {"file": self.file, "page_number": self.page_number}
        for target in Target:
            estimate = self.prediction.estimates.get(target)
            row[f"predicted_{target}"] = estimate and round(estimate.value, 4)
            row[f"{target}_low"] = estimate and round(estimate.low, 4)
            row[f"{target}_high"] = estimate and round(estimate.high, 4)
        return row | {"refusal": self.prediction.refusal, "warning": self.prediction.warning}


def predict_documents(
    paths: Iterable[str | Path],
    predictor: QualityPredictor,
    settings: ReadSettings | None = None,
    *,
    workers: int | None = None,
    check_script: bool = False,
) -> Iterator[PageQuality | UnreadableDocumentError]:
    """Predict for every page of images, PDFs and folders, in order.

    Args:
        paths: Files and folders. Plain text files in folders are skipped.
        predictor: The model. With OCR features, it runs ``settings.ocr`` on every page.
        settings: How files are read; 150 dpi by default.
        workers: Reading processes.
        check_script: Refuse pages in a script that the engine can't read. Tesseract takes about a second a page.

    Yields:
        A page's prediction, or an error that names the file or page.

    Raises:
        InputError: ``check_script`` needs tesseract, which is not installed.
    """
    settings = settings or ReadSettings(dpi=DPI)
    drawn = replace(settings, ocr=OcrChoice.NONE, picture=predictor.extractor.picture)
    problems: list[UnreadableDocumentError] = []

    def jobs() -> Iterator[ReadJob]:
        for found in discover(paths, exclude=TEXT_FILES):
            if isinstance(found, UnreadableDocumentError):
                problems.append(found)
            else:
                yield ReadJob(found)

    def judge(event: object) -> PageQuality | UnreadableDocumentError | None:
        match event:
            case PageRead(job, page):
                assert page.picture is not None  # asked for
                if check_script and (script := find_unread_script(page.picture, settings.ocr)):
                    reason = f"the page is in {script} script, which the OCR engine has no language for"
                    return PageQuality(str(job.path), page.page_number, Prediction(refusal=reason))
                reading = read_picture(page.picture, settings.ocr) if predictor.space.with_ocr else None
                return PageQuality(str(job.path), page.page_number, predictor.predict(page.picture, reading))
            case PageFailed() | Failed():
                return event.error
        return None

    with _one_opencv_thread(), one_blas_thread():
        for judged in map_in_threads(judge, read_documents(jobs(), drawn, workers=workers)):
            if judged is not None:
                yield judged
    yield from problems


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Limit OpenCV to one thread: `map_in_threads` already uses every core."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def sort_worst_first(pages: Iterable[PageQuality]) -> list[PageQuality]:
    """Sort pages: those without a prediction first, then by falling error rate."""

    def badness(page: PageQuality) -> tuple[bool, float]:
        estimates = page.prediction.estimates
        first = next((estimates[target] for target in Target if target in estimates), None)
        return first is None, first.value if first else 1.0

    return sorted(pages, key=badness, reverse=True)


def write_predictions(pages: Sequence[PageQuality], file: Path) -> None:
    """Write predictions as CSV, JSON or Parquet, by the file's suffix.

    Raises:
        InputError: The suffix is another, or the file can't be written.
    """
    check_suffix(file, SUFFIXES, "predictions are")
    rows = [page.row() for page in pages]
    with named_errors(file):
        match file.suffix.lower():
            case ".csv":
                with file.open("w", newline="", encoding="utf-8") as stream:
                    writer = csv.DictWriter(stream, _SCHEMA.names)
                    writer.writeheader()
                    writer.writerows(rows)
            case ".json":
                file.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
            case ".parquet":
                pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), file)


_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("page_number", pa.int32()),
        *(
            (name, pa.float64())
            for target in Target
            for name in (f"predicted_{target}", f"{target}_low", f"{target}_high")
        ),
        ("refusal", pa.string()),
        ("warning", pa.string()),
    ]
)

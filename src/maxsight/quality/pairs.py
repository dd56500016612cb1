"""Samples of the user's own: pictures whose text is known, with the faults they have.

The text comes from columns ``image`` and ``text`` of a CSV, JSON Lines or Parquet file, or from ALTO, PAGE-XML or hOCR
files that lie beside their pictures. These say where words stand; a plain text is compared in the order it is written.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.formats import open_source
from maxsight.documents.ocr.choosing import choose_engine
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.quality.dataset import DatasetReport
from maxsight.quality.degrade import Grey
from maxsight.quality.ground_truth import GROUND_TRUTH_SUFFIXES, read_ground_truth
from maxsight.quality.labels import ErrorRates, PlacedWords, rates_by_place, rates_of_texts
from maxsight.quality.ocr import OcrReading, read_picture
from maxsight.quality.samples import OWN, Sample, SampleFolder
from maxsight.tables import csv_dialect
from maxsight.threads import map_in_threads

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and what it says.

    Attributes:
        picture: Its file.
        truth: Its words with their boxes in pixels, or its text.
    """

    picture: Path
    truth: PlacedWords | str


def add_pairs(
    sources: Iterable[str | Path],
    out: Path,
    ocr: OcrChoice,
    *,
    workers: int | None = None,
    on_page: Callable[[int, int], None] = lambda done, of: None,
) -> DatasetReport:
    """Make a sample of every pair that is not there yet.

    Raises:
        InputError: A table lacks its columns, or no pair was found.
    """
    engine = choose_engine(ocr)
    pairs = [pair for source in sources for pair in find_pairs(Path(source))]
    if not pairs:
        raise InputError(
            "no picture with a known text was found",
            hint="Give a table with columns image and text, or a folder of ALTO, PAGE-XML or hOCR files.",
        )
    samples = SampleFolder(out)
    before, problems = len(samples), []

    def make(pair: Pair) -> Sample | UnreadableDocumentError | None:
        name = repr((str(pair.picture.resolve()), engine.value))
        sample_id = hashlib.sha256(name.encode()).hexdigest()[:16]
        if sample_id in samples:
            return None
        try:
            return _sample(sample_id, pair, ocr, engine.value, samples)
        except UnreadableDocumentError as error:
            return error
        except InputError as error:
            return UnreadableDocumentError(pair.picture, str(error))

    for number, made in enumerate(map_in_threads(make, pairs, workers=workers), start=1):
        match made:
            case Sample():
                samples.add([made])
            case UnreadableDocumentError():
                problems.append(made)
        on_page(number, len(pairs))
    return DatasetReport(len(samples) - before, before, 0, tuple(problems))


def find_pairs(source: Path) -> Iterator[Pair]:
    """Find the pairs of a table, or of a folder of ground truth files.

    Raises:
        InputError: The table can't be read or lacks its columns.
    """
    if source.is_dir():
        for file in sorted(source.rglob("*")):
            if file.suffix.lower() in GROUND_TRUTH_SUFFIXES and (picture := _picture_beside(file)):
                yield Pair(picture, read_ground_truth(file))
        return
    for row in _rows(source):
        if not row.get("image") or row.get("text") is None:
            raise InputError(
                f"{source} lacks the columns image and text", hint=f"It has {', '.join(map(str, row))}."
            )
        yield Pair(source.parent / str(row["image"]), str(row["text"]))


def _rows(table: Path) -> Iterable[Mapping[str, Any]]:
    try:
        match table.suffix.lower():
            case ".csv":
                with table.open(newline="", encoding="utf-8-sig") as stream:
                    return list(csv.DictReader(stream, dialect=csv_dialect(stream, {"image", "text"})))
            case ".jsonl" | ".ndjson":
                lines = table.read_text(encoding="utf-8").splitlines()
                return [json.loads(line) for line in lines if line.strip()]
            case ".parquet":
                rows: list[dict[str, Any]] = pq.read_table(table).to_pylist()
                return rows
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{table} can't be read ({error})") from error
    raise InputError(f"{table} is not a table of pairs", hint="Give CSV, JSON Lines or Parquet.")


def _picture_beside(file: Path) -> Path | None:
    name = file.name.split(".")[0]
    return next(
        (found for suffix in PICTURE_SUFFIXES if (found := file.with_name(name + suffix)).exists()), None
    )


def _sample(sample_id: str, pair: Pair, ocr: OcrChoice, engine: str, samples: SampleFolder) -> Sample:
    picture = _load(pair.picture)
    reading = read_picture(picture, ocr)
    rates = _compare(pair.truth, reading)
    reference = pair.truth if isinstance(pair.truth, str) else " ".join(pair.truth.texts)
    return Sample(
        sample_id=sample_id,
        file=pair.picture.name,
        page_number=1,
        crop=None,
        degradation=OWN,
        severity=0.0,
        seed=0,
        dpi=0,
        engine=engine,
        character_errors=rates.characters,
        word_errors=rates.words,
        ocr_confidence=reading.confidence,
        reference=reference,
        ocr_text=reading.text,
        picture=samples.save_picture(sample_id, picture),
        accepted=True,
    )


def _load(file: Path) -> Grey:
    source = open_source(file, ReadSettings(ocr=OcrChoice.NONE))
    try:
        return np.asarray(cv2.cvtColor(np.asarray(source.render_page(0)), cv2.COLOR_RGB2GRAY), np.uint8)
    finally:
        source.close()


def _compare(truth: PlacedWords | str, reading: OcrReading) -> ErrorRates:
    if isinstance(truth, str):
        return rates_of_texts(truth, reading.text)
    return rates_by_place(truth, reading.words)

"""Makes samples from pictures with known texts, as they are.

The text comes from the columns ``image`` and ``text`` of a CSV, JSON Lines or Parquet file, or from ALTO, PAGE-XML or
hOCR files in the folders of their pictures. These files give boxes; a plain text is compared in its own order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.formats import IMAGE_SUFFIXES, open_source
from maxsight.documents.ocr.choosing import choose_engine
from maxsight.documents.records.rows import read_rows
from maxsight.encoders.patches.grid import Grey
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.quality.ocr import read_picture
from maxsight.quality.training.dataset import DatasetReport
from maxsight.quality.training.error_rates import compare_by_place, compare_texts
from maxsight.quality.training.ground_truth import GROUND_TRUTH_SUFFIXES, read_ground_truth
from maxsight.quality.training.samples import Sample, SampleFolder
from maxsight.threads import map_in_threads

Pair = tuple[Path, Path | str]
"""The file of a picture, and the file of its words with places, or its plain text."""


def add_pairs(
    sources: Iterable[str | Path],
    out: Path,
    ocr: OcrChoice,
    *,
    workers: int | None = None,
    on_page: Callable[[int, int], None] = lambda done, of: None,
) -> DatasetReport:
    """Make samples of pairs. Samples that are there already are not made again.

    Raises:
        InputError: A table lacks its columns, or no pair was found.
    """
    engine = choose_engine(ocr)
    found = [pair for source in sources for pair in find_pairs(Path(source))]
    problems = [problem for problem in found if isinstance(problem, UnreadableDocumentError)]
    pairs = [pair for pair in found if not isinstance(pair, UnreadableDocumentError)]
    if not pairs:
        raise (
            problems[0]
            if problems
            else InputError(
                "no picture with a known text was found",
                hint="Give a table with columns image and text, or a folder of ALTO, PAGE-XML or hOCR files.",
            )
        )
    samples = SampleFolder(out)
    before = len(samples)

    def make(pair: Pair) -> Sample | UnreadableDocumentError | None:
        file, truth = pair
        name = repr((str(file.resolve()), engine.value))
        sample_id = hashlib.sha256(name.encode()).hexdigest()[:16]
        if sample_id in samples:
            return None
        try:
            return _sample(sample_id, file, truth, ocr, engine.value, samples)
        except UnreadableDocumentError as error:
            return error
        except InputError as error:
            return UnreadableDocumentError(file, str(error))

    for number, made in enumerate(map_in_threads(make, pairs, workers=workers), start=1):
        match made:
            case Sample():
                samples.add([made])
            case UnreadableDocumentError():
                problems.append(made)
        on_page(number, len(pairs))
    return DatasetReport(len(samples) - before, before, 0, tuple(problems))


def find_pairs(source: Path) -> Iterator[Pair | UnreadableDocumentError]:
    """Find the pairs of a table, or of a folder of ground truth files; or say why a row of the table is not a pair.

    Raises:
        InputError: The table can't be read or lacks its columns.
    """
    if source.is_dir():
        for file in sorted(source.rglob("*")):
            if file.suffix.lower() in GROUND_TRUTH_SUFFIXES and (picture := _picture_beside(file)):
                yield picture, file
        return
    for row in read_rows(source, ("image", "text")):
        if isinstance(row.values, InputError):
            yield UnreadableDocumentError(source, f"{row.place}: {row.values}", hint=row.values.hint)
            continue
        image, text = row.values.get("image"), row.values.get("text")
        if isinstance(image, str) and isinstance(text, str):
            yield source.parent / image, text
        else:
            named = ", ".join(name for name, value in row.values.items() if value is not None)
            yield UnreadableDocumentError(
                source,
                f"{row.place}, lacks the columns image and text, or one of them is no text",
                hint=f"It has {named or 'no values'}.",
            )


def _picture_beside(file: Path) -> Path | None:
    """Find the picture of the same name. Of a name with dots, what follows the last ones may be of another kind."""
    stem = file.name
    while "." in stem:
        stem = stem.rpartition(".")[0]
        for suffix in IMAGE_SUFFIXES:
            if (found := file.with_name(stem + suffix)).exists():
                return found
    return None


def _sample(
    sample_id: str, file: Path, truth: Path | str, ocr: OcrChoice, engine: str, samples: SampleFolder
) -> Sample:
    picture = _load(file)
    words = (reading := read_picture(picture, ocr)).words
    if isinstance(truth, str):
        reference, rates = truth, compare_texts(truth, words.text)
    else:
        height, width = picture.shape
        placed = read_ground_truth(truth, (width, height))
        reference, rates = placed.text, compare_by_place(placed, words)
    return Sample(
        sample_id=sample_id,
        file=file.name,
        engine=engine,
        character_errors=rates.characters,
        word_errors=rates.words,
        ocr_confidence=reading.confidence,
        reference=reference,
        ocr_text=words.text,
        picture=samples.save_picture(sample_id, picture),
    )


def _load(file: Path) -> Grey:
    source = open_source(file, ReadSettings(ocr=OcrChoice.NONE))
    try:
        return np.asarray(cv2.cvtColor(np.asarray(source.render_page(0)), cv2.COLOR_RGB2GRAY), np.uint8)
    finally:
        source.close()

"""Labelled samples on disk: ``samples.parquet`` and the pictures that its rows name."""

from __future__ import annotations

import os
from collections import UserDict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from maxsight.encoders.patches.grid import Grey
from maxsight.errors import InputError
from maxsight.quality.training.degrade import name_kind

TABLE = "samples.parquet"
PICTURES = "pictures"
OWN = "own"
"""The degradation of a picture that came with its text and was not damaged further."""

_TYPES = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "tuple[int, int, int, int] | None": pa.list_(pa.int32()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture, its text, and what an OCR engine read. The defaults are those of a picture not damaged further.

    Attributes:
        sample_id: Identifies page, degradation, engine and seed.
        file: Its document. The samples of a document are never split between training and judging.
        page_number: From 1.
        crop: ``x0, y0, x1, y1`` in pixels of the page, or None for a whole page.
        degradation: ``clean``, a degradation, several joined by ``+``, or ``own``.
        severity: From 0 to 1.
        seed: For the degradation.
        dpi: Resolution of the drawn page; 0 for a given picture.
        engine: ``tesseract`` or ``rapidocr``.
        character_errors: Edits per character of the reference; may exceed 1.
        word_errors: The same for words.
        ocr_confidence: The engine's mean confidence over its words, from 0 to 1.
        reference: The text of the page.
        ocr_text: What the engine read.
        picture: The picture's file, relative to the folder of samples, or absolute.
        accepted: False if even the clean page was misread, so that its text layer can't be trusted.
    """

    sample_id: str
    file: str
    page_number: int = 1
    crop: tuple[int, int, int, int] | None = None
    degradation: str = OWN
    severity: float = 0.0
    seed: int = 0
    dpi: int = 0
    engine: str
    character_errors: float
    word_errors: float
    ocr_confidence: float
    reference: str
    ocr_text: str
    picture: str
    accepted: bool = True

    @property
    def cer(self) -> float:
        """Character error rate, at most 1."""
        return min(self.character_errors, 1.0)

    @property
    def wer(self) -> float:
        """Word error rate, at most 1."""
        return min(self.word_errors, 1.0)

    @property
    def kind(self) -> str:
        """The degradation's name; ``mixed`` for several."""
        return OWN if self.degradation == OWN else name_kind(self.degradation)


class SampleFolder(UserDict[str, Sample]):
    """The samples of a folder by id, oldest first.

    Raises:
        InputError: The folder's table is not one of samples.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__({sample.sample_id: sample for sample in _read(folder / TABLE)})

    @property
    def accepted(self) -> list[Sample]:
        """The samples to learn from, oldest first."""
        return [sample for sample in self.values() if sample.accepted]

    def add(self, samples: Iterable[Sample]) -> None:
        """Add samples and write the table. An interrupted write leaves the old table."""
        self.update((sample.sample_id, sample) for sample in samples)
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / (TABLE + ".part")
        rows = [asdict(sample) for sample in self.values()]
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), unfinished, compression="zstd")
        os.replace(unfinished, self.folder / TABLE)

    def save_picture(self, sample_id: str, picture: Grey) -> str:
        """Write a sample's picture; return its name for the table."""
        name = f"{PICTURES}/{sample_id}.png"
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())
        return name

    def load_picture(self, sample: Sample) -> Grey:
        """Read a sample's picture.

        Raises:
            InputError: The file is gone or damaged.
        """
        file = self.folder / sample.picture
        try:
            picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
        except (OSError, cv2.error) as error:
            raise InputError(f"the picture {file} can't be read ({error})") from error
        if picture is None:
            raise InputError(f"the picture {file} is damaged", hint="Make the samples again.")
        return np.asarray(picture, np.uint8)


_SCHEMA = pa.schema([(field.name, _TYPES[str(field.type)]) for field in fields(Sample)])


def _read(table: Path) -> Sequence[Sample]:
    if not table.exists():
        return []
    try:
        rows: list[dict[str, Any]] = pq.read_table(table, schema=_SCHEMA).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{table} is not a table of samples ({error})", hint="maxsight quality dataset makes one."
        ) from error
    return [Sample(**{**row, "crop": tuple(row["crop"]) if row["crop"] else None}) for row in rows]

"""Labelled samples on disk: a folder with ``samples.parquet`` and the pictures that its rows name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from maxsight.errors import InputError
from maxsight.quality.degrade import Grey, kind_of

TABLE = "samples.parquet"
PICTURES = "pictures"
OWN = "own"
"""The degradation of a page that came with its text, and whose faults are its own."""

_TYPES = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "tuple[int, int, int, int] | None": pa.list_(pa.int32()),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture, what it says, and what an OCR engine made of it.

    Attributes:
        sample_id: The same for the same page, degradation, engine and seed.
        file: The document it is of. Documents are never split between training and judging.
        page_number: From 1.
        crop: ``x0, y0, x1, y1`` in pixels of the page, or None for a whole page.
        degradation: ``clean``, a degradation, several joined by ``+``, or ``own``.
        severity: From 0 to 1.
        seed: Of the degradation.
        dpi: At which the page was drawn; 0 where a picture was given.
        engine: ``tesseract`` or ``rapidocr``.
        character_errors: Edits per character of the reference; may exceed 1.
        word_errors: Likewise for words.
        ocr_confidence: The engine's mean confidence over its words, from 0 to 1.
        reference: What the page says.
        ocr_text: What the engine read.
        picture: The picture's file, relative to the folder of samples, or absolute.
        accepted: False where even the clean page was misread: its text layer is not to be trusted.
    """

    sample_id: str
    file: str
    page_number: int
    crop: tuple[int, int, int, int] | None
    degradation: str
    severity: float
    seed: int
    dpi: int
    engine: str
    character_errors: float
    word_errors: float
    ocr_confidence: float
    reference: str
    ocr_text: str
    picture: str
    accepted: bool

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
        """Its degradation's name, ``mixed`` for several."""
        return OWN if self.degradation == OWN else kind_of(self.degradation)


class SampleFolder:
    """Samples in a folder, kept by their id.

    Raises:
        InputError: What lies there is not a table of samples.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._samples = {sample.sample_id: sample for sample in _read(folder / TABLE)}

    def __len__(self) -> int:
        return len(self._samples)

    def __contains__(self, sample_id: str) -> bool:
        return sample_id in self._samples

    def __getitem__(self, sample_id: str) -> Sample:
        return self._samples[sample_id]

    def values(self) -> Collection[Sample]:
        """All samples, in the order in which they were made."""
        return self._samples.values()

    @property
    def accepted(self) -> list[Sample]:
        """The samples to learn from, in the order in which they were made."""
        return [sample for sample in self._samples.values() if sample.accepted]

    def add(self, samples: Iterable[Sample]) -> None:
        """Add samples and write the table, at once or not at all."""
        self._samples.update((sample.sample_id, sample) for sample in samples)
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / (TABLE + ".part")
        rows = [asdict(sample) for sample in self._samples.values()]
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), unfinished, compression="zstd")
        os.replace(unfinished, self.folder / TABLE)

    def save_picture(self, sample_id: str, picture: Grey) -> str:
        """Write a sample's picture and return the name it goes by in the table."""
        name = f"{PICTURES}/{sample_id}.png"
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        _, coded = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        file.write_bytes(coded.tobytes())
        return name

    def load_picture(self, sample: Sample) -> Grey:
        """Read a sample's picture.

        Raises:
            InputError: It is gone or damaged.
        """
        file = self.folder / sample.picture
        try:
            picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
        except (OSError, cv2.error) as error:
            raise InputError(f"the picture {file} can't be read ({error})") from error
        if picture is None:
            raise InputError(f"the picture {file} is damaged", hint="Make the samples anew.")
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

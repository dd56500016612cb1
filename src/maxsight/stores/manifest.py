"""What a library says of itself: format, embedding space, settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from maxsight.errors import FormatError, InputError, LibraryDamagedError
from maxsight.types import EmbeddingSpace

FORMAT_VERSION = 4
"""1: a row a page. 2: with signs of its vectors. 3: with 4-bit codes too, less the library's mean. 4: with
pooled signs only."""

OCR_CHOICES = ("auto", "tesseract", "rapidocr", "none")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Written when a library is made.

    Attributes:
        space: The embedding space of every vector in it.
        dpi: Resolution at which pages were rendered for OCR or a visual encoder.
        ocr: OCR engine chosen when it was made.
        pool_factor: Pages keep one in so many of their encoder's vectors; 1 keeps them all.
        format_version: How the rows lie.
        created_by: The package version that made it.
        root: The folder that documents are named relative to; empty where all are named absolutely; None for the
            folder that holds the library.
    """

    space: EmbeddingSpace
    dpi: int
    ocr: str
    format_version: int = FORMAT_VERSION
    created_by: str = ""
    pool_factor: int = 1
    root: str | None = None

    def __post_init__(self) -> None:
        space = self.space
        for name, text in (
            ("encoder", space.encoder),
            ("revision", space.revision),
            ("query_format", space.query_format),
            ("created_by", self.created_by),
            ("root", "" if self.root is None else self.root),
        ):
            if not isinstance(text, str):
                raise InputError(f"{name} must be text, got {text!r}")
        for name, number in (
            ("dim", space.dim),
            ("dpi", self.dpi),
            ("format_version", self.format_version),
            ("pool_factor", self.pool_factor),
        ):
            if type(number) is not int or number < 1:
                raise InputError(f"{name} must be a whole number from 1, got {number!r}")
        if self.ocr not in OCR_CHOICES:
            raise InputError(f"ocr must be one of {', '.join(OCR_CHOICES)}, got {self.ocr!r}")

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, where: str) -> Manifest:
        """Read a manifest.

        Raises:
            FormatError: It was written by a newer version.
            LibraryDamagedError: It is not a manifest.
        """
        try:
            fields = json.loads(text)
            version = int(fields["format_version"])
            if version > FORMAT_VERSION:
                raise FormatError(
                    f"{where} has format {version}; this version of maxsight reads up to {FORMAT_VERSION}",
                    hint="Upgrade: pip install --upgrade maxsight",
                )
            return cls(**{**fields, "space": EmbeddingSpace(**fields["space"])})
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryDamagedError(f"{where} has a damaged manifest: {error}") from error

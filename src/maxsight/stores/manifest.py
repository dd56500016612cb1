"""The manifest of a library: its format, embedding space and settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from maxsight.errors import FormatError, InputError, LibraryDamagedError
from maxsight.stores.background import Background
from maxsight.types import EmbeddingSpace

FORMAT_VERSION = 1
"""How rows and columns are laid out. Other numbers are refused."""

OCR_CHOICES = ("auto", "always", "never", "tesseract", "rapidocr")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The settings of a library, written when it is made.

    Attributes:
        space: The embedding space of all its vectors.
        dpi: Resolution at which pages are rendered for OCR or a visual encoder.
        ocr: When OCR reads, and which engine.
        format_version: How rows and columns are laid out.
        created_by: The package version that made the library.
        pool_factor: Token pooling keeps one of so many vectors of a page; 1 keeps all.
        root: The folder that paths of documents are relative to. Empty: all paths are absolute. None: the folder that
            holds the library.
        background: What a query finds on an average page; None until the library has pages enough.
        ocr_languages: Tesseract's languages, as ``deu+jpn``; empty for those of each page's script.
    """

    space: EmbeddingSpace
    dpi: int
    ocr: str
    format_version: int = FORMAT_VERSION
    created_by: str = ""
    pool_factor: int = 1
    root: str | None = None
    background: Background | None = None
    ocr_languages: str = ""

    def __post_init__(self) -> None:
        space = self.space
        for name, text in (
            ("encoder", space.encoder),
            ("revision", space.revision),
            ("query_format", space.query_format),
            ("created_by", self.created_by),
            ("ocr_languages", self.ocr_languages),
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
        """Return one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, where: str) -> Manifest:
        """Read a manifest.

        Args:
            text: As ``to_json`` returned it.
            where: The library, named in errors.

        Raises:
            FormatError: The library has another format.
            LibraryDamagedError: It is not a manifest.
        """
        try:
            fields = json.loads(text)
            _check_format(fields["format_version"], where)
            ocr = "never" if fields["ocr"] == "none" else fields["ocr"]  # its former name
            background = fields.get("background")
            return cls(
                **{
                    **fields,
                    "space": EmbeddingSpace(**fields["space"]),
                    "ocr": ocr,
                    "background": Background.of(background) if background else None,
                }
            )
        except FormatError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryDamagedError(f"{where} has a damaged manifest: {error}") from error


def _check_format(version: object, where: str) -> None:
    """Refuse another format. The manifest's own checks refuse a version that is no format number."""
    if type(version) is not int or version < 1 or version == FORMAT_VERSION:
        return
    again = "index the files again into a new library"
    upgrade = f"Install a newer maxsight (pip install --upgrade maxsight), or {again}."
    raise FormatError(
        f"{where} has format {version}; this version of maxsight reads format {FORMAT_VERSION}",
        hint=upgrade if version > FORMAT_VERSION else f"{again.capitalize()}.",
    )

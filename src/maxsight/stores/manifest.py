"""What a library says of itself: format, embedding space, settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from maxsight.errors import FormatError, LibraryDamagedError
from maxsight.types import EmbeddingSpace

FORMAT_VERSION = 2
"""1: a row a page. 2: with the sign codes of its vectors."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Written when a library is made.

    Attributes:
        space: The embedding space of every vector in it.
        dpi: Resolution at which pages were rendered for OCR or a visual encoder.
        ocr: OCR engine chosen when it was made.
        format_version: How the rows lie.
        created_by: The package version that made it.
    """

    space: EmbeddingSpace
    dpi: int
    ocr: str
    format_version: int = FORMAT_VERSION
    created_by: str = ""

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

"""The encoder that knows the languages of some documents: what ``--encoder auto`` means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from maxsight.documents import OcrChoice, PageRead, ReadJob, ReadSettings, read_documents
from maxsight.documents.discover import discover
from maxsight.encoders.registry import DEFAULT_ENCODER, MULTILINGUAL
from maxsight.language import language_of

SAMPLED_FILES = 32
SAMPLED_PAGES = 3
"""Of each file, the first ones."""


@dataclass(frozen=True, slots=True)
class ChosenEncoder:
    """An encoder, and why.

    Attributes:
        name: As given to ``--encoder``.
        reason: A sentence for people.
    """

    name: str
    reason: str


def choose_encoder(
    paths: str | Path | Iterable[str | Path], *, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> ChosenEncoder:
    """Choose `minilm` for documents in English, and `multilingual` if there are pages in other languages.

    It reads the first pages of some files, evenly spread over all, and their text layers alone: a scan has no language.

    Args:
        paths: The files and folders that are to be indexed.
        include: Globs, as in ``Library.index``.
        exclude: Globs, likewise.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [file for file in discover(given, include=include, exclude=exclude) if isinstance(file, Path)]
    sample = files[:: -(-len(files) // SAMPLED_FILES) or 1]
    jobs = [ReadJob(file, tuple(range(SAMPLED_PAGES))) for file in sample]
    found: Counter[str] = Counter()
    with closing(read_documents(jobs, ReadSettings(ocr=OcrChoice.NEVER))) as events:
        for event in events:
            if isinstance(event, PageRead) and (language := language_of(event.page.text)):
                found[language] += 1
    others = [language for language, _ in found.most_common() if language != "en"]
    read = f"{found.total():,} pages of {len(sample):,} files"
    if others:
        return ChosenEncoder(
            MULTILINGUAL, f"of {read}, {found.total() - found['en']:,} are in {', '.join(others)}"
        )
    if found:
        return ChosenEncoder(DEFAULT_ENCODER, f"{read} are in English")
    return ChosenEncoder(DEFAULT_ENCODER, f"no text was found in {len(sample):,} files that tells a language")

"""Which files are read, and how: the options of every command that reads documents."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.options import Command, Number, WholeNumber, add_options, password_option

if TYPE_CHECKING:
    from maxsight.documents import ReadSettings


def choosing_options(command: Command) -> Command:
    """Add ``--include``, ``--exclude`` and ``--follow-symlinks``."""
    return add_options(
        command,
        click.option("--include", multiple=True, metavar="GLOB", help="In folders, read only files that match."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="In folders, skip files that match."),
        click.option("--follow-symlinks", is_flag=True, help="In folders, also follow links that lead out of them."),
    )  # fmt: skip


def reading_options(command: Command) -> Command:
    """Add ``--ocr``, ``--ocr-language``, ``--dpi``, ``--password``, ``--workers`` and the limits on a file."""
    return _reading_options(command, dpi=200)


def judging_options(command: Command) -> Command:
    """Add the same options, with the resolution that models of OCR quality need."""
    return _reading_options(command, dpi=150)


def _reading_options(command: Command, dpi: int) -> Command:
    return add_options(
        command,
        click.option(
            "--ocr",
            type=click.Choice(["auto", "always", "never", "tesseract", "rapidocr", "none"]),
            help="auto: OCR reads what the text layer lacks, by Tesseract or else RapidOCR, or by the engine you name. "
            "always: it reads every page. never (or none): only text layers are read.",
        ),
        click.option(
            "--ocr-language",
            metavar="LANG+LANG",
            help="Tesseract's languages, as deu+jpn.  [default: those of each page's script]",
        ),
        click.option("--dpi", type=WholeNumber(36, 1200), help=f"Resolution of drawn pages.  [default: {dpi}]"),
        password_option,
        click.option("--workers", type=WholeNumber(1, 256), help="Reading processes.  [default: by CPUs]"),
        click.option("--max-pixels", type=WholeNumber(1), help="Maximum pixels per page.  [default: 100,000,000]"),
        click.option("--max-pages", type=WholeNumber(1), help="Maximum pages per file.  [default: 10,000]"),
        click.option("--max-bytes", type=WholeNumber(1), help="Maximum bytes per file.  [default: 2,000,000,000]"),
        click.option("--page-timeout", type=Number(0.1), help="Maximum seconds per page.  [default: 120]"),
        click.option(
            "--max-memory",
            type=WholeNumber(1),
            help="Maximum bytes of memory per reading process (Linux).  [default: 2,000,000,000]",
        ),
    )  # fmt: skip


def changed(settings: ReadSettings, options: Mapping[str, Any]) -> ReadSettings:
    """Replace settings by the options that were given."""
    from maxsight.documents import OcrChoice

    limits = {
        name: options[option]
        for name, option in (
            ("max_pixels", "max_pixels"),
            ("max_pages", "max_pages"),
            ("max_bytes", "max_bytes"),
            ("page_timeout_s", "page_timeout"),
            ("max_memory_bytes", "max_memory"),
        )
        if options[option] is not None
    }
    return replace(
        settings,
        ocr=OcrChoice(options["ocr"]) if options["ocr"] else settings.ocr,
        ocr_languages=split_languages(options["ocr_language"]) or settings.ocr_languages,
        dpi=options["dpi"] or settings.dpi,
        password=options["password"],
        limits=replace(settings.limits, **limits),
    )


def split_languages(text: str | None) -> tuple[str, ...]:
    """Split names of languages at plus signs or commas."""
    return tuple(filter(None, (name.strip() for name in (text or "").replace(",", "+").split("+"))))


def each_path(arguments: tuple[str, ...]) -> Iterator[str]:
    """Give the paths that a user names; ``-`` reads more from standard input, one a line or ended by NUL."""
    for argument in arguments:
        if argument == "-":
            yield from _listed(sys.stdin.buffer.read())
        else:
            yield argument


def _listed(content: bytes) -> list[str]:
    """Take a list of paths apart, as ``find``, ``find -print0`` and PowerShell write it."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", "replace")
    else:
        text = os.fsdecode(content.removeprefix(codecs.BOM_UTF8))
    paths = text.split("\0") if "\0" in text else [line.strip() for line in text.split("\n")]
    return [path for path in paths if path.strip()]

"""Which files are read, and how: the options of every command that reads documents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from maxsight.documents import ReadSettings

Command = TypeVar("Command", bound=Callable[..., Any])


def choosing_options(command: Command) -> Command:
    """Add ``--include`` and ``--exclude``."""
    return _with(
        command,
        click.option("--include", multiple=True, metavar="GLOB", help="In folders, take only files that match."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="In folders, leave out files that match."),
    )  # fmt: skip


def reading_options(command: Command) -> Command:
    """Add ``--ocr``, ``--dpi``, ``--password``, ``--workers`` and the limits on a file."""
    return _reading_options(command, dpi=200)


def judging_options(command: Command) -> Command:
    """Add the same for commands that look at pages as models of OCR quality learn them."""
    return _reading_options(command, dpi=150)


def _reading_options(command: Command, dpi: int) -> Command:
    return _with(
        command,
        click.option(
            "--ocr",
            type=click.Choice(["auto", "rapidocr", "tesseract", "none"]),
            help="Engine for pages without usable text.",
        ),
        click.option("--dpi", type=click.IntRange(36, 1200), help=f"Resolution of drawn pages.  [default: {dpi}]"),
        click.option("--password", envvar="MAXSIGHT_PASSWORD", show_envvar=True, help="For encrypted PDFs."),
        click.option("--workers", type=click.IntRange(1, 256), help="Reading processes.  [default: by CPUs]"),
        click.option("--max-pixels", type=click.IntRange(1), help="Pixels of one page.  [default: 100,000,000]"),
        click.option("--max-pages", type=click.IntRange(1), help="Pages of one file.  [default: 10,000]"),
        click.option("--max-bytes", type=click.IntRange(1), help="Bytes of one file.  [default: 2,000,000,000]"),
        click.option("--page-timeout", type=click.FloatRange(0.1), help="Seconds one page may take.  [default: 120]"),
    )  # fmt: skip


def changed(settings: ReadSettings, options: Mapping[str, Any]) -> ReadSettings:
    """Put the options that were given in place of the settings' own."""
    from maxsight.documents import OcrChoice

    limits = {
        name: options[option]
        for name, option in (
            ("max_pixels", "max_pixels"),
            ("max_pages", "max_pages"),
            ("max_bytes", "max_bytes"),
            ("page_timeout_s", "page_timeout"),
        )
        if options[option] is not None
    }
    return replace(
        settings,
        ocr=OcrChoice(options["ocr"]) if options["ocr"] else settings.ocr,
        dpi=options["dpi"] or settings.dpi,
        password=options["password"],
        limits=replace(settings.limits, **limits),
    )


def each_path(arguments: tuple[str, ...]) -> Iterator[str]:
    """The paths a user names; ``-`` stands for those on standard input, one a line."""
    for argument in arguments:
        if argument == "-":
            yield from (line for line in map(str.strip, sys.stdin) if line)
        else:
            yield argument


def _with(command: Command, *options: Callable[[Any], Any]) -> Command:
    decorated: Any = command
    for option in reversed(options):
        decorated = option(decorated)
    return cast(Command, decorated)

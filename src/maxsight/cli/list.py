"""``maxsight list``."""

from __future__ import annotations

from dataclasses import asdict

import click

from maxsight.cli.output import (
    NO_PAGE_PASSES,
    counted,
    filter_option,
    json_option,
    library_option,
    print_json,
    say,
)
from maxsight.stores.addresses import Address


@click.command(name="list")
@library_option
@filter_option
@json_option
def list_documents(library: Address, where: str | None, as_json: bool) -> None:
    """List the documents of the library.

    Each with its pages, your fields, and what is expected of OCR on it, with a note where that is doubtful. With
    --filter, only those that have a page it keeps.
    """
    from maxsight import Library
    from maxsight.library.status import ExpectedErrors, quality_notes

    with Library.open(library, read_only=True) as opened:
        entries = opened.documents(where)
    if as_json:
        print_json(
            [
                {
                    "path": entry.document.path,
                    "file": entry.document.file,
                    "pages": len(entry.page_indices),
                    "page_count": entry.document.page_count,
                    "complete": entry.complete,
                    "vectors": entry.vectors,
                    "size_bytes": entry.document.size_bytes,
                    "content_hash": entry.document.content_hash,
                    "metadata": entry.metadata,
                    "quality": expected and asdict(expected),
                    "quality_notes": quality_notes(entry),
                }
                for entry, expected in zip(entries, map(ExpectedErrors.of, entries), strict=True)
            ]
        )
        return
    if where and not entries:
        say(NO_PAGE_PASSES)
    for entry in entries:
        pages = counted(len(entry.page_indices), "page")
        if not entry.complete:
            pages += f" of {entry.document.page_count}"
        parts = [entry.document.path, pages, *(f"{name}={value}" for name, value in entry.metadata.items())]
        if expected := ExpectedErrors.of(entry):
            parts.append(
                f"CER {expected.mean_cer:.2f} (worst {expected.worst_cer:.2f}, page {expected.worst_page})"
            )
        if notes := quality_notes(entry):
            parts.append(_first_note(notes, expected.worst_page if expected else None))
        click.echo("  ".join(parts))


def _first_note(notes: dict[int, str], worst_page: int | None) -> str:
    """The worst page's note, or else the first, and how many more there are."""
    number = worst_page if worst_page in notes else min(notes)
    more = f", and {len(notes) - 1} more" if len(notes) > 1 else ""
    return f"OCR note, page {number}: {notes[number]}{more}"

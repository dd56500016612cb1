"""``maxsight list``."""

from __future__ import annotations

from dataclasses import asdict

import click

from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import filter_option, json_option
from maxsight.cli.output import counted, no_match, print_json, say, shown


@click.command(name="list")
@library_option
@filter_option
@json_option
def list_documents(library: ChosenLibrary, where: str | None, as_json: bool) -> None:
    """List the documents of the library.

    Each has its pages, your fields and the predicted error rates of OCR, with a note where these are doubtful. If OCR
    read any of the text, the pages are counted by the source of their text. The languages of pages follow, where the
    library knows them. With --filter, only documents with a page that matches.
    """
    from maxsight.library.status import (
        ExpectedErrors,
        counts_of_languages,
        counts_of_sources,
        quality_notes,
        runs_of_pages,
    )
    from maxsight.types import TextSource

    with library.open(read_only=True) as opened:
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
                    "text_source": counts_of_sources(entry),
                    "text_runs": runs_of_pages(entry),
                    "languages": counts_of_languages(entry),
                    "metadata": entry.metadata,
                    "quality": expected and asdict(expected),
                    "quality_notes": quality_notes(entry),
                }
                for entry, expected in zip(entries, map(ExpectedErrors.of, entries), strict=True)
            ]
        )
        return
    if where and not entries:
        say(no_match(where))
    for entry in entries:
        pages = counted(len(entry.page_indices), "page")
        if not entry.complete:
            pages += f" of {entry.document.page_count}"
        sources = counts_of_sources(entry)
        if sources.keys() - {TextSource.LAYER, TextSource.FILE}:
            pages += f" ({', '.join(f'{count} {source}' for source, count in sources.items())})"
        if languages := counts_of_languages(entry):
            pages += f" ({', '.join(languages)})"
        fields = (shown(f"{name}={value}") for name, value in entry.metadata.items())
        parts = [shown(entry.document.path), pages, *fields]
        if expected := ExpectedErrors.of(entry):
            parts.append(
                f"CER {expected.mean_cer:.2f} (worst {expected.worst_cer:.2f}, page {expected.worst_page})"
            )
        if notes := quality_notes(entry):
            parts.append(_first_note(notes, expected.worst_page if expected else None))
        click.echo("  ".join(parts))


def _first_note(notes: dict[int, str], worst_page: int | None) -> str:
    """Write the note of the worst page or the first, and how many more there are."""
    number = worst_page if worst_page in notes else min(notes)
    more = f", and {len(notes) - 1} more" if len(notes) > 1 else ""
    return f"OCR note, page {number}: {notes[number]}{more}"

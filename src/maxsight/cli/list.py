"""``maxsight list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maxsight.cli.output import counted, json_option, library_option, print_json
from maxsight.stores.addresses import Address

if TYPE_CHECKING:
    from maxsight.stores.base import DocumentEntry


@click.command(name="list")
@library_option
@json_option
def list_documents(library: Address, as_json: bool) -> None:
    """List the documents of the library with their pages, your fields, and what is expected of OCR on them."""
    from maxsight.library import Library

    with Library.open(library, read_only=True) as opened:
        entries = opened.documents()
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
                    "quality": quality_of(entry),
                }
                for entry in entries
            ]
        )
        return
    for entry in entries:
        pages = counted(len(entry.page_indices), "page")
        if not entry.complete:
            pages += f" of {entry.document.page_count}"
        parts = [entry.document.path, pages, *(f"{name}={value}" for name, value in entry.metadata.items())]
        if known := quality_of(entry):
            parts.append(
                f"CER {known['mean_cer']:.2f} (worst {known['worst_cer']:.2f}, page {known['worst_page']})"
            )
        click.echo("  ".join(parts))


def quality_of(entry: DocumentEntry) -> dict[str, float] | None:
    """What is expected of OCR on a document's pages; None where nothing is known."""
    pages = zip(entry.page_indices, entry.page_fields, strict=False)
    rates = {
        index + 1: float(fields["predicted_cer"]) for index, fields in pages if "predicted_cer" in fields
    }
    if not rates:
        return None
    worst = max(rates, key=lambda number: rates[number])
    mean = sum(rates.values()) / len(rates)
    return {"mean_cer": round(mean, 4), "worst_cer": rates[worst], "worst_page": worst, "judged": len(rates)}

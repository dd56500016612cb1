"""What a library holds, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from maxsight.stores.audit import Audit
from maxsight.stores.base import AnyStore, DocumentEntry, Maintained
from maxsight.types import EmbeddingSpace


@dataclass(frozen=True, slots=True)
class ExpectedErrors:
    """What is expected of OCR on a document: its character error rate, of the pages that have been judged.

    Attributes:
        mean_cer: Over these pages.
        worst_cer: Of the worst page.
        worst_page: Its number.
        judged: Pages that have a number.
    """

    mean_cer: float
    worst_cer: float
    worst_page: int
    judged: int

    @classmethod
    def of(cls, entry: DocumentEntry) -> Self | None:
        """Sum up a document's pages; None where no page has a number."""
        pages = zip(entry.page_indices, entry.page_fields, strict=False)
        rates = {
            index + 1: float(fields["predicted_cer"]) for index, fields in pages if "predicted_cer" in fields
        }
        if not rates:
            return None
        worst = max(rates, key=lambda number: rates[number])
        return cls(round(sum(rates.values()) / len(rates), 4), rates[worst], worst, len(rates))


def quality_notes(entry: DocumentEntry) -> dict[int, str]:
    """Why a page's expected error rates are doubtful, or why it has none, by page number."""
    pages = zip(entry.page_indices, entry.page_fields, strict=False)
    return {index + 1: str(fields["quality_note"]) for index, fields in pages if fields.get("quality_note")}


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds.

    Attributes:
        path: Where it lies.
        documents: Documents.
        incomplete: Of these, how many lack pages.
        pages: Pages.
        vectors: Vectors of all pages.
        size_bytes: What it takes on disk; None where that is a server's.
        store: What keeps it.
        space: The embedding space.
        pool_factor: Pages keep one in so many of their encoder's vectors; 1 keeps them all.
        fields: The user's fields and their types.
        format_version: How its rows lie.
        created_by: The version of maxsight that made it.
        audit: What was last measured of the search; None if nothing was.
        audit_holds: Whether searches go by it.
        candidates: How many pages a search looks at by it, for as many results and the recall that were measured; None
            where it scores every page, or goes by its defaults.
    """

    path: str
    documents: int
    incomplete: int
    pages: int
    vectors: int
    size_bytes: int | None
    store: str
    space: EmbeddingSpace
    pool_factor: int
    fields: Mapping[str, str]
    format_version: int
    created_by: str
    audit: Audit | None
    audit_holds: bool
    candidates: int | None

    @classmethod
    def of(cls, store: AnyStore, place: str) -> Self:
        """Count what is there."""
        entries = store.documents()
        pages = sum(len(entry.page_indices) for entry in entries)
        manifest, audit = store.manifest, store.last_audit()
        holds = audit is not None and audit.holds_for(pages)
        return cls(
            path=place,
            documents=len(entries),
            incomplete=sum(not entry.complete for entry in entries),
            pages=pages,
            vectors=sum(entry.vectors for entry in entries),
            size_bytes=store.size_bytes() if isinstance(store, Maintained) else None,
            store=store.description,
            space=manifest.space,
            pool_factor=manifest.pool_factor,
            fields=store.fields(),
            format_version=manifest.format_version,
            created_by=manifest.created_by,
            audit=audit,
            audit_holds=holds,
            candidates=audit.candidates_for(audit.target, pages=pages, top_k=audit.top_k)
            if audit and holds
            else None,
        )

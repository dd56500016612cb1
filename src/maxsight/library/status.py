"""What a library holds, in numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from maxsight import notebook
from maxsight.indexing.events import UNREADABLE_CER
from maxsight.stores.audit import Audit
from maxsight.stores.base import AnyStore, DocumentEntry, Maintained
from maxsight.stores.fields import PAGE_LANGUAGE
from maxsight.types import EmbeddingSpace, TextRun, TextSource

_OCR = {TextSource.TESSERACT.value, TextSource.RAPIDOCR.value}


@dataclass(frozen=True, slots=True)
class ExpectedErrors:
    """The expected character error rate of OCR on a document, over its pages that have been judged.

    Attributes:
        mean_cer: Mean over these pages.
        worst_cer: Rate of the worst page.
        worst_page: Number of that page.
        judged: How many pages have been judged.
    """

    mean_cer: float
    worst_cer: float
    worst_page: int
    judged: int

    @classmethod
    def of(cls, entry: DocumentEntry) -> Self | None:
        """Summarise a document's pages; None if no page has been judged."""
        pages = zip(entry.page_indices, entry.page_fields, strict=False)
        rates = {
            index + 1: float(fields["predicted_cer"]) for index, fields in pages if "predicted_cer" in fields
        }
        if not rates:
            return None
        worst = max(rates, key=lambda number: rates[number])
        return cls(round(sum(rates.values()) / len(rates), 4), rates[worst], worst, len(rates))


def quality_notes(entry: DocumentEntry) -> dict[int, str]:
    """Return by page number why expected error rates are doubtful or missing."""
    pages = zip(entry.page_indices, entry.page_fields, strict=False)
    return {index + 1: str(fields["quality_note"]) for index, fields in pages if fields.get("quality_note")}


def counts_of_sources(entry: DocumentEntry) -> dict[str, int]:
    """Count a document's pages by where their text comes from: ``layer``, ``tesseract``, ``layer+tesseract``."""
    counts = Counter[str]()
    for text in entry.text_sources:
        counts["+".join(sorted({part.split(" ")[0] for part in text.split(", ")}))] += 1
    return dict(counts)


def counts_of_languages(entry: DocumentEntry) -> dict[str, int]:
    """Count a document's pages by their language. Pages whose language is not known are left out."""
    return dict(
        Counter(str(fields[PAGE_LANGUAGE]) for fields in entry.page_fields if PAGE_LANGUAGE in fields)
    )


def count_scanned(entry: DocumentEntry) -> tuple[int, int]:
    """Count the pages that OCR has read, and those of them that it has probably misread."""
    scanned = [bool(_OCR.intersection(re.split(r"[ ,]+", text))) for text in entry.text_sources]
    rates = [float(fields.get("predicted_cer", 0)) for fields in entry.page_fields]
    misread = sum(rate > UNREADABLE_CER for rate, read in zip(rates, scanned, strict=False) if read)
    return sum(scanned), misread


def runs_of_pages(entry: DocumentEntry) -> dict[int, list[TextRun]]:
    """Return by page number the sources of a page's words in order, where they differ or have a reason."""
    pages = zip(entry.page_indices, entry.text_sources, strict=False)
    return {index + 1: list(map(TextRun.parse, text.split(", "))) for index, text in pages if " " in text}


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds.

    Attributes:
        path: Where it is.
        documents: How many documents it holds.
        incomplete: How many of these lack pages.
        pages: How many pages these have. A document that is being replaced counts with its listed content only, though
            searches find the pages of both.
        vectors: Vectors of these pages.
        size_bytes: Its size on disk; None if it is not on a disk of its own.
        store: Description of its store.
        space: Its embedding space.
        pool_factor: A page's vectors are pooled to ``1 / pool_factor`` of their number; 1 if all are stored.
        fields: The user's fields and their types.
        format_version: Format of its rows.
        created_by: The version of maxsight that made it.
        audit: The last audit of the search; None before the first.
        audit_holds: Whether searches use the audit.
        candidates: Candidates of a search according to the audit, at its target and ``top_k``; None if a search scores
            every page or takes the default.
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

    def __repr__(self) -> str:
        """Count what is in it, on one line; the fields have the rest."""
        return f"Status({self.path!r}: {self.documents:,} documents, {self.pages:,} pages)"

    def _repr_html_(self) -> str:
        pages = f"{self.documents:,} documents, {self.pages:,} pages"
        values = {
            "holds": pages + (f"; {self.incomplete:,} documents lack pages" if self.incomplete else ""),
            "vectors": f"{self.vectors:,} of {self.space.dim} numbers",
            "encoder": self.space.encoder,
            "on disk": None if self.size_bytes is None else f"{self.size_bytes / 1e6:,.1f} MB",
            "fields": ", ".join(self.fields) or None,
        }
        return notebook.facts(self.path, values)

    @classmethod
    def of(cls, store: AnyStore, place: str) -> Self:
        """Count what a store holds."""
        entries = store.documents()
        pages = sum(len(entry.page_indices) for entry in entries)
        manifest, audit = store.manifest, store.last_audit()
        holds = audit is not None and audit.holds_for(store.page_count())
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

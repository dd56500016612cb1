"""A retriever for Haystack: pages as ``Document``, with their pictures as ``blob``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from maxsight.extras import require

require("haystack")
from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import ByteStream

from maxsight.integrations.filters import ORDERS, combine, compare, unknown_operator
from maxsight.integrations.retrieving import MEDIA_TYPE, Pictures, Source, describe, draw
from maxsight.results import Hit

_COMPARISONS = ("==", "!=", *ORDERS, "in", "not in")
_LOGIC = ("AND", "OR", "NOT")


@component
class MaxSightRetriever:
    """Finds pages of a library.

    ::

        retriever = MaxSightRetriever("papers.library", top_k=4)
        retriever.run("how is attention scaled?")["documents"]

    Haystack loads a saved pipeline only from modules that are allowed:
    ``Pipeline.loads(text, allowed_modules=["maxsight.integrations.haystack"])``.

    Args:
        library: A library that is open, or where it is: a folder, a place in Milvus, or a server's address.
        top_k: How many pages.
        filters: Which pages: Haystack's filters.
        pictures: Whether each document has a picture of its page, or of the part that matched, as ``blob``.
    """

    def __init__(
        self,
        library: Any,
        top_k: int = 10,
        filters: dict[str, Any] | None = None,
        pictures: Pictures = "none",
    ) -> None:
        self._source = Source(library)
        self.top_k, self.filters, self.pictures = top_k, filters, pictures

    def to_dict(self) -> dict[str, Any]:
        """Describe the component, for a pipeline that is saved. A library that is open is named by its place."""
        return default_to_dict(
            self,
            library=self._source.name,
            top_k=self.top_k,
            filters=self.filters,
            pictures=self.pictures,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> MaxSightRetriever:
        """Make the component from its description."""
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Find pages.

        Args:
            query: The question.
            filters: Instead of those of the component.
            top_k: Instead of that of the component.
        """
        chosen = self.filters if filters is None else filters
        where = read_haystack_filters(chosen) if chosen else None
        hits = self._source.search(query, top_k or self.top_k, where)
        return {"documents": [self._document(hit) for hit in hits]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Find pages without blocking the event loop; see ``run``."""
        return await asyncio.to_thread(self.run, query, filters, top_k)

    def _document(self, hit: Hit) -> Document:
        meta = describe(hit)
        picture = draw(hit, self.pictures)
        blob = ByteStream(picture, mime_type=MEDIA_TYPE) if picture else None
        return Document(id=hit.page_id, content=hit.text, blob=blob, meta=meta, score=meta.pop("score"))


def read_haystack_filters(filters: Mapping[str, Any]) -> str:
    """Write Haystack's filters as SQL.

    Raises:
        FilterError: They lack a part, have an unknown operator, or a value of no field's type.
    """
    operator = filters.get("operator")
    if "conditions" in filters:
        if operator not in _LOGIC:
            raise unknown_operator(operator, _LOGIC)
        return combine(operator, [read_haystack_filters(part) for part in filters["conditions"]])
    if operator not in _COMPARISONS or "field" not in filters:
        raise unknown_operator(operator, _COMPARISONS)
    return compare(str(filters["field"]).removeprefix("meta."), operator, filters.get("value"))

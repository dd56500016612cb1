"""A retriever for LlamaIndex: pages as ``TextNode``, or as ``ImageNode`` with their pictures."""

from __future__ import annotations

import asyncio
from typing import Any

from maxsight.extras import require

require("llama-index")
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import ImageNode, NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores import FilterOperator, MetadataFilters

from maxsight.integrations.filters import combine, compare, unknown_operator
from maxsight.integrations.retrieving import MEDIA_TYPE, Pictures, Source, as_text, describe, draw
from maxsight.results import Hit

_OPERATORS = {
    FilterOperator.EQ: "==", FilterOperator.NE: "!=", FilterOperator.GT: ">", FilterOperator.LT: "<",
    FilterOperator.GTE: ">=", FilterOperator.LTE: "<=", FilterOperator.IN: "in", FilterOperator.NIN: "not in",
    FilterOperator.TEXT_MATCH: "contains", FilterOperator.TEXT_MATCH_INSENSITIVE: "icontains",
    FilterOperator.IS_EMPTY: "is missing",
}  # fmt: skip
_UNSEEN = ["page_id", "path", "rank", "score", "regions", "snippet"]
"""Metadata that models are not shown beside the text."""


class MaxSightRetriever(BaseRetriever):
    """Finds pages of a library.

    ::

        retriever = MaxSightRetriever("papers.library", similarity_top_k=4)
        retriever.retrieve("how is attention scaled?")

    Args:
        library: A library that is open, or where it is: a folder, a place in Milvus, or a server's address.
        similarity_top_k: How many pages.
        filters: Which pages: ``MetadataFilters``, or SQL.
        pictures: Whether each node has a picture of its page, or of the part that matched: then it is an ``ImageNode``.
        options: As for LlamaIndex' ``BaseRetriever``.
    """

    def __init__(
        self,
        library: Any,
        *,
        similarity_top_k: int = 4,
        filters: MetadataFilters | str | None = None,
        pictures: Pictures = "none",
        **options: Any,
    ) -> None:
        self._source = Source(library)
        self._top_k = similarity_top_k
        self._where = read_metadata_filters(filters) if isinstance(filters, MetadataFilters) else filters
        self._pictures = pictures
        super().__init__(**options)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._source.search(query_bundle.query_str, self._top_k, self._where)
        return [NodeWithScore(node=self._node(hit), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)

    def _node(self, hit: Hit) -> TextNode:
        fields = {
            "id_": hit.page_id,
            "text": hit.text,
            "metadata": describe(hit),
            "excluded_llm_metadata_keys": _UNSEEN,
            "excluded_embed_metadata_keys": _UNSEEN,
        }
        if picture := draw(hit, self._pictures):
            return ImageNode(**fields, image=as_text(picture), image_mimetype=MEDIA_TYPE)
        return TextNode(**fields)


def read_metadata_filters(filters: MetadataFilters) -> str:
    """Write LlamaIndex' filters as SQL.

    Raises:
        FilterError: An operator has no counterpart, or a value is of no field's type.
    """
    conditions = []
    for one in filters.filters:
        if isinstance(one, MetadataFilters):
            conditions.append(read_metadata_filters(one))
        elif one.operator not in _OPERATORS:
            raise unknown_operator(one.operator.value, [operator.value for operator in _OPERATORS])
        else:
            conditions.append(compare(one.key, _OPERATORS[one.operator], one.value))
    return combine((filters.condition or "and").upper(), conditions)

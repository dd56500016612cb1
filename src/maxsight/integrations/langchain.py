"""A retriever for LangChain: pages as ``Document``, with their places, and their pictures as content blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from maxsight.extras import require

require("langchain")
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, PrivateAttr

from maxsight.integrations.filters import read_operators
from maxsight.integrations.retrieving import MEDIA_TYPE, Pictures, Source, as_text, describe, draw
from maxsight.results import Hit


class MaxSightRetriever(BaseRetriever):
    """Finds pages of a library.

    ::

        retriever = MaxSightRetriever(library="papers.library", k=4)
        retriever.invoke("how is attention scaled?", filter={"year": {"$gte": 2020}})

    Each document has the text of a page. Its metadata has the user's fields, ``file``, ``path``, ``page_number``,
    ``page_id``, ``rank``, ``score``, ``snippet``, and ``regions``: what words of the question matched, and where. With
    ``pictures``, ``image`` is a content block that can be put into a message as it is.

    Attributes:
        library: A library that is open, or where it is: a folder, a place in Milvus, or a server's address.
        k: How many pages.
        filter: Which pages: SQL, or a dictionary of fields with values or operators. ``invoke`` may give another one.
        pictures: Whether each document has a picture of its page, or of the part that matched.
    """

    library: Any
    k: int = Field(default=4, ge=1)
    filter: str | dict[str, Any] | None = None
    pictures: Pictures = "none"
    _source: Source = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open nothing yet."""
        super().model_post_init(context)
        self._source = Source(self.library)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filter: str | dict[str, Any] | None = None,
    ) -> list[Document]:
        chosen = self.filter if filter is None else filter
        where = read_operators(chosen) if isinstance(chosen, Mapping) else chosen
        return [self._document(hit) for hit in self._source.search(query, k or self.k, where)]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        find = partial(self._get_relevant_documents, query, run_manager=run_manager.get_sync(), **given)
        return await asyncio.to_thread(find)

    def _document(self, hit: Hit) -> Document:
        metadata = describe(hit)
        if picture := draw(hit, self.pictures):
            metadata["image"] = {"type": "image", "base64": as_text(picture), "mime_type": MEDIA_TYPE}
        return Document(id=hit.page_id, page_content=hit.text, metadata=metadata)

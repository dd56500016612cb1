"""Another program's collection with embedding lists: one entity a page, with its vectors in an array of structs.

Milvus' tutorials make ``wiki_documents`` (``title``, ``paragraphs[text, emb]``) and ``financial_reports``
(``corpus_id``, ``doc_id``, ``page_number_in_doc``, ``patches[emb]``). The entity's plain columns are fields. The server
ranks pages, and they are scored again here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from maxsight.stores.conditions import Filter
from maxsight.stores.fields import FieldType
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import MAX_WINDOW, REQUEST_BYTES
from maxsight.stores.milvus.expressions import match_values
from maxsight.stores.milvus.foreign import ForeignStore
from maxsight.stores.milvus.foreign_form import NAMED_BY, NUMBERED_BY
from maxsight.stores.milvus.foreign_pages import KEY, NAME, NUMBER, ForeignPage, list_pages
from maxsight.stores.milvus.row_search import Selection
from maxsight.stores.milvus.wire_vectors import read_vectors, to_embedding_list
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import Floats, Scalar

RANKED_PAGES = 256
"""Pages that the server ranks by default, as for a library's own embedding lists."""


class ForeignLists(ForeignStore):
    """A collection with one entity a page."""

    @property
    def _named_by(self) -> str:
        return self._form.key

    def fields(self) -> dict[str, FieldType]:
        """Return the plain columns that filters can use, and their types."""
        return self._form.fields

    def _list(self) -> list[Row]:
        form = self._form
        named = next((name for name in NAMED_BY if form.columns.get(name) is FieldType.TEXT), form.key)
        numbered = next((name for name in NUMBERED_BY if form.columns.get(name) is FieldType.INTEGER), None)
        rows = self._connection.iterate(form.collection, "", [form.key, *form.columns])
        return list_pages(
            {
                **{name: row[name] for name in form.columns},
                KEY: row[form.key],
                NAME: row[named],
                **({NUMBER: row[numbered]} if numbered else {}),
            }
            for row in rows
        )

    def _count_vectors(self) -> Mapping[Scalar, int]:
        return {
            page[KEY]: len(stored.vectors)
            for some in cut_batches(self._pages().values(), self._pages_per_request)
            for fetched in [self._fetch(some)]
            for page in some
            if (stored := fetched.get(page["page_id"])) is not None
        }

    @property
    def _pages_per_request(self) -> int:
        assert self._form.vectors.struct is not None
        most = int(self._form.vectors.struct["params"]["max_capacity"])
        return max(1, REQUEST_BYTES // (most * self._dim * 4))

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages that the server ranks best, with their vectors."""
        check_queries(queries, self._dim)
        numbers, selection = self._select(where)
        ranked = min(max(limit, candidates or RANKED_PAGES), MAX_WINDOW)
        found = [self._rank(query, ranked, numbers, selection)[:limit] for query in queries]
        rows = {row["page_id"]: row for some in found for row in some}
        vectors = self._fetch_vectors(list(rows.values()))
        return [self._packed([row["page_id"] for row in some], vectors) for some in found]

    def _rank(
        self, query: Floats, ranked: int, numbers: Mapping[Scalar, int], selection: Selection
    ) -> list[Row]:
        """Return the rows of the pages that the server ranks best, of those that are selected."""
        best: dict[int, float] = {}
        for expression in selection.expressions:
            (hits,) = self._connection.call(
                "search",
                self._form.collection,
                data=[to_embedding_list(query, self._form.vectors.kind)],
                anns_field=self._form.vectors.name,
                limit=ranked,
                filter=expression,
                output_fields=[self._form.key],
                search_params={"metric_type": self._form.index.metric, "params": {}},
                consistency_level="Strong",
            )
            similarities = self._metric.to_similarity(np.array(hits.distances, np.float32)).tolist()
            for key, similarity in zip(hits.ids, similarities, strict=True):
                if key in numbers:
                    best[numbers[key]] = similarity
        ordered = np.array(sorted(best, key=lambda number: -best[number]), np.int64)
        return list(selection.take(ordered, ranked).values())

    def _fetch(self, pages: Sequence[Row]) -> dict[str, ForeignPage]:
        fetched: dict[str, ForeignPage] = {}
        for some in cut_batches(pages, self._pages_per_request):
            fetched |= self._fetch_once(some)
        return fetched

    def _fetch_once(self, pages: Sequence[Row]) -> dict[str, ForeignPage]:
        form = self._form
        assert form.vectors.struct is not None
        name = form.vectors.struct["name"]
        parts = [form.vectors.name, *(f"{name}[{part}]" for part in form.texts)]
        page_of = {page[KEY]: page["page_id"] for page in pages}
        found = self._query(match_values(form.key, page_of), [form.key, *parts])
        # The answer's own columns: pymilvus makes a dictionary of each struct, which takes 20 ms a page.
        columns = {
            part.field_name.rpartition("[")[2].rstrip("]"): part
            for column in found._lazy_field_data
            for part in column.struct_arrays.fields
        }
        fetched = {}
        for position, row in enumerate(list.__iter__(found)):
            array = columns[form.vectors.name.rpartition("[")[2].rstrip("]")].vectors.vector_array.data[
                position
            ]
            vectors = self._metric.to_scored(read_vectors(array, self._dim)).astype(np.float16)
            texts = [columns[part].scalars.array_data.data[position].string_data.data for part in form.texts]
            joined = tuple(" ".join(filter(None, each)) for each in zip(*texts, strict=True))
            fetched[page_of[row[form.key]]] = ForeignPage(vectors, joined)
        return fetched

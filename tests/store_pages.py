"""Small pages for the tests of stores: real text, and vectors of the fake encoder."""

import re

import numpy as np

from maxsight.encoders.fake import FakeEncoder
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.base import IndexedPage
from maxsight.stores.manifest import Manifest
from maxsight.types import Document, Page, TextSource, Words

ENCODER = FakeEncoder(dim=32)
CODEC = PageCodec(32)
MANIFEST = Manifest(ENCODER.space, dpi=200, ocr="auto", created_by="test")


def make_page(path, index, text, *, page_count=1, version="1", boxed=True, **metadata):
    """One page; ``boxed`` ones look like a PDF's, others like plain text."""
    spans = np.array([match.span() for match in re.finditer(r"\S+", text)], np.int32).reshape(-1, 2)
    boxes = np.concatenate([spans / 1000, spans / 1000 + 0.05], axis=1)[:, [0, 1, 2, 3]]
    boxes = np.sort(boxes.reshape(-1, 2, 2), axis=1).reshape(-1, 4).astype(np.float32)
    source = TextSource.LAYER if boxed else TextSource.FILE
    page = Page(index, text, Words(spans, boxes if boxed else None), source, *((612.0, 792.0) * boxed))
    document = Document(path, f"{path}-{version}", 1234, 1_700_000_000_000_000_000, page_count)
    return IndexedPage(
        f"{path}@{version}#{index}", document, page, ENCODER.encode_pages([page])[0], dict(metadata)
    )


def query(text):
    """A query's vectors. Shape ``(query_tokens, dim)``."""
    return ENCODER.encode_query(text).vectors


def nearest(store, vectors, limit, **options):
    """The ids of the pages that a store takes for the best, best first."""
    return list(store.nearest([vectors], limit, **options)[0].page_ids)


def plain(page):
    """A page as nested plain values, to compare with ``==``."""
    regions, words = page.embedding.regions, page.page.words
    arrays = (page.embedding.vectors, regions.boxes, regions.spans, words.boxes, words.spans)
    return (
        page.page_id,
        page.document,
        dict(page.metadata),
        (page.page.page_index, page.page.text, page.page.text_source),
        (page.page.width_pt, page.page.height_pt),
        *((None if array is None else (str(array.dtype), array.tolist())) for array in arrays),
    )

"""Makes a small library in the format of the day. See library-format-1.md.

PYTHONPATH=src python tests/data/make_library_format_1.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np

from maxsight.retrieval.codes import PageCodec
from maxsight.stores.base import IndexedPage
from maxsight.stores.local.store import LocalStore
from maxsight.stores.manifest import Manifest
from maxsight.types import Document, EmbeddingSpace, Page, PageEmbedding, Regions, TextSource, Words

DIM = 16
TEXTS = {
    "reports/first.pdf": ["Rivers carry sediment to the sea.", "", "Deltas grow where rivers slow down."],
    "reports/second.pdf": ["Sails turn wind into motion.", "A keel keeps a boat upright."],
    "notes.txt": ["Bread needs flour, water, salt and time.\nNothing else."],
    "gone.txt": ["This document was removed."],
}
METADATA = {
    "reports/first.pdf": {"year": 2020, "Reading time (min)": 1.5, "draft": False, "author": "Ada"},
    "reports/second.pdf": {"year": 2021, "draft": True},
    "notes.txt": {},
    "gone.txt": {},
}


def pages():
    """The pages of all documents, worked out from their text alone."""
    for path, texts in TEXTS.items():
        document = Document(path, f"{sum(path.encode()):064x}", 1000 + len(path), 1_700_000_000, len(texts))
        for index, text in enumerate(texts):
            page, embedding = _page(index, text, boxed=path.endswith(".pdf"))
            yield IndexedPage(f"{path}#{index}", document, page, embedding, METADATA[path])


def _page(index, text, *, boxed):
    starts = [at for at in range(len(text)) if not text[at].isspace() and (at == 0 or text[at - 1].isspace())]
    spans = np.array([[start, start + len(text[start:].split()[0])] for start in starts], np.int32).reshape(
        -1, 2
    )
    boxes = np.stack(
        [spans[:, 0] / 100, spans[:, 0] / 200, spans[:, 1] / 100, spans[:, 1] / 200 + 0.1], axis=1
    )
    boxes = boxes.astype(np.float32) if boxed else None
    words = Words(spans, boxes)
    source = TextSource.LAYER if boxed else TextSource.FILE
    size = (612.0, 792.5) if boxed else (0.0, 0.0)
    vectors = [_vector(text[start:end]) for start, end in spans]
    stacked = np.stack(vectors) if vectors else np.empty((0, DIM), np.float32)
    return Page(index, text, words, source, *size), PageEmbedding(stacked, Regions(boxes, spans))


def _vector(word):
    angles = np.arange(1, DIM + 1) * sum(word.lower().encode())
    return (np.cos(angles) / np.linalg.norm(np.cos(angles))).astype(np.float32)


def make(folder):
    """Several commits, a removed document and changed metadata, so that all kinds of files are there."""
    manifest = Manifest(EmbeddingSpace("fake", "1", DIM), dpi=200, ocr="auto", created_by="0.1.0")
    store = LocalStore.create(folder, manifest, codec=PageCodec(DIM))
    everything = list(pages())
    store.put([page for page in everything if page.document.path.startswith("reports/")])
    store.put([page for page in everything if not page.document.path.startswith("reports/")])
    store.set_metadata({"notes.txt": {"year": 1999}})
    store.remove(["gone.txt"])
    store.optimize()
    store.close()
    for name in ("writer.lock", "writer.json"):
        (folder / name).unlink(missing_ok=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

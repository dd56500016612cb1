"""A search model for mteb: its retrieval tasks with any of our encoders and stores.

::

    import mteb
    from maxsight.integrations.mteb import MaxSightSearch

    mteb.evaluate(MaxSightSearch("vidore/colqwen2-v1.0-hf"), mteb.get_benchmark("ViDoRe(v3)"))
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np
from PIL import Image

from maxsight.extras import require

require("mteb")
from mteb.models.model_meta import ModelMeta, ScoringFunction

from maxsight import Library
from maxsight.documents.cleaning import find_words
from maxsight.documents.text import cut_pages, layout_text
from maxsight.encoders import Encoder, EncoderOptions, is_checkpoint, load_encoder
from maxsight.errors import EmptyQueryError, InputError
from maxsight.identity import composed, page_id
from maxsight.library.encoder import page_encoder
from maxsight.library.opening import Place, writable
from maxsight.library.similar import page_query
from maxsight.pictures import PictureFit, fit_picture
from maxsight.retrieval.search import rank_pages_many
from maxsight.stores.base import IndexedPage
from maxsight.stores.conditions import match_paths
from maxsight.types import Document, Page, QueryEmbedding, TextSource, Words

PAGES_PER_COMMIT = 256
QUERIES_PER_SCAN = 32
PAGES_PER_DOCUMENT = 4
"""Texts are cut into pages of 1,000 words: so many times more pages are ranked, so that enough documents are found."""


class MaxSightSearch:
    """An mteb ``SearchProtocol``: each corpus is a library, each of its documents a document of it.

    A long text is cut into pages, and has the score of its best page. With ``top_ranked``, as in reranking tasks, the
    given documents are scored exactly.

    Args:
        encoder: Its name, or an encoder that is loaded.
        options: How it runs here, if it is named.
        places: Says where the library of a corpus is made, by a name that no other corpus has. By default in a folder
            that is removed with this object.
        exact: Score every page, not only the candidates.
        pool_factor: Store one in so many of a page's vectors.
    """

    def __init__(
        self,
        encoder: str | Encoder,
        *,
        options: EncoderOptions | None = None,
        places: Callable[[str], Place] | None = None,
        exact: bool = False,
        pool_factor: int = 1,
    ) -> None:
        self._encoder = load_encoder(encoder, options) if isinstance(encoder, str) else encoder
        self._exact, self._pool_factor = exact, pool_factor
        self._folder = ""
        if places is None:
            self._folder = mkdtemp(prefix="maxsight-mteb-")
            weakref.finalize(self, rmtree, self._folder, ignore_errors=True)
        self._places = places or self._place_in_folder
        self._library: Library | None = None
        self._documents: dict[str, str] = {}

    @property
    def mteb_model_meta(self) -> ModelMeta:
        """The model as mteb's results name it."""
        space = self._encoder.space
        name, is_public = space.encoder, is_checkpoint(space.encoder)
        if not is_public or Path(name).is_absolute():
            name = f"maxsight/{Path(name).name}"
        return ModelMeta.create_empty(
            overwrites={
                "name": name,
                "revision": space.revision,
                "embed_dim": space.dim,
                "similarity_fn_name": ScoringFunction.MAX_SIM,
                "model_type": ["late-interaction"],
                "modalities": ["image", "text"] if self._encoder.picture else ["text"],
                "experiment_kwargs": {"exact": self._exact, "pool_factor": self._pool_factor},
            }
        )

    def index(
        self, corpus: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, **options: Any
    ) -> None:
        """Encode a corpus into a new library. Its rows have ``id``, and ``title`` and ``text``, or ``image``."""
        self.close()
        self._documents = {}
        name = "-".join(filter(None, (task_metadata.name, hf_subset, hf_split))).replace("/", "-")
        self._library = Library.create(
            self._places(name), encoder=self._encoder, pool_factor=self._pool_factor
        )
        encoder = page_encoder(self._encoder, self._pool_factor)
        store = writable(self._library.store, self._library.place)
        with store.writing():
            pages = self._pages(corpus)
            while together := list(islice(pages, PAGES_PER_COMMIT)):
                embeddings = encoder.encode_pages([page for _, page in together])
                rows = [
                    IndexedPage(page_id(of.path, of.content_hash, page.page_index), of, page, vectors)
                    for (of, page), vectors in zip(together, embeddings, strict=True)
                ]
                store.put(rows)
                self._documents |= {row.page_id: row.document.path for row in rows}

    def search(
        self,
        queries: Any,
        *,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **options: Any,
    ) -> dict[str, dict[str, float]]:
        """Rank the documents of the corpus that was indexed last, or those of ``top_ranked``, for each query.

        Raises:
            InputError: Nothing was indexed.
        """
        if self._library is None:
            raise InputError("there is no corpus to search", hint="Call index first.")
        embedded = {str(row["id"]): self._query(row) for row in queries}
        found: dict[str, dict[str, float]] = {name: {} for name in embedded}
        asked = {name: query for name, query in embedded.items() if query is not None}
        if top_ranked is None:
            waiting = iter(asked.items())
            while some := dict(islice(waiting, QUERIES_PER_SCAN)):
                found |= self._rank(some, top_k)
        else:
            for name, query in asked.items():
                found |= self._rank({name: query}, top_k, within=top_ranked.get(name, ()))
        return found

    def close(self) -> None:
        """Close the library of the last corpus."""
        if self._library is not None:
            self._library.close()
            self._library = None

    def _rank(
        self, asked: dict[str, QueryEmbedding], top_k: int, *, within: Sequence[str] | None = None
    ) -> dict[str, dict[str, float]]:
        assert self._library is not None  # checked in search
        ranked = rank_pages_many(
            self._library.store,
            list(asked.values()),
            limit=PAGES_PER_DOCUMENT * top_k,
            where=None if within is None else match_paths(list(within)),
            exact=self._exact or within is not None,
        )
        found: dict[str, dict[str, float]] = {}
        for name, pages in zip(asked, ranked, strict=True):
            best: dict[str, float] = {}
            for scored in pages:
                best.setdefault(self._documents[scored.page_id], float(scored.score))
            found[name] = dict([*best.items()][:top_k])
        return found

    def _query(self, row: Mapping[str, Any]) -> QueryEmbedding | None:
        """Encode a query, or a picture; None if nothing in it can be searched for."""
        assert self._library is not None  # checked in search
        text = " ".join(filter(None, (row.get("instruction"), row.get("text"))))
        try:
            if not text and row.get("image") is not None and self._encoder.picture:
                page = _page_of_picture(row["image"], "", self._encoder.picture)
                (embedding,) = self._encoder.encode_pages([page])
                return self._library.encode_query(page_query(embedding))
            return self._encoder.encode_query(composed(text))
        except EmptyQueryError:
            return None

    def _pages(self, corpus: Any) -> Iterator[tuple[Document, Page]]:
        for row in corpus:
            picture = row.get("image")
            text = composed("\n\n".join(filter(None, (row.get("title"), row.get("text") or row.get("body")))))
            if picture is not None and self._encoder.picture:
                pages = [_page_of_picture(picture, text, self._encoder.picture)]
            elif picture is not None and not text:
                raise InputError(
                    f"document {row['id']} of the corpus is a picture, and {self._encoder.space.encoder} reads text",
                    hint="Use an encoder that looks at pages, such as vidore/colqwen2-v1.0-hf.",
                )
            else:
                pages = [*_pages_of_text(text, self._encoder.picture)]
            digest = hashlib.sha256(f"{row['id']}\0{text}".encode()).hexdigest()
            document = Document(str(row["id"]), digest, len(text), 0, len(pages))
            yield from ((document, page) for page in pages)

    def _place_in_folder(self, name: str) -> Place:
        folder = Path(self._folder)
        return folder / f"{name}-{len(list(folder.iterdir()))}.library"


def _pages_of_text(text: str, fit: PictureFit | None) -> Iterator[Page]:
    for number, part in enumerate(cut_pages(text)):
        words = find_words(part)
        drawn = fit_picture(layout_text(part, words)[0], fit) if fit else None
        yield Page(number, part, words, TextSource.FILE, picture=drawn)


def _page_of_picture(picture: Image.Image, text: str, fit: PictureFit) -> Page:
    """Make a page of a picture. Its text stays without places."""
    pixels = fit_picture(picture.convert("RGB"), fit)
    no_words = Words(np.empty((0, 2), np.int32), np.empty((0, 4), np.float32))
    return Page(0, text, no_words, TextSource.FILE, picture.width, picture.height, picture=pixels)

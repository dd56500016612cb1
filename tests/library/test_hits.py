"""Pages are ranked, then read, then described: what happens to those that can't be read any more."""

import logging
from dataclasses import replace

import pytest

from maxsight import Library
from maxsight.identity import page_id
from maxsight.stores.memory import MemoryStore
from store_pages import ENCODER, MANIFEST, make_page

TEXTS = [f"herons wade number {number}" for number in range(12)]


class ForgetfulStore(MemoryStore):
    """Leaves some pages out when they are read, for as many readings as ``forgets``."""

    def __init__(self, forgotten, forgets):
        super().__init__(MANIFEST)
        self.forgotten, self.forgets = forgotten, forgets

    def read(self, page_ids):
        self.forgets -= 1
        pages = super().read(page_ids)
        return [page for page in pages if self.forgets < 0 or page.document.path not in self.forgotten]


def library_of(store):
    pages = [make_page(f"{number:02}.txt", 0, text, boxed=False) for number, text in enumerate(TEXTS)]
    store.put(
        [replace(page, page_id=page_id(page.document.path, page.document.content_hash, 0)) for page in pages]
    )
    return Library(store, encoder=ENCODER)


def paths(hits):
    return [hit.path for hit in hits]


@pytest.mark.parametrize("top_k", [3, 20])
def test_a_ranked_page_that_can_never_be_read_is_left_out_and_logged(top_k, caplog):
    query = "herons number 5"
    everything = paths(library_of(MemoryStore(MANIFEST)).search(query, top_k=12))
    library = library_of(ForgetfulStore({everything[0], everything[2]}, 10**9))
    with caplog.at_level(logging.WARNING, "maxsight.library.searching"):
        hits = library.search(query, top_k=top_k)
    assert paths(hits) == [everything[1], *everything[3:]][:top_k]
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert "2 ranked pages can't be read" in caplog.text


def test_pages_that_went_between_ranking_and_reading_are_ranked_again(caplog):
    query = "herons number 5"
    expected = library_of(MemoryStore(MANIFEST)).search(query, top_k=3)
    library = library_of(ForgetfulStore({expected[0].path}, 1))
    assert library.search(query, top_k=3) == expected
    assert caplog.text == ""

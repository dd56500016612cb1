"""Simulate power cuts by cutting the newest files short. ``MAXSIGHT_CUT_ROUNDS`` sets how often."""

import os
import random
import shutil

import pytest
from writer import all_pages, complete

from maxsight.errors import LibraryDamagedError
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local.store import LocalStore
from store_pages import CODEC, MANIFEST, make_page

ROUNDS = int(os.environ.get("MAXSIGHT_CUT_ROUNDS", "8"))
NEWEST = 8
EVERYTHING = sorted(page.page_id for pages in all_pages().values() for page in pages)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Make a library in the middle of a run: most pages, a changed and a removed document, an index."""
    path = tmp_path_factory.mktemp("whole") / "test.library"
    with LocalStore.create(path, MANIFEST, codec=CODEC) as store, store.writing():
        *most, last = all_pages().values()
        for pages in most[:6]:
            store.put(pages)
        store.put([make_page("gone.pdf", 0, "will be removed")])
        store.compact()
        for pages in most[6:]:
            store.put(pages)
        store.remove(["gone.pdf"])
        store.set_metadata({"docs/3.pdf": {"number": 3, "seen": True}})
        store.optimize()
        store.put(last)
    return path


def newest_files(library):
    files = [file for file in (library / "pages.lance").rglob("*") if file.is_file()]
    return sorted(files, key=lambda file: file.stat().st_mtime_ns)[-NEWEST:]


def cut(file, chance):
    content = file.read_bytes()
    # A new name that never reached the disk is a commit that never was: only data can go missing.
    ways = ["short", "empty", "zeros"] if file.suffix == ".manifest" else ["short", "empty", "zeros", "gone"]
    match chance.choice(ways):
        case "short":
            file.write_bytes(content[: chance.randrange(len(content))])
        case "empty":
            file.write_bytes(b"")
        case "gone":
            file.unlink()
        case "zeros":
            kept = chance.randrange(len(content))
            file.write_bytes(content[:kept] + bytes(len(content) - kept))


def names_in(store):
    return sorted(name for chunk in store.vectors() for name in chunk.page_ids)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_a_power_cut_took_is_reported_and_comes_back(whole, tmp_path, seed):
    library = tmp_path / "test.library"
    shutil.copytree(whole, library)
    chance = random.Random(seed)
    for file in chance.sample(newest_files(library), chance.randint(1, 4)):
        cut(file, chance)

    reader = LocalStore(library, codec=PageCodec, read_only=True)
    try:
        before = names_in(reader)
        assert set(before) <= set(EVERYTHING)
    except LibraryDamagedError as error:
        assert "maxsight index" in error.hint
        assert reader.damage()

    with LocalStore(library, codec=PageCodec) as store:
        with store.writing():
            kept = set(names_in(store))
        assert kept == set(EVERYTHING) or store.dropped
        complete(store)
        assert names_in(store) == EVERYTHING
        assert all(entry.complete for entry in store.documents())
        assert store.verify().clean
        assert store.find_phrase("document", 99)

    assert reader.damage() == [], "a reader that was open all the time sees the repair"
    assert names_in(reader) == EVERYTHING
    reader.close()

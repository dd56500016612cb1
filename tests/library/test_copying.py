"""Copying a library: what arrives, what an interruption leaves, what is refused."""

import os
from dataclasses import replace

import numpy as np
import pytest

from maxsight import Library
from maxsight.errors import EncoderMismatchError, InputError, StoreError
from maxsight.identity import page_id
from maxsight.library.copying import copy_pages, open_destination
from maxsight.stores.local.store import LocalStore
from maxsight.stores.memory import MemoryStore
from maxsight.types import PageEmbedding
from store_pages import CODEC, ENCODER, MANIFEST, make_page, plain


def page(path, index, text, **options):
    made = make_page(path, index, text, **options)
    document = made.document
    return replace(made, page_id=page_id(document.path, document.content_hash, index))


PAGES = [
    page("a/rivers.pdf", 0, "Rivers carry sediment", page_count=3, year=2020, rate=0.5),
    page("a/rivers.pdf", 2, "Deltas are slow", page_count=3, year=2020, rate=0.5),
    page("b/sails.pdf", 0, "Sails take the wind", draft=True),
    page("notes.txt", 0, "Bread needs flour and time", boxed=False),
]


@pytest.fixture
def source():
    store = MemoryStore(MANIFEST)
    store.put(PAGES)
    return store


@pytest.fixture(params=["memory", "local"])
def destination(request, tmp_path):
    if request.param == "memory":
        yield MemoryStore(MANIFEST)
        return
    with LocalStore.create(tmp_path / "copy.library", MANIFEST, codec=CODEC) as store:
        yield store


def contents(store):
    ids = [page.page_id for page in PAGES] + [CHANGED.page_id]
    return [plain(page) for page in store.read(ids)], store.documents(), store.fields()


CHANGED = page("b/sails.pdf", 0, "Sails were mended", version="2", draft=False)


def test_a_copy_holds_bit_for_bit_what_the_source_holds(source, destination):
    report = copy_pages(source, destination)
    assert contents(destination) == contents(source)
    assert (report.documents, report.pages, report.written, report.unchanged) == (3, 4, 4, 0)
    assert report.vectors == sum(len(page.embedding.vectors) for page in PAGES)


def test_a_copy_of_nothing_is_empty(destination):
    assert copy_pages(MemoryStore(MANIFEST), destination).pages == 0
    assert destination.page_count() == 0


def test_copying_again_writes_nothing(source, destination):
    first = copy_pages(source, destination)
    before = destination.version if isinstance(destination, MemoryStore) else None
    again = copy_pages(source, destination)
    assert (again.written, again.unchanged, again.checksum) == (0, 4, first.checksum)
    assert before is None or destination.version == before


def test_an_interrupted_copy_goes_on_where_it_stopped(source, destination, monkeypatch):
    monkeypatch.setattr("maxsight.library.copying.PAGES_PER_GROUP", 1)

    def stop(done, total):
        assert total == 8
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_pages(source, destination, on_progress=stop)
    assert destination.page_count() == 2
    report = copy_pages(source, destination)
    assert (report.written, report.unchanged) == (2, 2)
    assert contents(destination) == contents(source)


def test_an_old_copy_is_brought_up_to_date(source, destination):
    copy_pages(source, destination)
    source.put([CHANGED], replace_documents=True)
    source.set_metadata({"a/rivers.pdf": {"year": 2021, "rate": 0.5}})
    report = copy_pages(source, destination)
    assert (report.written, report.unchanged) == (3, 1)
    assert contents(destination) == contents(source)


def test_a_document_is_replaced_in_the_commit_that_brings_its_first_pages(source, destination, monkeypatch):
    """So a reader of the copy never finds two contents of one document."""
    monkeypatch.setattr("maxsight.library.copying.PAGES_PER_GROUP", 1)
    copy_pages(source, destination)
    new = [page("a/rivers.pdf", index, f"New {index}", page_count=2, version="2") for index in (0, 1)]
    source.put(new, replace_documents=True)
    seen = []
    copy_pages(source, destination, on_progress=lambda *_: seen.append(destination.documents()))
    for entries in seen:
        rivers = next(entry for entry in entries if entry.document.path == "a/rivers.pdf")
        assert (rivers.document.content_hash, rivers.page_indices) in [
            (PAGES[0].document.content_hash, (0, 2)),
            (new[0].document.content_hash, (0,)),
            (new[0].document.content_hash, (0, 1)),
        ]


def test_vectors_that_differ_under_the_same_name_are_written_again(source, destination):
    """As after ``index --again`` with another OCR engine: the file is the same, its words are not."""
    other = replace(
        PAGES[3],
        embedding=PageEmbedding(-PAGES[3].embedding.vectors, PAGES[3].embedding.regions),
    )
    destination.put([*PAGES[:3], other])
    assert copy_pages(source, destination).written == 1
    assert contents(destination) == contents(source)


def test_a_pages_own_fields_go_along_and_are_brought_up_to_date(source, destination):
    copy_pages(source, destination)
    source.set_page_fields({PAGES[1].page_id: {"predicted_cer": 0.25, "quality_note": "it's pale"}})
    assert copy_pages(source, destination).written == 1
    assert contents(destination) == contents(source)
    (entry,) = [entry for entry in destination.documents() if entry.document.path == "a/rivers.pdf"]
    assert entry.page_fields == ({}, {"predicted_cer": 0.25, "quality_note": "it's pale"})


def test_what_only_the_destination_holds_is_named_and_stays_unless_it_may_go(source, destination):
    destination.put([page("other.pdf", 0, "Not in the source")])
    with pytest.raises(InputError, match=r"1 documents that the source does not have, such as other\.pdf"):
        copy_pages(source, destination)
    assert destination.page_count() == 1
    assert copy_pages(source, destination, prune=True).removed == ("other.pdf",)
    assert contents(destination) == contents(source)


def test_a_page_that_comes_back_changed_is_an_error(source, destination, monkeypatch):
    read = destination.read

    def flipped(ids):
        pages = read(ids)
        return [
            replace(
                page,
                embedding=PageEmbedding(np.roll(page.embedding.vectors, 1, axis=1), page.embedding.regions),
            )
            for page in pages
        ]

    monkeypatch.setattr(destination, "read", flipped)
    with pytest.raises(StoreError, match="4 pages did not come back as they were written"):
        copy_pages(source, destination)


def test_a_page_that_did_not_arrive_is_an_error(source, monkeypatch):
    destination = MemoryStore(MANIFEST)
    put = destination.put
    monkeypatch.setattr(destination, "put", lambda pages, **options: put(pages[1:], **options))
    with pytest.raises(StoreError, match="1 pages did not come back"):
        copy_pages(source, destination)


def test_a_source_that_changes_meanwhile_is_an_error(source, monkeypatch):
    monkeypatch.setattr("maxsight.library.copying.PAGES_PER_GROUP", 1)
    with pytest.raises(StoreError, match="changed while it was being copied"):
        copy_pages(source, MemoryStore(MANIFEST), on_progress=lambda *_: source.remove(["notes.txt"]))


def test_a_copy_is_checked_against_all_that_is_there_afterwards(source):
    destination = MemoryStore(MANIFEST)
    with pytest.raises(StoreError, match="another process has written there meanwhile"):
        copy_pages(
            source,
            destination,
            on_progress=lambda *_: destination.put([page("other.pdf", 0, "Written by another")]),
        )


def test_vectors_of_another_encoder_are_not_mixed_in(tmp_path):
    with LocalStore.create(tmp_path / "copy.library", MANIFEST, codec=CODEC):
        pass
    other = replace(MANIFEST, space=replace(ENCODER.space, revision="another"))
    with pytest.raises(EncoderMismatchError, match="another"):
        open_destination(tmp_path / "copy.library", other, tmp_path)
    with pytest.raises(InputError, match="pool factor 1, not 3"):
        open_destination(tmp_path / "copy.library", replace(MANIFEST, pool_factor=3), tmp_path)


# Whole libraries ------------------------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path):
    docs = tmp_path / "project" / "docs"
    docs.mkdir(parents=True)
    (docs / "apples.txt").write_text("Red apples fall from the tree in autumn.")
    (docs / "bridges.txt").write_text("A suspension bridge hangs its deck from cables.")
    with Library.create(tmp_path / "project" / "first.library", encoder="fake") as library:
        library.index(docs)
        yield library


def found(library):
    return [(hit.path, hit.page_number, hit.score) for hit in library.search("bridge cables apples")]


def test_a_copied_library_finds_the_same_with_the_same_scores(library, tmp_path):
    library.copy(tmp_path / "copies" / "second.library")
    with Library.open(tmp_path / "copies" / "second.library") as second:
        assert found(second) == found(library)
        assert second.settings == library.settings


def test_a_copy_keeps_names_and_knows_what_they_are_relative_to(library, tmp_path):
    """So indexing again finds the documents unchanged, wherever the copy lies."""
    library.copy(tmp_path / "copies" / "second.library")
    with Library.open(tmp_path / "copies" / "second.library") as second:
        assert second.home == tmp_path / "project"
        report = second.index(tmp_path / "project" / "docs")
        assert (report.skipped, report.indexed) == (2, ())
        assert [entry.document.path for entry in second.documents()] == [
            "docs/apples.txt",
            "docs/bridges.txt",
        ]


def test_a_copy_in_the_same_folder_moves_with_it_as_any_library(library, tmp_path):
    library.copy(tmp_path / "project" / "second.library")
    library.copy(tmp_path / "copies" / "third.library")
    with Library.open(tmp_path / "copies" / "third.library") as third:
        third.copy(tmp_path / "project" / "fourth.library")
    os.rename(tmp_path / "project", tmp_path / "moved")
    for name in ("second", "fourth"):
        with Library.open(tmp_path / "moved" / f"{name}.library") as moved:
            assert moved.home == tmp_path / "moved"
            assert moved.index(tmp_path / "moved" / "docs").skipped == 2


def test_a_copy_for_another_machine_stores_where_the_files_are_on_it(library, tmp_path):
    library.copy(tmp_path / "copies" / "second.library", root=tmp_path / "elsewhere")
    os.rename(tmp_path / "project", tmp_path / "elsewhere")
    with Library.open(tmp_path / "copies" / "second.library") as second:
        assert second.index(tmp_path / "elsewhere" / "docs").skipped == 2


def test_a_copy_is_not_renamed_by_the_way(library, tmp_path):
    library.copy(tmp_path / "second.library")
    with pytest.raises(InputError, match=r"relative to .*project, not to .*elsewhere") as caught:
        library.copy(tmp_path / "second.library", root=tmp_path / "elsewhere")
    assert "--root" in caught.value.hint


def test_a_library_is_not_copied_onto_itself(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is the library itself"):
        library.copy("project/../project/first.library")

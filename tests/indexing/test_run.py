"""Whole runs over small files, stopped and broken in each of their stages."""

import os
import signal
import sys
import threading

import numpy as np
import pytest
from PIL import Image
from stages import GatedEncoder, GatedStore
from threadpoolctl import threadpool_info

from maxsight import Library
from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.workers.pool import WorkerPool
from maxsight.errors import EncoderOutOfMemoryError
from maxsight.indexing import Indexed, IndexRun, Noticed, NotIndexed, Progress
from maxsight.indexing import encoding as encoding_module
from maxsight.pictures import Fit, PictureFit
from pdf_files import write_pdf

SQUARE = PictureFit(Fit.STRETCH, height_px=64, width_px=48)
PAGES_EACH = 3


@pytest.fixture
def docs(tmp_path):
    """Twelve PDFs of three pages."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(12):
        texts = [[(72, 144, f"Page {index} of {number}")] for index in range(PAGES_EACH)]
        write_pdf(folder / f"{number:02}.pdf", texts)
    return folder


def run(store, encoder, folder, **options):
    given = {"settings": ReadSettings(ocr=OcrChoice.NONE, dpi=72), "workers": 2, **options}
    return IndexRun(store, encoder, folder, [folder], given).events()


def whole(docs):
    return {path.name: [1, 2, 3] for path in sorted(docs.glob("*.pdf"))}


def blas_threads():
    """Of numpy's own BLAS; other packages bring theirs, and may load them meanwhile."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return [library["num_threads"] for library in libraries if "numpy" in library["filepath"]]


def our_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("maxsight-")]


def test_encoders_have_one_blas_thread_and_afterwards_all_are_back(docs):
    class Encoder(GatedEncoder):
        def encode_pages(self, pages):
            assert set(blas_threads()) <= {1}
            return super().encode_pages(pages)

    before = blas_threads()
    list(run(GatedStore(), Encoder(), docs))
    assert blas_threads() == before


def test_the_encoder_is_given_batches_of_the_size_it_likes(docs):
    encoder = GatedEncoder(batch_size=5)
    events = list(run(GatedStore(), encoder, docs))
    assert [len(batch) for batch in encoder.seen] == [5] * 7 + [1]
    assert [event.pages for event in events if isinstance(event, Progress)] == list(range(1, 37))
    assert [event.path for event in events if isinstance(event, Indexed)] == list(whole(docs))


def test_the_encoder_sees_the_pictures_it_asks_for_and_none_is_kept(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    image = Image.fromarray(pixels)
    image.save(tmp_path / "a.png")
    store, encoder = GatedStore(), GatedEncoder(picture=SQUARE)
    list(run(store, encoder, tmp_path))
    (seen,) = encoder.pictures
    np.testing.assert_array_equal(seen, image.resize((48, 64), Image.Resampling.BICUBIC))
    assert [page.page.picture for pages, _ in store.commits for page in pages] == [None]


def test_an_encoder_that_asks_for_no_picture_gets_none(docs):
    encoder = GatedEncoder()
    list(run(GatedStore(), encoder, docs))
    assert encoder.pictures == [None] * 36


def test_a_picture_that_can_not_be_drawn_is_named_and_the_rest_is_indexed(docs):
    Image.new("RGB", (1000, 2)).save(docs / "line.png")
    fit = PictureFit(Fit.MULTIPLE, multiple_px=28, min_pixels=28**2, max_pixels=10 * 28**2)
    store = GatedStore()
    events = list(run(store, GatedEncoder(picture=fit), docs))
    (failed,) = [event for event in events if isinstance(event, NotIndexed)]
    assert (failed.path, failed.page_number) == (str(docs / "line.png"), 1)
    assert store.stored == whole(docs)


def test_a_changed_document_is_replaced_in_one_commit_however_many_batches_it_takes(docs):
    store = GatedStore()
    list(run(store, GatedEncoder(), docs))
    write_pdf(docs / "03.pdf", [[(72, 144, f"New page {index}")] for index in range(9)])
    store.commits.clear()
    events = list(run(store, GatedEncoder(batch_size=2), docs))
    assert [event.action for event in events if isinstance(event, Indexed)] == ["replaced"]
    ((pages, replaces),) = [commit for commit in store.commits if commit[0]]
    assert replaces
    assert len(pages) == 9
    assert store.stored == {**whole(docs), "03.pdf": list(range(1, 10))}


@pytest.mark.parametrize("pages", [2, 9], ids=["shorter", "longer"])
def test_a_replacement_that_was_interrupted_before_its_last_commit_is_done_again(docs, pages):
    """All new pages are stored, but the old ones were not dropped: the next run drops them."""
    store = GatedStore()
    list(run(store, GatedEncoder(), docs))
    old = store.read([page for chunk in store.vectors() for page in chunk.page_ids])
    write_pdf(docs / "03.pdf", [[(72, 144, f"New page {index}")] for index in range(pages)])
    list(run(store, GatedEncoder(), docs))
    store.put([page for page in old if page.document.path == "03.pdf"])
    assert store.page_count() == 11 * PAGES_EACH + PAGES_EACH + pages
    events = list(run(store, GatedEncoder(), docs))
    assert [event.action for event in events if isinstance(event, Indexed)] == ["replaced"]
    assert store.page_count() == 11 * PAGES_EACH + pages
    assert store.stored == {**whole(docs), "03.pdf": list(range(1, pages + 1))}
    assert all(entry.complete for entry in store.documents())


def test_another_process_can_read_a_document_by_the_time_it_is_told_of(tmp_path, docs):
    with Library.create(tmp_path / "test.library", encoder="fake") as library:
        for event in library.indexing(docs):
            if isinstance(event, Indexed):
                with Library.open(tmp_path / "test.library", read_only=True) as other:
                    complete = [entry.document.path for entry in other.documents() if entry.complete]
                    assert event.path in complete


def test_an_encoder_out_of_memory_keeps_what_was_encoded_and_the_next_run_does_the_rest(docs):
    store = GatedStore()
    failing = GatedEncoder(fails_on={4: EncoderOutOfMemoryError("no memory", hint="Take a smaller model.")})
    with pytest.raises(
        EncoderOutOfMemoryError, match=r"while encoding 04\.pdf, pages 1 to 3; 05\.pdf, page 1"
    ) as failed:
        list(run(store, failing, docs))
    assert failed.value.hint == "Take a smaller model."
    assert sum(map(len, store.stored.values())) == sum(map(len, failing.seen)) - 4 >= 12
    assert our_threads() == []
    events = list(run(store, GatedEncoder(), docs))
    assert store.stored == whole(docs)
    assert [event for event in events if isinstance(event, NotIndexed | Noticed)] == []


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


needs_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="SIGINT can't be sent to oneself on Windows"
)


@needs_signals
@pytest.mark.parametrize("stage", ["encoding", "committing", "reading"])
def test_ctrl_c_keeps_what_is_encoded_and_leaves_nothing_running(docs, monkeypatch, stage):
    """The signal comes from within the stage: while it is under way, and while the main thread is anywhere."""
    monkeypatch.setattr(encoding_module, "PAGES_PER_COMMIT", 8)
    pools = []

    class WatchedPool(WorkerPool):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            pools.append(self)

        def submit(self, ask, path, page_index=None):
            if stage == "reading" and path.name == "09.pdf":
                interrupt()
            return super().submit(ask, path, page_index)

    class Encoder(GatedEncoder):
        def encode_pages(self, pages):
            if stage == "encoding" and len(self.seen) == 4:
                interrupt()
            return super().encode_pages(pages)

    class Store(GatedStore):
        def put(self, pages, **options):
            if stage == "committing" and len(self.commits) == 1:
                interrupt()
            super().put(pages, **options)

    monkeypatch.setattr("maxsight.documents.reading.WorkerPool", WatchedPool)
    monkeypatch.setattr("maxsight.documents.reading.READ_AHEAD_PAGES", 4)
    store, encoder = Store(), Encoder()
    with pytest.raises(KeyboardInterrupt):
        list(run(store, encoder, docs))
    kept = sum(map(len, store.stored.values()))
    assert kept == sum(map(len, encoder.seen)), "all that the encoder was given is in the store"
    assert kept < 36
    assert our_threads() == []
    assert all(pool.pids == [] or not any(map(is_running, pool.pids)) for pool in pools)
    stage = "none"
    list(run(store, GatedEncoder(), docs))
    assert store.stored == whole(docs)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_error_in_whoever_listens_finds_what_is_encoded_in_the_library_already(tmp_path, docs):
    def listen(event):
        if isinstance(event, Progress) and event.pages == 20:
            raise KeyboardInterrupt

    with Library.create(tmp_path / "test.library", encoder="fake") as library:
        try:
            library.index(docs, on_event=listen)
        except KeyboardInterrupt:
            assert library.status().pages >= 20
            assert our_threads() == []
        assert library.index(docs).not_indexed == ()
        assert library.status().pages == 36


def test_closing_the_iterator_keeps_what_is_encoded_and_leaves_nothing_running(docs):
    store, encoder = GatedStore(), GatedEncoder()
    events = run(store, encoder, docs)
    for event in events:
        if isinstance(event, Progress):
            break
    events.close()
    assert sum(map(len, store.stored.values())) == sum(map(len, encoder.seen)) >= 4
    assert our_threads() == []
    list(run(store, GatedEncoder(), docs))
    assert store.stored == whole(docs)

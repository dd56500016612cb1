"""Reading, encoding and committing overlap. Proven by the order of things: the stages wait at gates."""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path

import pytest
from stages import SOON_S, GatedEncoder, GatedStore

from maxsight.documents.cleaning import find_words
from maxsight.errors import EncoderError, EncoderOutOfMemoryError, StorageFullError
from maxsight.indexing import Indexed, Progress
from maxsight.indexing import encoding as encoding_module
from maxsight.indexing.encoding import Batch, Work
from maxsight.indexing.events import Meter
from maxsight.types import Document, Page, TextSource


@pytest.fixture(autouse=True)
def four_pages_a_commit(monkeypatch):
    monkeypatch.setattr(encoding_module, "PAGES_PER_COMMIT", 4)


def work(path="a.txt", pages=100, replaces=False):
    return Work(Document(path, f"hash of {path}", 1000, 1, pages), {}, Path(path), None, replaces)


def page(number):
    text = f"page{number} of it"
    return Page(number - 1, text, find_words(text), TextSource.FILE)


def add(batch, document, numbers):
    for number in numbers:
        batch.add(document, page(number))


def indexed(events):
    return [event.path for event in events if isinstance(event, Indexed)]


def our_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("maxsight-")]


def batch_of(store, encoder):
    return closing(Batch(store, encoder, Meter(1000)))


def test_pages_are_taken_while_the_encoder_is_at_work():
    store, encoder = GatedStore(), GatedEncoder(is_open=False)
    with batch_of(store, encoder) as batch:
        add(batch, work(), range(1, 5))
        encoder.gate.arrival()
        add(batch, work(), range(5, 12))  # a batch that waits, and most of another: none of them blocks
        assert encoder.seen == [[1, 2, 3, 4]]
        assert list(batch.events()) == []
        encoder.gate.open()


def test_the_encoder_goes_on_while_the_disk_is_at_work():
    store, encoder, document = GatedStore(is_open=False), GatedEncoder(), work()
    with batch_of(store, encoder) as batch:
        add(batch, document, range(1, 9))
        assert encoder.gate.arrival() == 1
        while store.gate.nobody_came:
            batch._take_encoded()  # as each call does; pages added here would sometimes fill both stages
        assert store.gate.arrival() == 1
        already = len(encoder.seen)
        add(batch, document, range(10, 14))
        while encoder.gate.arrival() <= already:
            pass
        assert store.stored == {}, "the first commit is still under way"
        store.gate.open()


def test_a_reader_that_is_too_fast_waits_for_the_encoder():
    """One batch at work, one ready, one collected: its last page has to wait."""
    store, encoder = GatedStore(), GatedEncoder(is_open=False)
    with batch_of(store, encoder) as batch:
        add(batch, work(), range(1, 12))
        reader = threading.Thread(target=add, args=(batch, work(), [12]))
        reader.start()
        reader.join(timeout=0.2)
        assert reader.is_alive()
        assert encoder.seen == [[1, 2, 3, 4]]
        encoder.gate.let_through()
        reader.join(timeout=SOON_S)
        assert not reader.is_alive()
        encoder.gate.open()


def test_an_encoder_that_is_too_fast_waits_for_the_disk():
    store, encoder = GatedStore(is_open=False), GatedEncoder()
    with batch_of(store, encoder) as batch:
        reader = threading.Thread(target=add, args=(batch, work(), range(1, 101)))
        reader.start()
        store.gate.arrival()
        reader.join(timeout=0.2)
        assert reader.is_alive()
        # Two commits under way, one due, and what the encoder may have ready by then.
        assert len(encoder.seen) <= 6
        store.gate.open()
        reader.join(timeout=SOON_S)
        assert not reader.is_alive()
        list(batch.finish())
    assert store.stored == {"a.txt": list(range(1, 101))}


def test_a_document_is_told_of_once_it_is_committed_and_in_order():
    store, encoder = GatedStore(is_open=False), GatedEncoder()
    first, second = work("first.txt", 5), work("second.txt", 3)
    with batch_of(store, encoder) as batch:
        add(batch, first, range(1, 6))
        batch.end(first)
        add(batch, second, range(1, 4))
        batch.end(second)
        told = []
        finishing = batch.finish()
        while len(told) < 8:
            told.append(next(finishing))
        assert all(isinstance(event, Progress) for event in told), "encoded, and not yet on the disk"
        assert [event.pages for event in told] == list(range(1, 9))
        store.gate.open()
        assert indexed(finishing) == ["first.txt", "second.txt"]
    assert store.stored == {"first.txt": [1, 2, 3, 4, 5], "second.txt": [1, 2, 3]}


def test_pages_that_replace_others_are_committed_as_they_come_and_the_last_ones_drop_the_old():
    store, encoder = GatedStore(), GatedEncoder()
    new, other = work("new.txt", 10, replaces=True), work("other.txt", 6)
    with batch_of(store, encoder) as batch:
        add(batch, new, range(1, 11))
        batch.end(new)
        add(batch, other, range(1, 7))
        batch.end(other)
        events = list(batch.finish())
    assert indexed(events) == ["new.txt", "other.txt"]
    of_new = [(pages, replaces) for pages, replaces in store.commits if pages[0].document.path == "new.txt"]
    assert [([page.page.page_number for page in pages], replaces) for pages, replaces in of_new] == [
        ([1, 2, 3, 4], False),
        ([5, 6, 7, 8], False),
        ([9, 10], True),
    ]
    assert store.stored == {"new.txt": list(range(1, 11)), "other.txt": [1, 2, 3, 4, 5, 6]}


def test_no_more_pages_of_a_document_that_replaces_another_wait_than_a_commit_has():
    store, encoder, new = GatedStore(), GatedEncoder(batch_size=1), work("new.txt", 100, replaces=True)
    with batch_of(store, encoder) as batch:
        for number in range(1, 101):
            batch.add(new, page(number))
            assert len(new.held.pages) <= 4
        assert len(store.stored["new.txt"]) >= 100 - 4 * 5, "the rest waits for the encoder or the disk"


def test_documents_that_replace_others_share_a_commit_until_it_is_full():
    store, encoder = GatedStore(), GatedEncoder()
    several = [work(f"{letter}.txt", 2, replaces=True) for letter in "abc"]
    with batch_of(store, encoder) as batch:
        for each in several:
            add(batch, each, [1, 2])
            batch.end(each)
        assert indexed(batch.finish()) == ["a.txt", "b.txt", "c.txt"]
    sizes = [sorted({page.document.path for page in pages}) for pages, replaces in store.commits if replaces]
    assert [path for paths in sizes for path in paths] == ["a.txt", "b.txt", "c.txt"]
    assert sizes[0] == ["a.txt", "b.txt"], "four pages are a commit, and a document is never in two"


def test_a_commit_is_due_when_its_vectors_take_much_memory_however_few_its_pages(monkeypatch):
    monkeypatch.setattr(encoding_module, "PAGES_PER_COMMIT", 1000)
    monkeypatch.setattr(encoding_module, "BYTES_PER_COMMIT", 1000)
    store, encoder = GatedStore(), GatedEncoder()
    with batch_of(store, encoder) as batch:
        add(batch, work(), range(1, 101))
        list(batch.finish())
    sizes = [sum(page.embedding.vectors.nbytes for page in pages) for pages, _ in store.commits]
    assert len(sizes) > 3
    assert all(size >= 1000 for size in sizes[:-1])


def test_pages_of_a_document_that_has_changed_are_left_out_even_where_they_are_under_way():
    store, encoder, changed, other = GatedStore(), GatedEncoder(is_open=False), work("a.txt"), work("b.txt")
    with batch_of(store, encoder) as batch:
        add(batch, changed, range(1, 7))
        encoder.gate.arrival()
        batch.forget(changed)
        add(batch, other, range(1, 4))
        batch.end(other)
        encoder.gate.open()
        assert indexed(batch.finish()) == ["b.txt"]
    assert store.stored == {"b.txt": [1, 2, 3]}
    assert encoder.seen == [[1, 2, 3, 4], [1, 2], [3]], "pages 5 and 6 waited, and were never encoded"


def test_pages_wait_no_longer_than_agreed_where_the_encoder_is_idle(monkeypatch):
    monkeypatch.setattr(encoding_module, "SECONDS_PER_COMMIT", 0.0)
    store, encoder, document = GatedStore(), GatedEncoder(batch_size=50), work()
    with batch_of(store, encoder) as batch:
        batch.add(document, page(1))
        assert encoder.gate.arrival() == 1
        while store.gate.nobody_came:
            batch.add(document, page(2))
        assert encoder.seen[0] == [1]
        assert store.gate.arrival() == 1


@pytest.mark.parametrize("kind", [EncoderError, EncoderOutOfMemoryError])
def test_an_encoder_that_fails_names_the_pages_and_loses_none_before_them(kind):
    error = kind("the device has no memory left", hint="Lower --batch-size.")
    store, encoder, other, document = (
        GatedStore(),
        GatedEncoder(fails_on={3: error}),
        work("a.txt"),
        work("b.txt"),
    )
    with pytest.raises(kind) as failed, batch_of(store, encoder) as batch:
        add(batch, other, range(1, 11))
        batch.end(other)
        add(batch, document, range(1, 3))
        list(batch.finish())
    assert str(failed.value) == (
        "the device has no memory left (while encoding a.txt, pages 9 to 10; b.txt, pages 1 to 2)"
    )
    assert failed.value.hint == "Lower --batch-size."
    assert store.stored == {"a.txt": [1, 2, 3, 4, 5, 6, 7, 8]}
    assert our_threads() == []


def test_a_commit_that_fails_is_raised_where_pages_are_added():
    store, encoder = GatedStore(fails_on={1: StorageFullError("no space left")}), GatedEncoder()
    with pytest.raises(StorageFullError, match="no space left"), batch_of(store, encoder) as batch:
        for number in range(1, 10_000):
            batch.add(work(), page(number))
    assert our_threads() == []


def test_closing_early_waits_for_the_encoder_commits_what_it_made_and_drops_the_rest():
    store, encoder = GatedStore(), GatedEncoder(is_open=False)
    batch = Batch(store, encoder, Meter(1000))
    add(batch, work(), range(1, 12))
    encoder.gate.arrival()
    closer = threading.Thread(target=batch.close)
    closer.start()
    closer.join(timeout=0.2)
    assert closer.is_alive()
    encoder.gate.open()
    closer.join(timeout=SOON_S)
    assert store.stored == {"a.txt": [1, 2, 3, 4]}
    assert encoder.seen == [[1, 2, 3, 4]]
    assert our_threads() == []


def test_nothing_is_committed_after_closing_has_failed():
    """The first commit has failed, which closing finds; the second is at work then."""
    store, encoder, document = GatedStore(is_open=False), GatedEncoder(), work()
    store.fails_on = {1: StorageFullError("no space left")}
    batch, ended = Batch(store, encoder, Meter(1000)), []
    add(batch, document, range(1, 9))
    finishing = batch.finish()
    assert [next(finishing).pages for _ in range(8)] == list(range(1, 9)), "two commits are under way"

    def close():
        with pytest.raises(StorageFullError):
            batch.close()
        ended.append((our_threads(), store.stored))

    store.gate.let_through()
    assert [store.gate.arrival(), store.gate.arrival()] == [1, 2]
    closer = threading.Thread(target=close)
    closer.start()
    closer.join(timeout=0.2)
    assert closer.is_alive(), "the writing lock must not go while a commit is at work"
    store.gate.open()
    closer.join(timeout=SOON_S)
    assert ended == [([], {"a.txt": [5, 6, 7, 8]})]


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_while_closing_waits_for_the_commit_at_work():
    store, encoder, document = GatedStore(is_open=False), GatedEncoder(), work()
    batch = Batch(store, encoder, Meter(1000))
    add(batch, document, range(1, 5))

    def press_ctrl_c_twice():
        store.gate.arrival()
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(0.2)
        store.gate.open()

    pressing = threading.Thread(target=press_ctrl_c_twice)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        batch.close()
    assert store.stored == {"a.txt": [1, 2, 3, 4]}
    pressing.join()

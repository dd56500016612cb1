"""Threads share a library: searches run beside each other and beside a writer, and the encoder is loaded once."""

import time
from concurrent.futures import ThreadPoolExecutor

from maxsight import Library
from maxsight.encoders.fake import FakeEncoder
from maxsight.library import library as home

WORDS = ("apple", "bridge", "cider", "deck", "engine", "ferry", "garden", "harbour")


def test_threads_search_draw_and_write_at_the_same_time_as_one_after_the_other(tmp_path, monkeypatch):
    for word in WORDS:
        (tmp_path / f"{word}.txt").write_text(f"The {word} is here.")
    with Library.create(tmp_path / "shared.library", encoder="fake") as library:
        library.index([tmp_path / f"{word}.txt" for word in WORDS])
        expected = {word: [(hit.file, hit.score) for hit in library.search(word, top_k=1)] for word in WORDS}
    loads = []

    def load(space, options):
        loads.append(space)
        time.sleep(0.05)  # so that another thread asks meanwhile
        return FakeEncoder()

    monkeypatch.setattr(home, "load_own_encoder", load)

    def ask(number):
        word = WORDS[number % len(WORDS)]
        (hit,) = library.search(word, top_k=1, where={"file": f"{word}.txt"} if number % 2 else None)
        if number % 10 == 0:
            assert hit.heatmap().size > (100, 100)
        return word, [(hit.file, hit.score)]

    def write(number):
        (tmp_path / f"new{number}.txt").write_text(f"Nothing {number}")
        library.index(tmp_path / f"new{number}.txt")

    with Library.open(tmp_path / "shared.library") as library, ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, number) for number in range(3)]
        for word, found in pool.map(ask, range(80)):
            assert found == expected[word]
        for written in writing:
            written.result()
        assert len(library.documents()) == len(WORDS) + 3
    assert len(loads) == 1

"""Does a library come back whole after random damage to its files?

Each round copies a library, changes bits of one to three of its files, cuts them short, overwrites them with zeros or
deletes them, runs what `verify --repair` and `index` run, and compares every answer with the undamaged library's. The
library has many versions, a removed document, a changed one, fields, a text index and lists of deleted rows. Rounds run
in processes of their own, so that one that ends is counted.
"""

import json
import logging
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import LibraryDamagedError, MaxSightError
from maxsight.retrieval.codes import PageCodec
from maxsight.retrieval.search import rank_pages
from maxsight.stores.base import IndexedPage
from maxsight.stores.local.store import LocalStore
from maxsight.stores.manifest import Manifest
from maxsight.types import Document, Page, TextSource, Words

DOCUMENTS, PAGES, ROUNDS_PER_PROCESS = 12, 4, 25
ENCODER = FakeEncoder(dim=32)
QUERIES = ["page 1 of document 7", "word3 and word11", "document 5 changed", "removed document"]
HARMS = ("bit", "bits", "cut", "zeros", "gone")


def page(number, index, text):
    path = f"{number}.pdf"
    words = Words(np.array([(0, len(text))], np.int32), np.array([(0.1, 0.1, 0.9, 0.2)], np.float32))
    read = Page(index, text, words, TextSource.LAYER, 612.0, 792.0)
    document = Document(path, f"hash of {text[-12:]}", 1234, 1_700_000_000_000_000_000, PAGES)
    embedding = ENCODER.encode_pages([read])[0]
    return IndexedPage(f"{path}#{index}", document, read, embedding, {"number": number})


def pages_of(number, version="first"):
    return [
        page(number, index, f"page {index} of document {number} word{number} " * 20 + f"version {version}")
        for index in range(PAGES)
    ]


EVERYTHING = [
    one for number in range(DOCUMENTS) for one in pages_of(number, "other" if number == 5 else "first")
]


def make(path):
    """Make the library as a long use leaves it."""
    with LocalStore.create(path, Manifest(ENCODER.space, 200, "auto"), codec=PageCodec(32)) as store:
        with store.writing():
            for number in range(6):
                store.put(pages_of(number))
            store.put(pages_of(99))
            store.optimize()
            store.compact()
            store.remove(["99.pdf"])
            for number in range(6, 9):
                store.put(pages_of(number))
            store.optimize()
            store.put(pages_of(5, "other"), replace_documents=True)
            store.set_metadata({"3.pdf": {"number": 3, "seen": True}})
            for number in range(9, DOCUMENTS):
                store.put(pages_of(number))
            store.put(pages_of(98))
            store.remove(["98.pdf"])


def complete(store):
    """Store the pages that are missing, as `index` does."""
    with store.writing():
        stored = {entry.document.path: entry for entry in store.documents()}
        for number in range(DOCUMENTS):
            wanted = [one for one in EVERYTHING if one.document.path == f"{number}.pdf"]
            entry = stored.get(f"{number}.pdf")
            if entry is None or not entry.complete or entry.document != wanted[0].document:
                store.put(wanted, replace_documents=True)
        store.set_metadata({"3.pdf": {"number": 3, "seen": True}})
        store.optimize()


def answers(store):
    """Everything that a user can ask for."""
    asked = [ENCODER.encode_query(text) for text in QUERIES]
    ranked = [rank_pages(store, query, limit=60, exact=exact) for query in asked for exact in (False, True)]
    documents = [(entry.document, entry.page_indices, dict(entry.metadata)) for entry in store.documents()]
    text = [sorted(store.find_phrase(f"word{number}", 99)) for number in range(DOCUMENTS)]
    texts = [(one.page_id, one.page.text) for one in store.read([one.page_id for one in EVERYTHING])]
    scores = [[(scored.page_id, round(scored.score, 4)) for scored in pages] for pages in ranked]
    return scores, documents, text, texts


def harm(file, chance):
    """Damage a file in one of the ways of `HARMS`."""
    content, way = bytearray(file.read_bytes()), chance.choice(HARMS)
    if way == "gone":
        file.unlink()
        return way
    if way == "cut":
        del content[chance.randrange(len(content)) :]
    elif way == "zeros":
        start = chance.randrange(len(content))
        length = min(len(content) - start, chance.choice([1, 64, 4096]))
        content[start : start + length] = bytes(length)
    else:
        for _ in range(1 if way == "bit" else 10):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)
    return way


def play(whole, expected, library, seed):
    """Play one round, and say how it ended."""
    chance = random.Random(seed)
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(whole, library)
    kinds = {}
    for file in sorted(file for file in library.rglob("*") if file.is_file() and file.stat().st_size):
        kinds.setdefault(file.parent.relative_to(library).parts[:2], []).append(file)
    for kind in chance.sample(sorted(kinds), chance.randint(1, min(3, len(kinds)))):
        harm(chance.choice(kinds[kind]), chance)
    try:
        with LocalStore(library, codec=PageCodec) as store:
            found = store.verify(repair=True)
            complete(store)
            same, clean = answers(store) == expected, store.verify().clean
    except LibraryDamagedError as error:
        return f"refused: {str(error).replace(str(library), 'it')}"
    except MaxSightError as error:
        return f"failed: {type(error).__name__}: {error}"
    if not same:
        return "answers differ"
    if not clean:
        return "not clean"
    return "whole again, damage named" if found.damage or found.faults else "whole, nothing of it was damaged"


def rounds(folder, seeds):
    """Play rounds; yields how each ended."""
    whole = folder / "whole.library"
    if not whole.exists():
        make(whole)
    with LocalStore(whole, codec=PageCodec, read_only=True) as store:
        expected = answers(store)
    for seed in seeds:
        yield play(whole, expected, folder / "damaged.library", seed)


def main():
    from measure import arguments, save

    given = arguments(__doc__, rounds=500)
    ended = Counter()
    with tempfile.TemporaryDirectory() as folder:
        list(rounds(Path(folder), []))
        seed = 0
        while seed < given.rounds:
            until = min(given.rounds, seed + ROUNDS_PER_PROCESS)
            run = subprocess.run(
                [sys.executable, __file__, "--play", folder, str(seed), str(until)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            results = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('"')]
            for number, result in enumerate(results, start=seed):
                if not result.startswith("whole"):
                    print(number, result)
            ended.update(results)
            seed += len(results)
            if run.returncode:
                print(seed, run.stderr[-2000:])
                ended[f"the process ended with {run.returncode}"] += 1
                seed += 1
    save("damage", {"rounds": given.rounds, "pages": len(EVERYTHING), **dict(ended.most_common())})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--play"]:
        place, first, last = sys.argv[2:]
        logging.getLogger("maxsight").setLevel(logging.ERROR)
        for ending in rounds(Path(place), range(int(first), int(last))):
            print(json.dumps(ending), flush=True)
    else:
        main()

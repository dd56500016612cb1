"""Does a library survive kill -9 and files cut short?

Kill: the indexing command is killed with all its workers at a random moment, then run again to the end. No page
may be lost or double, and `verify` must be clean. Cut: the newest files of a finished library are truncated at
random places, as a power cut may leave them; the same indexing command must bring everything back.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from measure import MAXSIGHT, SAMPLES, arguments, save

ROUNDS = int(os.environ.get("MAXSIGHT_ROUNDS", "50"))


def index(documents, library):
    return [*MAXSIGHT, "index", str(documents), "--library", str(library), "--json"]


def stored(library):
    """Every stored page, by path and number, with how often it is stored."""
    from maxsight import Library

    with Library.open(library, read_only=True) as opened:
        return Counter(
            (entry.document.path, page) for entry in opened.documents() for page in entry.page_indices
        )


def verify(library):
    return subprocess.run([*MAXSIGHT, "verify", "--library", str(library)], capture_output=True, text=True)


def kill_at(command, seconds):
    """Run a command in its own process group and kill the whole group after some seconds."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(seconds)
    killed = process.poll() is None
    os.killpg(process.pid, signal.SIGKILL) if killed else None
    process.wait()
    return killed


def kills(documents, folder, whole, duration):
    """Kill until as many runs as there are rounds were killed at work; one that ended before does not count."""
    lost = doubled = unclean = killed = runs = 0
    while killed < ROUNDS:
        runs += 1
        library = folder / f"kill-{runs}.library"
        if not kill_at(index(documents, library), random.uniform(0.2, duration)):
            duration *= 0.9
            shutil.rmtree(library)
            continue
        killed += 1
        subprocess.run(index(documents, library), capture_output=True, check=False)
        pages = stored(library)
        lost += len(set(whole) - set(pages))
        doubled += sum(count > 1 for count in pages.values())
        unclean += verify(library).returncode != 0
        shutil.rmtree(library)
    return {"killed while at work": killed, "lost": lost, "doubled": doubled, "unclean": unclean}


def cuts(documents, folder, finished, whole):
    lost = doubled = unclean = refused = 0
    for number in range(ROUNDS):
        library = folder / f"cut-{number}.library"
        shutil.copytree(finished, library)
        files = sorted(
            (f for f in library.rglob("*") if f.is_file() and f.stat().st_size),
            key=lambda f: f.stat().st_mtime_ns,
        )
        for file in random.sample(files[-12:], k=min(len(files), random.randint(1, 3))):
            os.truncate(file, random.randrange(file.stat().st_size))
        run = subprocess.run(index(documents, library), capture_output=True, text=True, check=False)
        if run.returncode not in (0, 3):
            refused += 1
            print(run.stderr)
            continue
        pages = stored(library)
        lost += len(set(whole) - set(pages))
        doubled += sum(count > 1 for count in pages.values())
        unclean += verify(library).returncode != 0
        shutil.rmtree(library)
    return {"rounds": ROUNDS, "not opened": refused, "lost": lost, "doubled": doubled, "unclean": unclean}


def main():
    given = arguments(__doc__, documents=SAMPLES)
    random.seed(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        finished = folder / "finished.library"
        start = time.perf_counter()
        run = subprocess.run(index(given.documents, finished), capture_output=True, text=True, check=False)
        duration = time.perf_counter() - start
        whole = stored(finished)
        save(
            f"durability-{given.set}",
            {
                "pages": len(whole),
                "pages reported by the whole run": json.loads(run.stdout)["pages"],
                "kill -9 while indexing": kills(given.documents, folder, whole, duration),
                "newest files cut short": cuts(given.documents, folder, finished, whole),
            },
        )


if __name__ == "__main__":
    main()

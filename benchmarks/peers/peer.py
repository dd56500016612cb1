"""What every peer does: build an index of the pages once, then answer the queries with each of its settings.

A peer is a script that calls ``answer`` with how it is built and opened. It runs in an environment of its own, so this
file needs numpy and psutil, and nothing of maxsight. Results go to stdout as JSON, one line.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil

TOP_K = 10
LONGEST_S = 120.0
FEWEST = 20


def answer(package, build, settings):
    """Do what the command line says: ``build`` or ``search``, the folder with the data, the folder of the index.

    Args:
        package: What is measured, as it is installed.
        build: Called with the pages ``(pages, vectors, dim)``, float16, mapped, and the folder.
        settings: Called with the pages and the folder; yields names and functions that take a query
            ``(query_tokens, dim)``, float32, and give the numbers of the best pages.
    """
    command, data, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    stdout, sys.stdout = sys.stdout, sys.stderr  # packages print; only the result may go where it is read
    pages = np.load(data / "pages.npy", mmap_mode="r")
    if command == "build":
        start = time.perf_counter()
        build(pages, folder)
        result = {"build_s": round(time.perf_counter() - start, 1), "disk_bytes": folder_bytes(folder)}
    else:
        queries, exact = np.load(data / "queries.npy"), np.load(data / "exact.npy")
        measured = [
            {"setting": name, **measure(search, queries, exact), **memory()}
            for name, search in settings(pages, folder)
        ]
        result = {"settings": measured}
    json.dump({"package": f"{package} {version(package)}", **result}, stdout)


def measure(search, queries, exact):
    """Latency and recall; of slow settings with as many queries as the time allows."""
    search(queries[-1])
    taken, recalls, start = [], [], time.perf_counter()
    for query, best in zip(queries, exact, strict=True):
        before = time.perf_counter()
        found = search(query)
        taken.append((time.perf_counter() - before) * 1000)
        recalls.append(len(set(map(int, found[:TOP_K])) & set(best.tolist())) / TOP_K)
        if len(taken) >= FEWEST and time.perf_counter() - start > LONGEST_S:
            break
    p50, p95 = np.percentile(taken, [50, 95])
    return {
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "recall": round(float(np.mean(recalls)), 4),
        "queries": len(taken),
    }


def memory():
    """Resident memory of this process, and the part of it that no file backs, where the system tells."""
    info = psutil.Process().memory_info()
    anonymous = info.rss - info.shared if hasattr(info, "shared") else None
    return {"resident_bytes": info.rss, "anonymous_bytes": anonymous}


def folder_bytes(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

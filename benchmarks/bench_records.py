"""Records grouped into documents, indexed into a folder, and searched: records per second, memory, search.

Texts are drawn from a vocabulary by Zipf's law, vectors around a few thousand centres, both from a fixed seed; records
of a group lie scattered over the file, which is JSON Lines as such collections are published. Measured as the command
line runs it, a process of its own; CPU time is that of the process and its children.

::

    python benchmarks/bench_records.py --records 100000 --set full
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from measure import MAXSIGHT, arguments, folder_bytes, run_with_memory, save, spread

from maxsight import Library

PARAGRAPHS_PER_RECORD = 3
RECORDS_PER_GROUP = 4
DIM = 384
CENTRES = 2000
WORDS_PER_PARAGRAPH = 60
QUERY_VECTORS = 3
QUERIES = 200


def main():
    given = arguments(__doc__, records=10_000)
    with tempfile.TemporaryDirectory() as folder:
        data, library = Path(folder) / "wiki.jsonl", Path(folder) / "bench.library"
        centres = write_records(data, given.records)
        command = [*MAXSIGHT, "index", str(data), "--library", str(library)]
        command += ["--group-by", "title", "--text-field", "text", "--vector-field", "emb"]
        first, again = index(command, given.records), index(command, given.records)
        figures = {
            "records": given.records,
            "paragraphs": given.records * PARAGRAPHS_PER_RECORD,
            "dimensions": DIM,
            "size of the file MB": round(data.stat().st_size / 1e6),
            "documents": first["documents"],
            "indexing": first,
            "the same again, nothing changed": again,
            "size of the library MB": round(folder_bytes(library) / 1e6),
        }
        save(f"records-{given.set}", figures | search(library, centres))


def write_records(file, count):
    """Write the records, and return the centres their vectors lie around."""
    random = np.random.default_rng(7)
    centres = random.standard_normal((CENTRES, DIM)).astype(np.float32)
    words = np.array([f"w{number:x}" for number in range(50_000)])
    groups = max(1, count // RECORDS_PER_GROUP)
    with file.open("w") as stream:
        for number in range(count):
            group = number % groups  # the records of a group lie far apart
            near = centres[(group + np.arange(PARAGRAPHS_PER_RECORD)) % CENTRES]
            vectors = near + random.standard_normal(near.shape)
            drawn = np.minimum(random.zipf(1.3, (PARAGRAPHS_PER_RECORD, WORDS_PER_PARAGRAPH)), len(words)) - 1
            record = {
                "title": f"Article {group}",
                "text": [" ".join(words[row]) for row in drawn],
                "emb": np.round(vectors, 5).tolist(),
            }
            stream.write(json.dumps(record) + "\n")
    return centres


def index(command, records):
    before = psutil.Process().cpu_times()
    output, seconds, code, memory = run_with_memory([*command, "--json"], every_s=0.2)
    if code:
        sys.exit(output)
    after = psutil.Process().cpu_times()
    cpu_s = sum(getattr(after, name) - getattr(before, name) for name in ("children_user", "children_system"))
    report = json.loads(output[output.index("{") :])
    return {
        "documents": len(report["indexed"]) or report["skipped"],
        "seconds": round(seconds, 1),
        "CPU seconds": round(cpu_s, 1),
        "records/s": round(records / seconds),
        "peak memory MB": round(memory / 1e6),
    }


def search(library, centres):
    random = np.random.default_rng(8)
    queries = [
        centres[random.integers(CENTRES, size=QUERY_VECTORS)]
        + 0.5 * random.standard_normal((QUERY_VECTORS, DIM))
        for _ in range(QUERIES)
    ]
    with Library.open(library, read_only=True) as opened:
        for query in queries[:10]:  # kernels are loaded meanwhile
            opened.search(query)
        milliseconds, found, best = [], 0, 0
        for query in queries:
            start = time.perf_counter()
            hits = opened.search(query)
            milliseconds.append(1000 * (time.perf_counter() - start))
            exact = {hit.path for hit in opened.search(query, exact=True)}
            found += len(exact & {hit.path for hit in hits})
            best += len(exact)
        return {
            "search of 3 vectors, ms": spread(milliseconds),
            "recall@10 against exact": round(found / best, 4),
        }


if __name__ == "__main__":
    main()

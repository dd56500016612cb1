"""Run the benchmarks, then write their figures into the pages (``figures.py``).

::

    python benchmarks/run.py                                     # on the sample documents
    python benchmarks/run.py --set filings --documents DIR --queries FILE.jsonl
"""

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from measure import HERE, SAMPLE_QUESTIONS, SAMPLES


def run(script, **options):
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    subprocess.run([sys.executable, str(HERE / script), *given], check=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=Path, default=SAMPLES)
    parser.add_argument("--queries", type=Path, default=SAMPLE_QUESTIONS)
    parser.add_argument("--set", default="samples")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "bench.library"
        run("bench_indexing.py", set=given.set, documents=given.documents, library=library)
        run("bench_search.py", set=given.set, queries=given.queries, library=library)
        run("bench_startup.py", set=given.set, library=library)
    run("bench_pooling.py", set=given.set, documents=given.documents, queries=given.queries)
    if given.set == "samples":
        if find_spec("torch"):
            run("bench_encoding.py")
        run("bench_ocr.py")
        run("bench_durability.py")
    run("figures.py")


if __name__ == "__main__":
    main()

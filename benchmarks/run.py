"""Run the benchmarks and write the table in README.md.

::

    python benchmarks/run.py                                     # on the sample documents
    python benchmarks/run.py --set filings --documents DIR --queries FILE.jsonl
    python benchmarks/run.py --table                             # only write the table anew
"""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from measure import HERE, RESULTS, SAMPLE_QUESTIONS, SAMPLES

START, END = "<!-- figures: made by benchmarks/run.py -->", "<!-- end of figures -->"


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
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    if not given.table:
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
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    before, after = text[: text.index(START) + len(START)], text[text.index(END) :]
    page.write_text(f"{before}\n\n{tables()}\n{after}", encoding="utf-8")


def tables():
    """One table per result."""
    parts = []
    for file in sorted(RESULTS.glob("*.json")):
        record = json.loads(file.read_text())
        machine = record["machine"]
        parts.append(f"### {record['benchmark']}\n")
        parts.append(
            f"{record['date']}, commit {record['commit']}, {machine['processor']}, {machine['cpus']} CPUs, "
            f"{machine['memory_gb']} GB, Python {machine['python']}\n"
        )
        parts.append("| figure | value |\n|---|---|")
        parts.extend(f"| {name} | {shown(value)} |" for name, value in record["figures"].items())
        if file.with_suffix(".png").exists():
            parts.append(f"\n![{record['benchmark']}](results/{file.stem}.png)")
        parts.append("")
    return "\n".join(parts)


def shown(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()

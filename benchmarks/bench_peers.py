"""How does maxsight compare with other engines of late interaction, on the same pages and queries?

::

    python benchmarks/bench_peers.py --pages 1000
    python benchmarks/bench_peers.py --pages 10000 --peers maxsight,qdrant-edge

Each peer runs alone, in an environment of its own that is made at the first run (fast-plaid's torch takes gigabytes;
set PIP_EXTRA_INDEX_URL for a smaller build). It builds its index in one process and answers in another, with a small
ladder of settings: what counts is the quickest with recall@10 of at least ``--recall`` against exact MaxSim, else the
one with the best recall. What a peer measured is kept in ``results/peers/``: a run that was stopped goes on with the
next one. Remove its file there to measure it again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
from measure import HERE, RESULTS, circumstances, save
from synthetic import DIM, VECTORS, SyntheticPages

BESIDE = ["psutil==7.2.2", "numpy==2.4.0"]
PEERS = {
    "maxsight": ("maxsight_library.py", [str(HERE.parent)]),
    "numpy": ("numpy_exact.py", []),
    "numkong": ("numkong_dots.py", ["numkong==7.8.6"]),
    "lateweave": ("lateweave_maxsim.py", ["lateweave==0.2.0"]),
    "qdrant-edge": ("qdrant_edge_shard.py", ["qdrant-edge-py==0.9.0"]),
    "lancedb": ("lancedb_index.py", ["lancedb==0.40.0"]),
    "fast-plaid": ("fast_plaid_index.py", ["fast-plaid==1.7.0.2110"]),
    "colsearch": ("colsearch_index.py", ["torch==2.13.0", "colsearch[shard,shard-native]==0.1.7"]),
}
"""The script of each, and what it needs."""
TOP_K = 10


def make_data(folder, count, queries):
    """Pages, queries and the exact answers, as every peer reads them."""
    if (folder / "exact.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    synthetic, first = SyntheticPages(count), 0
    pages = np.lib.format.open_memmap(folder / "pages.npy", "w+", np.float16, (count, VECTORS, DIM))
    for document in synthetic.documents():
        pages[first : first + len(document)] = document
        first += len(document)
    pages.flush()
    asked = synthetic.queries(queries)[0]
    np.save(folder / "queries.npy", asked)
    scores = np.stack([exact_scores(page, asked) for page in pages], axis=1)
    np.save(folder / "exact.npy", np.argsort(-scores, axis=1)[:, :TOP_K])


def exact_scores(page, queries):
    """MaxSim of one page for each query."""
    similarities = queries.reshape(-1, DIM) @ page.astype(np.float32).T
    return similarities.max(axis=1).reshape(len(queries), -1).sum(axis=1)


def environment(name, requirements, cache):
    """The Python of a peer's own environment, made if it is not there."""
    folder = cache / "environments" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = folder / "installed.txt"
    wanted = "\n".join([*requirements, *BESIDE])
    own = any(Path(requirement).is_dir() for requirement in requirements)  # our code may have changed
    if own or not installed.exists() or installed.read_text() != wanted:
        if not python.exists():
            venv.create(folder, with_pip=True)
        again = ["--force-reinstall", "--no-deps"] if own and installed.exists() else []
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            *again,
            *requirements,
            *(() if again else BESIDE),
        ]
        subprocess.run(command, check=True)
        installed.write_text(wanted)
    return python


def ask(python, script, command, data, index):
    """One process of a peer: what it prints, which is one line of JSON."""
    arguments = [str(python), str(HERE / "peers" / script), command, str(data), str(index)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def measure(name, data, cache):
    script, requirements = PEERS[name]
    python = environment(name, requirements, cache)
    index = data / f"index-{name}"
    shutil.rmtree(index, ignore_errors=True)
    index.mkdir()
    try:
        return {**ask(python, script, "build", data, index), **ask(python, script, "search", data, index)}
    finally:
        shutil.rmtree(index, ignore_errors=True)


def best(settings, recall):
    """The quickest setting that finds enough, else the one that finds most."""
    enough = [setting for setting in settings if setting["recall"] >= recall]
    if enough:
        return min(enough, key=lambda setting: setting["p50_ms"])
    return max(settings, key=lambda setting: setting["recall"])


def figure(record, recall):
    chosen = best(record["settings"], recall)
    return {
        "setting": chosen["setting"],
        "p50 ms": chosen["p50_ms"],
        "p95 ms": chosen["p95_ms"],
        "recall@10": chosen["recall"],
        "build s": record["build_s"],
        "disk MB": round(record["disk_bytes"] / 1e6),
        "anonymous memory MB": round((chosen["anonymous_bytes"] or chosen["resident_bytes"]) / 1e6),
        "queries": chosen["queries"],
        "measured": record["date"],
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--recall", type=float, default=0.99, help="what a setting has to find to count")
    parser.add_argument(
        "--peers", default=",".join(PEERS), help="some of the peers, with commas between them"
    )
    parser.add_argument("--cache", type=Path, default=HERE / "cache", help="for environments and pages")
    given = parser.parse_args()
    data, kept = given.cache / f"pages-{given.pages}", RESULTS / "peers"
    make_data(data, given.pages, given.queries)
    kept.mkdir(parents=True, exist_ok=True)
    figures = {"pages": given.pages, "vectors": given.pages * VECTORS, "recall wanted": given.recall}
    for name in given.peers.split(","):
        file = kept / f"{given.pages}-{name}.json"
        if not file.exists():
            print(f"{name}: building and asking", file=sys.stderr)
            try:
                record = {**circumstances(), **measure(name, data, given.cache)}
            except subprocess.CalledProcessError as error:
                print(f"{name}: did not work, and is left out: {error}", file=sys.stderr)
                continue
            file.write_text(json.dumps(record, indent=2) + "\n")
        record = json.loads(file.read_text())
        figures[record["package"]] = figure(record, given.recall)
    save(f"peers-{given.pages}", figures)


if __name__ == "__main__":
    main()

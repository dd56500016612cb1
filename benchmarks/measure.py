"""What every benchmark shares: the machine it ran on, memory of a process tree, results on disk."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil

HERE = Path(__file__).parent
RESULTS = HERE / "results"
SAMPLES = HERE.parent / "examples" / "documents"
SAMPLE_QUESTIONS = HERE.parent / "examples" / "queries.jsonl"
MAXSIGHT = [sys.executable, "-m", "maxsight"]


def arguments(description, **options):
    """Parse ``--name PATH`` for each of ``options``, or a number where its default is one, plus ``--set``."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=int if isinstance(default, int) else Path, default=default)
    parser.add_argument(
        "--set", default="samples", help="name of the document set, part of the result's file name"
    )
    return parser.parse_args()


def machine():
    """Describe where a figure was taken."""
    return {
        "processor": processor(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def commit():
    """The commit that is measured, and whether anything but results has changed since."""
    known, changed = (
        subprocess.run(["git", *command], cwd=HERE.parent, capture_output=True, text=True).stdout.strip()
        for command in (
            ("rev-parse", "--short", "HEAD"),
            ("status", "--porcelain", "--", ".", ":!benchmarks/results"),
        )
    )
    return f"{known}{'-dirty' if changed else ''}" or "unknown"


def circumstances():
    """When, with which code, and where a figure was taken."""
    return {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "commit": commit(), "machine": machine()}


def save(name, figures):
    """Write figures with their circumstances, and show them."""
    RESULTS.mkdir(exist_ok=True)
    record = {"benchmark": name, **circumstances(), "figures": figures}
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    print(f"{name}:")
    for key, value in figures.items():
        print(f"  {key:<44} {value}")


def spread(values, digits=1):
    """Median and 95th percentile of repeated timings."""
    return {
        "p50": round(float(np.percentile(values, 50)), digits),
        "p95": round(float(np.percentile(values, 95)), digits),
        "runs": len(values),
    }


def timed(command, runs=7, **kwargs):
    """Wall times in seconds of a command run as a whole process, after one warm-up."""
    seconds = []
    for run in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
        if run:
            seconds.append(time.perf_counter() - start)
    return seconds


def run_with_memory(command, every_s=1.0):
    """Run a command and return its output, seconds, exit code and the peak memory of its whole process tree.

    Memory is the proportional set size where the system tells it (shared pages are counted once), else the
    resident set size.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        root = psutil.Process(process.pid)
        peak = 0
        while process.poll() is None:
            peak = max(peak, tree_memory(root))
            time.sleep(every_s)
        output.seek(0)
        return output.read(), time.perf_counter() - start, process.returncode, peak


def tree_memory(root):
    total = 0
    try:
        for process in [root, *root.children(recursive=True)]:
            try:
                memory = process.memory_full_info()
                total += getattr(memory, "pss", memory.rss)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    except psutil.NoSuchProcess:
        pass
    return total


def folder_bytes(folder):
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())

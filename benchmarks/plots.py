"""Draw pictures of results: ``python benchmarks/plots.py`` writes a PNG beside each that has one. Needs matplotlib."""

import json

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from measure import RESULTS

DPI = 150


def figure(title):
    drawn = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.subplots()
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    return drawn, axes


def draw_peers(pages):
    """Recall over latency: every setting of every peer."""
    records = [json.loads(file.read_text()) for file in sorted((RESULTS / "peers").glob(f"{pages}-*.json"))]
    drawn, axes = figure(f"{pages:,} pages of 1,030 vectors, {records[0]['machine']['cpus']} CPUs")
    for record in records:
        axes.plot(
            [setting["p50_ms"] for setting in record["settings"]],
            [setting["recall"] for setting in record["settings"]],
            marker="o",
            label=record["package"],
        )
    axes.set_xscale("log")
    axes.set_xlabel("median time for a query, ms")
    axes.set_ylabel("recall@10 against exact MaxSim")
    axes.legend(fontsize=8)
    drawn.savefig(RESULTS / f"peers-{pages}.png", dpi=DPI)


def draw_scale():
    """Latency over pages, beside the result of the most."""
    found = [json.loads(file.read_text())["figures"] for file in RESULTS.glob("scale-*.json")]
    found.sort(key=lambda figures: figures["pages"])
    drawn, axes = figure("maxsight: median time to rank pages of 1,030 vectors")
    pages = [figures["pages"] for figures in found]
    for name in ("search, ms", "search, exact, ms"):
        axes.plot(pages, [figures[name]["p50"] for figures in found], marker="o", label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("pages")
    axes.set_ylabel("median time for a query, ms")
    axes.legend(fontsize=8)
    drawn.savefig(RESULTS / f"scale-{pages[-1]}.png", dpi=DPI)


def main():
    for file in RESULTS.glob("peers-*.json"):
        draw_peers(json.loads(file.read_text())["figures"]["pages"])
    if list(RESULTS.glob("scale-*.json")):
        draw_scale()


if __name__ == "__main__":
    main()

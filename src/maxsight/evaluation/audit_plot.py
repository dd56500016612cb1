"""An audit as a picture: recall against what it costs. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from maxsight.errors import InputError
from maxsight.stores.audit import Audit

WIDTH_IN, HEIGHT_IN, DPI = 7.0, 4.5, 150


def draw_audit(audit: Audit, file: Path) -> None:
    """Draw recall over median latency, one point for each setting.

    Args:
        audit: What was measured.
        file: Where the picture goes; its ending says in which format.

    Raises:
        InputError: The file can't be written, or has no ending of a picture.
    """
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    latencies = [setting.latency_p50_ms for setting in audit.settings]
    recalls = [setting.recall for setting in audit.settings]
    axes.plot(latencies, recalls, marker="o", color="tab:blue")
    for setting in audit.settings:
        axes.annotate(
            f"{setting.candidates:,}",
            (setting.latency_p50_ms, setting.recall),
            xytext=(4, -12),
            textcoords="offset points",
            fontsize=8,
        )
    axes.axhline(
        audit.target, color="tab:gray", linestyle="--", linewidth=1, label=f"target {audit.target:g}"
    )
    axes.axvline(audit.exact_ms, color="tab:red", linestyle=":", linewidth=1, label="every page scored")
    if (best := audit.recommended) is not None:
        axes.plot(
            best.latency_p50_ms, best.recall, "o", color="tab:green", markersize=11, label="recommended"
        )
    axes.set_xscale("log")
    axes.set_xlabel("median time to rank, ms, by candidates")
    axes.set_ylabel(f"recall@{audit.top_k} against every page scored")
    axes.set_title(f"{audit.pages:,} pages, {audit.queries:,} queries, {audit.date}", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    try:
        figure.savefig(file, dpi=DPI)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} can't be written: {error}") from error

"""An audit as a picture: recall against what it costs. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import Bbox

from maxsight.errors import InputError
from maxsight.stores.audit import Audit

WIDTH_IN, HEIGHT_IN, DPI = 7.0, 4.5, 150
LABEL_PLACES = (
    (4, -4, "left", "top"),
    (4, 4, "left", "bottom"),
    (-4, 4, "right", "bottom"),
    (-4, -4, "right", "top"),
)
"""Places of a label, best first: offset right and up in points, and which corner of the label is there."""


def draw_audit(audit: Audit, file: Path) -> None:
    """Draw recall over median latency, one point for each setting.

    Args:
        audit: What was measured.
        file: The picture. Its suffix chooses the format.

    Raises:
        InputError: The file can't be written, or its suffix is not that of a picture.
    """
    if not file.suffix:
        raise InputError(f"{file} can't be written: it has no ending", hint="Let it end in .png.")
    figure = plot_audit(audit)
    try:
        figure.savefig(file, dpi=DPI)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} can't be written: {error}") from error


def plot_audit(audit: Audit) -> Figure:
    """Make the picture that ``draw_audit`` writes."""
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    latencies = [setting.latency_p50_ms for setting in audit.settings]
    recalls = [setting.recall for setting in audit.settings]
    axes.plot(latencies, recalls, marker="o", color="tab:blue")
    axes.axhline(
        audit.target, color="tab:gray", linestyle="--", linewidth=1, label=f"target {audit.target:g}"
    )
    axes.axvline(audit.exact_ms, color="tab:red", linestyle=":", linewidth=1, label="every page scored")
    if (best := audit.recommended) is not None:
        axes.plot(
            best.latency_p50_ms, best.recall, "o", color="tab:green", markersize=11, label="recommended"
        )
    axes.set_xscale("log")
    _number_ticks(axes)
    axes.margins(y=0.1)
    axes.set_xlabel("median time to rank, ms; beside each point its candidates")
    axes.set_ylabel(f"recall@{audit.top_k} against every page scored")
    axes.set_title(f"{audit.pages:,} pages, {audit.queries:,} queries, {audit.date}", fontsize=10)
    axes.grid(alpha=0.3)
    legend = axes.legend(loc="lower right", fontsize=8, framealpha=1)
    figure.draw_without_rendering()  # fixes all positions
    _label_points(axes, audit, legend.get_window_extent())
    return figure


def _number_ticks(axes: Axes) -> None:
    """Write times as plain numbers, not powers of ten, and only as many as fit."""
    low, high = axes.get_xlim()
    decades = np.log10(high / low)
    marks = (1, 2, 5) if decades > 2 else (1, 2, 3, 5, 7) if decades > 1 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
    axes.xaxis.set_major_locator(LogLocator(subs=marks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")


def _label_points(axes: Axes, audit: Audit, legend: Bbox) -> None:
    """Write the candidates next to their points. A label without free space is left out; the table has all."""
    taken = [legend]
    for setting in audit.settings:
        for right, up, across, along in LABEL_PLACES:
            label = axes.annotate(
                f"{setting.candidates:,}",
                (setting.latency_p50_ms, setting.recall),
                xytext=(right, up),
                textcoords="offset points",
                horizontalalignment=across,
                verticalalignment=along,
                fontsize=8,
            )
            box = label.get_window_extent()
            if axes.bbox.fully_containsx(box.x1) and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            label.remove()

"""The picture of an audit can be read: its numbers are numbers, and none stands on another."""

from itertools import combinations

import pytest

from maxsight.stores.audit import Audit, Setting

plotting = pytest.importorskip("maxsight.evaluation.audit_plot", reason="matplotlib is not installed")

CANDIDATES = (32, 64, 128, 256, 512, 1024, 1170)
LATENCIES = {
    "quick and slow in turn": (8.0, 7.0, 7.7, 8.7, 10.0, 13.7, 12.0),
    "all alike": (5.0, 5.1, 5.2, 5.3, 5.4, 5.45, 5.5),
    "over three decades": (0.9, 2, 5, 20, 90, 300, 900),
}
RECALLS = (0.895, 0.9675, 0.985, 0.995, 1.0, 1.0, 1.0)


def plotted(latencies):
    settings = tuple(
        Setting(candidates, recall, recall, recall, latency, latency)
        for candidates, recall, latency in zip(CANDIDATES, RECALLS, latencies, strict=True)
    )
    figure = plotting.plot_audit(
        Audit("2026-01-01", 1170, 40, "given", 10, 0.99, 1024, 1.2 * max(latencies), settings)
    )
    figure.draw_without_rendering()
    return figure.axes[0]


def overlapping(texts):
    boxes = {text.get_text(): text.get_window_extent() for text in texts}
    return [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]


@pytest.mark.parametrize("latencies", LATENCIES.values(), ids=LATENCIES)
def test_no_label_stands_on_another(latencies):
    axes = plotted(latencies)
    assert not overlapping(axes.texts)
    low, high = axes.get_xlim()
    shown = [tick.label1 for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert len(shown) >= 2 and not overlapping(shown)
    assert all(float(label.get_text()) > 0 for label in shown)


def test_every_point_is_labelled_with_its_candidates_if_there_is_room():
    axes = plotted(LATENCIES["quick and slow in turn"])
    assert [label.get_text() for label in axes.texts] == ["32", "64", "128", "256", "512", "1,024", "1,170"]

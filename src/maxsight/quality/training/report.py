"""The report of a training run: a page of HTML with plots as PNG."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from maxsight.quality.predictor import QualityPredictor
from maxsight.quality.training.judgement import Judgement
from maxsight.quality.training.measures import Measures
from maxsight.quality.training.tables import SampleTable
from maxsight.types import Floats
from maxsight.writing import named_errors

_STYLE: Any = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "savefig.dpi": 110}
_MAX_FEATURES = 20
_HEAD = (
    "<!doctype html><meta charset=utf-8><title>maxsight quality</title><style>body{font:15px/1.5 system-ui;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}td,th{padding:.2rem .8rem;"
    "border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}img{max-width:100%}"
    "</style>"
)


def write_report(
    folder: Path, table: SampleTable, judgements: Sequence[Judgement], predictor: QualityPredictor
) -> Path:
    """Write ``report.html`` and its plots into a folder; return the path of the page.

    Raises:
        InputError: The folder can't be written to.
    """
    documents = len(np.unique(table.documents))
    parts = [
        _HEAD,
        f"<h1>Will OCR read this page?</h1><p>{len(table):,} samples of {documents} documents. Every figure is for "
        f"samples whose document was left out. Features: {html.escape(str(predictor.space))}.</p>",
    ]
    with named_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for judgement in judgements:
            parts += _section(folder, table, judgement, predictor)
        page = folder / "report.html"
        page.write_text("\n".join(parts), encoding="utf-8")
    return page


def _section(
    folder: Path, table: SampleTable, judgement: Judgement, predictor: QualityPredictor
) -> Iterable[str]:
    target, true = judgement.target, table.target(judgement.target)
    more, low, high = judgement.better_than_global
    yield f"<h2>{target.upper()}</h2>"
    yield _measures_table("predictor", judgement.measures.items())
    yield f"<p>SRCC above the global features: {more:+.3f} [{low:+.3f}, {high:+.3f}] (95 %, documents redrawn).</p>"
    wanted = predictor.targets[target].conformal.coverage
    yield f"<p>Intervals of {wanted:.0%} hold {judgement.coverage:.1%}.</p>"
    yield "<h3>By degradation</h3>" + _measures_table("seen in training", judgement.by_kind.items())
    if judgement.unseen:
        yield f"<h3>Degradation left out of training: mean SRCC {judgement.unseen_srcc:.2f}</h3>"
        rows = [
            (kind, *_numbers(unseen.measures), f"{unseen.bias:+.2f}", f"{unseen.confidence_srcc:.2f}")
            for kind, unseen in judgement.unseen.items()
        ]
        yield _html_table(("not seen in training", *_COLUMNS, "bias", "SRCC of OCR confidence"), rows)
    if judgement.learning_curve:
        rows = [(f"{documents}", f"{reached:.3f}") for documents, reached in judgement.learning_curve]
        yield "<h3>How many documents</h3>" + _html_table(("documents", "SRCC"), rows)
    name = f"{target}.png"
    _plot(table, judgement, true, predictor).savefig(folder / name)
    yield f"<img src={name} alt='predicted against true, residuals, calibration, importance'>"


_COLUMNS = ("PLCC", "SRCC", "MAE", "RMSE", "triage AUC", "samples")


def _measures_table(head: str, rows: Iterable[tuple[str, Measures]]) -> str:
    return _html_table((head, *_COLUMNS), [(name, *_numbers(measures)) for name, measures in rows])


def _numbers(measures: Measures) -> tuple[str, ...]:
    values = (measures.plcc, measures.srcc, measures.mae, measures.rmse, measures.triage_auc)
    return (*("" if math.isnan(value) else f"{value:.3f}" for value in values), f"{measures.count}")


def _html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + row(head, "th") + "".join(row(cells, "td") for cells in rows) + "</table>"


def _plot(table: SampleTable, judgement: Judgement, true: Floats, predictor: QualityPredictor) -> Figure:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(11, 9), layout="constrained")
        (agreement, residuals), (calibration, importance) = figure.subplots(2, 2)
        agreement.scatter(true, judgement.predicted, s=7, alpha=0.5, linewidths=0)
        agreement.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        agreement.set(xlabel=f"true {judgement.target}", ylabel="predicted", title="Predicted against true")
        kinds = sorted(set(table.kinds.tolist()))
        off = [judgement.predicted[table.kinds == kind] - true[table.kinds == kind] for kind in kinds]
        residuals.boxplot(off, orientation="horizontal", tick_labels=kinds, flierprops={"markersize": 3})
        residuals.axvline(0, color="grey", linewidth=0.8)
        residuals.set(xlabel="predicted less true", title="Residuals by degradation")
        bins = np.array_split(np.argsort(judgement.predicted), 10)
        means = [(judgement.predicted[part].mean(), true[part].mean()) for part in bins]
        calibration.plot(*np.transpose(means), marker="o")
        calibration.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        calibration.set(
            xlabel="mean predicted", ylabel="mean true", title="Calibration, tenths of the samples"
        )
        names, gains = _feature_importance(judgement, predictor)
        importance.barh(names[::-1], gains[::-1])
        importance.set(title="Importance, share of the trees' gain")
    return figure


def _feature_importance(judgement: Judgement, predictor: QualityPredictor) -> tuple[list[str], list[float]]:
    """Name the features with the largest gain in the trees, and their shares; none without trees."""
    trees = predictor.targets[judgement.target].trees
    if trees is None:
        return [], []
    gain = np.asarray(lightgbm.Booster(model_str=trees.text).feature_importance("gain"), np.float64)
    best = np.argsort(-gain)[:_MAX_FEATURES]
    share = gain / max(gain.sum(), 1e-12)
    return [predictor.space.names[index] for index in best], share[best].tolist()

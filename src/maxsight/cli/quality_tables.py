"""Prints the figures of ``maxsight quality train`` as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from maxsight.quality.training.comparison import Compared
    from maxsight.quality.training.judgement import Judgement

_NAME = 44


def print_judgement(judgement: Judgement) -> None:
    """Print how well one error rate is predicted, with the baselines."""
    click.echo(f"{judgement.target.upper():<{_NAME}}  PLCC   SRCC    MAE   RMSE  triage AUC")
    for name, measures in judgement.measures.items():
        figures = (measures.plcc, measures.srcc, measures.mae, measures.rmse, measures.triage_auc)
        click.echo(f"  {name:<{_NAME - 2}}" + "".join(f"{value:7.3f}" for value in figures))
    more, low, high = judgement.better_than_global
    click.echo(f"  SRCC above the global features {more:+.3f} [{low:+.3f}, {high:+.3f}]")
    click.echo(f"  intervals hold {judgement.coverage:.1%}")
    if judgement.unseen:
        click.echo(f"  SRCC on degradations left out of training {judgement.unseen_srcc:.3f}")
    for documents, reached in judgement.learning_curve:
        click.echo(f"  SRCC learned from {documents:3d} documents {reached:.3f}")


def print_comparison(comparison: Sequence[Compared]) -> None:
    """Print every pooling with every model, best rank correlation first."""
    for row in sorted(comparison, key=lambda row: (row.target, -row.measures.srcc)):
        measures = row.measures
        click.echo(
            f"  {row.target.upper()}  {row.pooling:<12}{row.learner:<10}"
            f"PLCC {measures.plcc:.3f}  SRCC {measures.srcc:.3f}  MAE {measures.mae:.3f}"
        )

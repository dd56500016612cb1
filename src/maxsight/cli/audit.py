"""``maxsight audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import Number, WholeNumber, json_option, top_k_option
from maxsight.cli.output import check_folder, counted, plain, print_json, progress, say

if TYPE_CHECKING:
    from maxsight.stores.audit import Audit

MIN_QUERIES = 30
"""Fewer queries say little about a share near 1. With 10 pages each, three missed pages make the difference."""


@click.command()
@library_option
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your questions: one a line, or JSON Lines with `query`.",
)
@click.option(
    "--sample",
    type=WholeNumber(1),
    default=200,
    show_default=True,
    help="Without --queries: ask this many lines of the library's pages.",
)
@top_k_option(default=10, help="How many pages to find.")
@click.option(
    "--target",
    type=Number(0, 1, min_open=True),
    default=0.99,
    show_default=True,
    help="Share of the exact best pages that searches should find.",
)
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.png", help="Draw the measurements.")
@click.option("--dry-run", is_flag=True, help="Only measure; store nothing.")
@query_encoder_options
@json_option
def audit(
    library: ChosenLibrary,
    queries: Path | None,
    sample: int,
    top_k: int,
    target: float,
    plot: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Measure how many of the best pages searches find.

    Searches score only some candidates. This searches with more and more of them and compares with scoring every page.
    It stores the smallest sufficient number, and later searches use it. An audit of fewer than 30 queries
    does not replace one of more queries.
    """
    from maxsight.evaluation.datasets import load_queries

    if plot:
        check_folder(plot)
    asked = load_queries(queries) if queries else None
    with library.open(read_only=dry_run) as opened:
        with progress("asking") as show:
            measured = opened.audit(asked, sample=sample, top_k=top_k, target=target, on_progress=show)
        if as_json:
            print_json({**plain(measured), "recommended": plain(measured.recommended)})
        else:
            _print(measured)
        if plot:
            _draw(measured, plot)
        better = None
        if measured.queries < MIN_QUERIES:
            few = counted(measured.queries, "query says", "queries say")
            say(f"{few} little: measure with {MIN_QUERIES} or more")
            before = opened.status().audit
            better = before if before is not None and before.queries > measured.queries else None
        if better is not None:
            say(f"not stored: searches use an audit of {better.queries:,} queries")
        elif not dry_run:
            opened.adopt(measured)
            effect = "searches use it from now on"
            if not measured.holds_for(measured.pages):
                effect = "but searches score all pages of so small a library"
            say(f"stored in {library}: {effect}")


def _print(audit: Audit) -> None:
    click.echo(
        f"{counted(audit.queries, 'query', 'queries')} ({audit.source}), {counted(audit.pages, 'page')}, "
        f"against scoring every page\n"
    )
    click.echo(f"candidates  recall@{audit.top_k:<3}  at least  lowest  p50 ms  p95 ms")
    for setting in audit.settings:
        marks = [
            *(["recommended"] if setting == audit.recommended else []),
            *(["default"] if setting.candidates == audit.default else []),
        ]
        click.echo(
            f"{setting.candidates:>10,}  {setting.recall:<10.4f}  {setting.recall_low:<8.4f}  {setting.lowest:<6.2f}  "
            f"{setting.latency_p50_ms:>6.1f}  {setting.latency_p95_ms:>6.1f}  {', '.join(marks)}".rstrip()
        )
    click.echo(f"{'every page':>10}  {1:<10.4f}  {1:<8.4f}  {1:<6.2f}  {audit.exact_ms:>6.1f}\n")
    if audit.recommended is None:
        click.echo(f"No number of candidates reaches {audit.target:g}: score every page (--exact).")
    else:
        click.echo(f"{audit.recommended.candidates:,} candidates reach {audit.target:g}.")


def _draw(audit: Audit, file: Path) -> None:
    from maxsight import extras

    extras.require("plots")
    from maxsight.evaluation.audit_plot import draw_audit

    draw_audit(audit, file)
    say(f"drawn: {file}")

"""``maxsight audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import (
    check_folder,
    counted,
    json_option,
    library_option,
    plain,
    print_json,
    progress,
    say,
)

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.stores.addresses import Address
    from maxsight.stores.audit import Audit


FEW_QUERIES = 30
"""Fewer say little, most of all of a share near 1: of ten pages each, three missed by chance make the difference."""


@click.command()
@library_option
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What you ask: a question a line, or JSON Lines with `query`.",
)
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Without --queries: ask this many lines of the library's own pages.",
)
@click.option(
    "-k", "--top-k", type=click.IntRange(1), default=10, show_default=True, help="How many pages to find."
)
@click.option(
    "--target",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.99,
    show_default=True,
    help="Share of the exact best pages that searches should find.",
)
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.png", help="Draw the measurements.")
@click.option("--dry-run", is_flag=True, help="Only measure: leave the library as it is.")
@query_encoder_options
@json_option
def audit(
    library: Address,
    queries: Path | None,
    sample: int,
    top_k: int,
    target: float,
    plot: Path | None,
    dry_run: bool,
    encoder: str | None,
    encoder_options: EncoderOptions,
    as_json: bool,
) -> None:
    """Measure how many of the best pages searches find.

    Searches look closely at some candidates only. This asks the library with more and more of them, compares with
    scoring every page, and keeps the fewest that surely meet the target: searches go by that from then on. What fewer
    than 30 queries say does not replace what more have said.
    """
    from maxsight import Library
    from maxsight.evaluation.datasets import load_queries

    if plot:
        check_folder(plot)
    asked = load_queries(queries) if queries else None
    with Library.open(library, encoder=encoder, options=encoder_options, read_only=dry_run) as opened:
        with progress("asking") as show:
            measured = opened.audit(asked, sample=sample, top_k=top_k, target=target, on_progress=show)
        if as_json:
            print_json({**plain(measured), "recommended": plain(measured.recommended)})
        else:
            _print(measured)
        if plot:
            _draw(measured, plot)
        better = None
        if measured.queries < FEW_QUERIES:
            few = counted(measured.queries, "query says", "queries say")
            say(f"{few} little: measure with {FEW_QUERIES} or more")
            before = opened.status().audit
            better = before if before is not None and before.queries > measured.queries else None
        if better is not None:
            say(f"not kept: the library goes by an audit of {better.queries:,} queries")
        elif not dry_run:
            opened.adopt(measured)
            follows = "searches go by it from now on"
            if not measured.holds_for(measured.pages):
                follows = "so few pages are all looked at, whatever was measured"
            say(f"kept in {library}: {follows}")


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
        click.echo(f"No number of candidates finds {audit.target:g}: every page has to be scored (--exact).")
    else:
        click.echo(f"{audit.recommended.candidates:,} candidates find {audit.target:g} at least.")


def _draw(audit: Audit, file: Path) -> None:
    from maxsight import extras

    extras.require("plots")
    from maxsight.evaluation.audit_plot import draw_audit

    draw_audit(audit, file)
    say(f"drawn: {file}")

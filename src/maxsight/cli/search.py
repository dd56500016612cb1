"""``maxsight search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import json_option, library_option, print_json, region_text, say

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.types import Hit, Match


@click.command()
@click.argument("question")
@library_option
@click.option("-k", "top_k", type=click.IntRange(1), default=10, show_default=True, help="How many pages.")
@click.option(
    "--filter",
    "where",
    metavar="EXPR",
    help="SQL condition on file, path, page_number and your own fields: \"year >= 2020 AND file LIKE '%.pdf'\".",
)
@click.option("--hybrid", is_flag=True, help="Order by the fusion with BM25 on the text.")
@click.option("--exact", is_flag=True, help="Score every page, not only the candidates.")
@query_encoder_options
@json_option
def search(
    question: str,
    library: Path,
    top_k: int,
    where: str | None,
    hybrid: bool,
    exact: bool,
    encoder: str | None,
    encoder_options: EncoderOptions,
    as_json: bool,
) -> None:
    """Find the pages that answer QUESTION, best first, with the words that matched."""
    from maxsight.library import Library

    with Library.open(library, encoder=encoder, options=encoder_options, read_only=True) as opened:
        for notice in opened.notices(question):
            say(f"note: {notice}")
        hits = opened.search(question, top_k=top_k, where=where, hybrid=hybrid, exact=exact)
    if as_json:
        print_json(hits)
    elif not hits:
        say("nothing found")
    for hit in () if as_json else hits:
        _print_hit(hit)


def _print_hit(hit: Hit) -> None:
    fused = "" if hit.fused_score is None else f"  fused {hit.fused_score:.4f}"
    place = click.style(f"{hit.path}  page {hit.page_number}", bold=True)
    click.echo(f"{hit.rank:>3}. {place}  score {hit.score:.2f}{fused}")
    if hit.copies:
        click.echo(f"     also at {', '.join(hit.copies)}")
    strongest = sorted(hit.matches, key=lambda match: -match.score)
    found = dict.fromkeys(_found(match) for match in strongest)
    click.echo(f"     {click.style('matched', dim=True)} {', '.join([*found][:6])}")
    if hit.snippet:
        click.echo(f"     {hit.snippet}")
    click.echo()


def _found(match: Match) -> str:
    place = region_text(match.region)
    return match.word if place.casefold() == match.word.casefold() else f"{match.word} ({place})"

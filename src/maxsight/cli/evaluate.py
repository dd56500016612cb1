"""``maxsight evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import counted, json_option, library_option, plain, print_json, say

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.stores.addresses import Address


@click.command()
@click.argument("queries", type=click.Path(path_type=Path))
@library_option
@click.option(
    "--scope",
    type=click.Choice(["library", "document"]),
    default="library",
    show_default=True,
    help="Search everything, or each question's own document.",
)
@click.option("--hybrid", is_flag=True, help="Order by the fusion with BM25 on the text.")
@click.option("--exact", is_flag=True, help="Score every page, not only the candidates.")
@query_encoder_options
@json_option
def evaluate(
    queries: Path,
    library: Address,
    scope: str,
    hybrid: bool,
    exact: bool,
    encoder: str | None,
    encoder_options: EncoderOptions,
    as_json: bool,
) -> None:
    """Measure the ranking on questions with known answers.

    QUERIES is JSON Lines with query, file and page_indices (from 0). A question that gets no answer counts as 0.
    """
    from maxsight import Library
    from maxsight.evaluation.datasets import load_questions

    questions = load_questions(queries)
    with (
        Library.open(library, encoder=encoder, options=encoder_options, read_only=True) as opened,
        click.progressbar(length=len(questions), label="asking", file=sys.stderr) as bar,
    ):
        result = opened.evaluate(
            questions, scope=scope, hybrid=hybrid, exact=exact, on_question=lambda _: bar.update(1)
        )
    for question in result.questions:
        if question.problem:
            say(f"note: {question.query_id} counts as 0: {question.problem}")
    if as_json:
        print_json({"scope": scope, **plain(result)})
        return
    click.echo(f"{counted(len(questions), 'question')}, scope {scope}")
    for name, value in result.measures.items():
        click.echo(f"  {name:<10} {value:.3f}")
    click.echo(f"  latency    p50 {result.latency_p50_ms:.0f} ms, p95 {result.latency_p95_ms:.0f} ms")

"""``maxsight evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import exact_option, hybrid_option, json_option
from maxsight.cli.output import counted, plain, print_json, say_notes


@click.command()
@click.argument("queries", type=click.Path(path_type=Path))
@library_option
@click.option(
    "--scope",
    type=click.Choice(["library", "document"]),
    default="library",
    show_default=True,
    help="Search the whole library, or only each question's document.",
)
@hybrid_option
@exact_option
@query_encoder_options
@json_option
def evaluate(
    queries: Path, library: ChosenLibrary, scope: str, hybrid: bool, exact: bool, as_json: bool
) -> None:
    """Measure the ranking on questions with known answers.

    QUERIES is JSON Lines with query, file and page_indices (from 0). A question without an answer counts as 0.
    """
    from maxsight.evaluation.datasets import load_questions

    questions = load_questions(queries)
    with (
        library.open(read_only=True) as opened,
        click.progressbar(length=len(questions), label="asking", file=sys.stderr) as bar,
    ):
        result = opened.evaluate(
            questions, scope=scope, hybrid=hybrid, exact=exact, on_question=lambda _: bar.update(1)
        )
    say_notes(
        f"{question.query_id} counts as 0: {question.problem}"
        for question in result.questions
        if question.problem
    )
    if as_json:
        print_json({"scope": scope, **plain(result)})
        return
    click.echo(f"{counted(len(questions), 'question')}, scope {scope}")
    for name, value in result.measures.items():
        click.echo(f"  {name:<10} {value:.3f}")
    click.echo(f"  latency    p50 {result.latency_p50_ms:.0f} ms, p95 {result.latency_p95_ms:.0f} ms")

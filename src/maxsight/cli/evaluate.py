"""``maxsight evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.index import progress_bar
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import WholeNumber, exact_option, json_option, names_option
from maxsight.cli.output import check_folder, counted, plain, print_json, resumable, say_notes
from maxsight.cli.rerank_options import ChosenReranker, rerank_options

if TYPE_CHECKING:
    from maxsight import Library
    from maxsight.evaluation.benchmarks import Benchmark
    from maxsight.evaluation.datasets import Question
    from maxsight.evaluation.runner import Evaluation


@click.command()
@click.argument("queries", metavar="QUERIES|FOLDER", type=click.Path(path_type=Path))
@library_option
@click.option(
    "--qrels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Which pages or documents answer which query: a table with query, page and score, or TREC's four columns.",
)
@click.option("--id-field", metavar="FIELD", help="Field of the library with the ids in the qrels.")
@click.option("--subset", metavar="NAME", help="Of a FOLDER: the prefix of its parts, as in english-corpus.")
@click.option("--split", metavar="NAME", default="test", show_default=True, help="Of a FOLDER: which qrels.")
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="Also measure for each value in this column of the queries; may be given several times.",
)
@click.option(
    "--top-k",
    "--depth",
    "depth",
    type=WholeNumber(10),
    default=10,
    show_default=True,
    help="Pages to find for each question.",
)
@click.option(
    "--run-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what was found, in TREC's format.",
)
@click.option(
    "--scope",
    type=click.Choice(["library", "document"]),
    default="library",
    show_default=True,
    help="Search the whole library, or only each question's document.",
)
@names_option
@exact_option
@rerank_options
@query_encoder_options
@json_option
def evaluate(
    queries: Path, library: ChosenLibrary, rerank: ChosenReranker | None, as_json: bool, **options: Any
) -> None:
    """Measure the ranking on questions with known answers.

    QUERIES is JSON Lines with query, file and page_indices (from 0), or a table of ids and texts with --qrels. FOLDER
    is a benchmark as BEIR, mteb or ViDoRe ship it: its corpus is indexed first. A new library gets --encoder. A
    question without an answer counts as 0.
    """
    if run_file := options["run_file"]:
        check_folder(run_file)
    by, benchmark = options["by"], _find(queries, options)
    questions, notices = benchmark.questions(by) if benchmark else _read(queries, options["qrels"], by)
    reranker = rerank.load(library.encoder_options) if rerank else None
    with library.open(create=True) if benchmark else library.open(read_only=True) as opened:
        if benchmark:
            _index(opened, benchmark)
        with click.progressbar(length=len(questions), label="asking", file=sys.stderr) as bar:
            result = opened.evaluate(
                questions,
                scope=options["scope"],
                id_field=options["id_field"] or (benchmark.id_field if benchmark else None),
                within=benchmark.paths if benchmark else (),
                depth=options["depth"],
                exact=options["exact"],
                names=options["names"],
                rerank=reranker,
                on_question=lambda _: bar.update(1),
            )
    say_notes([*notices, *result.notices])
    say_notes(
        f"{question.query_id} counts as 0: {question.problem}"
        for question in result.questions
        if question.problem
    )
    if run_file:
        _write_run(run_file, result)
    if as_json:
        print_json(_as_json(result, options["scope"], by))
    else:
        _print(result, options["scope"], by)


def _find(folder: Path, options: Mapping[str, Any]) -> Benchmark | None:
    """Find the benchmark in a folder; None if it is a file."""
    if not folder.is_dir():
        return None
    if options["qrels"]:
        raise click.UsageError("--qrels is for a file of queries; a folder has its own.")
    from maxsight.evaluation.benchmarks import find_benchmark

    return find_benchmark(folder, subset=options["subset"], split=options["split"])


def _index(library: Library, benchmark: Benchmark) -> None:
    """Bring the corpus of a benchmark into a library."""
    from maxsight.documents import ImageFields, OcrChoice

    settings = library.settings
    if isinstance(benchmark.fields, ImageFields) and benchmark.fields.text:
        settings = replace(settings, ocr=OcrChoice.NONE)  # it would only find where the words are
    with resumable("indexed"), progress_bar() as show:
        report = library.index(benchmark.paths, records=benchmark.fields, settings=settings, on_event=show)
    say_notes(report.notices)


def _read(queries: Path, qrels: Path | None, by: tuple[str, ...]) -> tuple[list[Question], list[str]]:
    if qrels is not None:
        from maxsight.evaluation.qrels import read_questions

        return read_questions(queries, qrels, by=by)
    if by:
        raise click.UsageError("--by needs --qrels, or a FOLDER.")
    from maxsight.evaluation.datasets import load_questions

    return load_questions(queries), []


def _write_run(file: Path, result: Evaluation) -> None:
    from maxsight.writing import moved_when_whole

    with moved_when_whole(file) as unfinished:
        unfinished.write_text("".join(f"{line}\n" for line in result.trec_run()), encoding="utf-8")


def _as_json(result: Evaluation, scope: str, by: tuple[str, ...]) -> dict[str, Any]:
    values = plain(result)
    for question in values["questions"]:
        del question["ranking"], question["labels"]
    groups = {
        name: {
            value: {"questions": number, **measures} for value, (number, measures) in result.by(name).items()
        }
        for name in by
    }
    return {"scope": scope, **values, "by": groups}


def _print(result: Evaluation, scope: str, by: tuple[str, ...]) -> None:
    click.echo(f"{counted(len(result.questions), 'question')}, scope {scope}")
    for name, share in result.measures.items():
        click.echo(f"  {name:<10} {share:.3f}")
    click.echo(f"  latency    p50 {result.latency_p50_ms:.0f} ms, p95 {result.latency_p95_ms:.0f} ms")
    for label in by:
        groups = result.by(label)
        width = max(map(len, [label, *groups]), default=0)
        click.echo(f"\n{label:<{width}}  questions  " + "  ".join(result.measures))
        for value, (number, measures) in groups.items():
            figures = "  ".join(f"{share:>{len(name)}.3f}" for name, share in measures.items())
            click.echo(f"{value:<{width}}  {number:>9,}  {figures}")

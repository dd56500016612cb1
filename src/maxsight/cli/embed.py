"""``maxsight embed``."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.encoder_options import encoder_options
from maxsight.cli.options import WholeNumber, json_option
from maxsight.cli.output import NOT_ALL_READ, counted, failure_text, log_lines, print_json, resumable, say
from maxsight.cli.reading_options import changed, choosing_options, each_path, reading_options

if TYPE_CHECKING:
    from maxsight.embedding import EmbeddingEvent, EmbeddingReport
    from maxsight.encoders import Encoder, EncoderOptions

DEFAULT_MODEL = "vidore/colpali-v1.3-hf"


@click.command()
@click.argument("paths", nargs=-1, metavar="IMAGE|PDF|FOLDER...")
@click.option(
    "--image", "images", multiple=True, metavar="FILE", help="The same as a file among the arguments."
)
@click.option(
    "--embedding-type",
    type=click.Choice(["128dim", "2048dim", "vectors", "hidden"]),
    default="128dim",
    show_default=True,
    help="The encoder's vectors (128dim) or the last hidden states of its language model (2048dim). `vectors` and "
    "`hidden` are the same in any length.",
)
@click.option(
    "--pooling",
    type=click.Choice(["none", "mean", "max", "std", "concat"]),
    default="none",
    show_default=True,
    help="Pool to one vector a page; concat is mean, max and std, one after the other.",
)
@click.option(
    "--ddof",
    type=WholeNumber(0, 1),
    default=0,
    show_default=True,
    help="The standard deviation is that of a population (0, as numpy's) or of a sample (1, as torch's).",
)
@click.option(
    "--model-name",
    default=DEFAULT_MODEL,
    show_default=True,
    metavar="NAME",
    help="A model on the hub, its folder, or minilm, which embeds the words and is included.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The file to write: .npz, .safetensors or .parquet.",
)
@encoder_options
@choosing_options
@reading_options
@json_option
def embed(
    paths: tuple[str, ...],
    images: tuple[str, ...],
    out: Path,
    model_name: str,
    encoder_options: EncoderOptions,
    as_json: bool,
    **options: Any,
) -> None:
    """Write the vectors of pages to a file, to train on.

    `-` reads a list of paths from standard input. Files that can't be read are named, all others are embedded, and the
    exit code is 3. An interrupted run stores its vectors in a folder beside the file, and the same command continues
    from there.
    """
    from maxsight.documents.formats import SUFFIXES
    from maxsight.embedding import EmbeddingRequest, EmbeddingRun, EmbeddingType, Pooling
    from maxsight.embedding.formats import writer_of
    from maxsight.errors import InputError
    from maxsight.library.encoder import default_settings

    if not paths and not images:
        raise click.UsageError("Name a file or a folder.")
    writer_of(out)  # checks the name before a model is loaded
    encoder = _loaded(model_name, encoder_options)
    request = EmbeddingRequest(
        [Path(path) for path in each_path((*paths, *images))],
        out,
        EmbeddingType(options["embedding_type"]),
        Pooling(options["pooling"]),
        changed(default_settings(encoder), options),
        include=options["include"],
        exclude=options["exclude"],
        follow_symlinks=options["follow_symlinks"],
        workers=options["workers"],
        ddof=options["ddof"],
    )
    run = EmbeddingRun(encoder, request)
    with resumable("embedded"), closing(run.events()) as events, log_lines(run.status):
        for event in events:
            _show(event)
    report = run.report()
    if not (report.pages or report.not_embedded):
        raise InputError("there is no file that maxsight reads", hint=f"It reads {', '.join(SUFFIXES)}.")
    if as_json:
        print_json(report)
    else:
        _print(report)
    if report.not_embedded:
        sys.exit(NOT_ALL_READ)


def _loaded(name: str, options: EncoderOptions) -> Encoder:
    """Load the encoder. If it can't be loaded, suggest the one that is included."""
    from maxsight.encoders import DEFAULT_ENCODER, load_encoder
    from maxsight.errors import MissingExtraError, ModelNotAvailableError

    try:
        return load_encoder(name, options)
    except (MissingExtraError, ModelNotAvailableError) as error:
        offline = f"Or embed the pages' words with the included encoder: --model-name {DEFAULT_ENCODER}"
        error.hint = f"{error.hint} {offline}" if error.hint else offline
        raise


def _show(event: EmbeddingEvent) -> None:
    from maxsight import embedding, notices

    match event:
        case embedding.GoingOn():
            say(f"continuing: {counted(event.pages, 'page')} embedded by an earlier run")
        case embedding.Embedded():
            rows, dim = event.shape
            say(
                f"batch {event.batch}: {counted(event.pages, 'page')}, {counted(event.vectors, 'vector')}, "
                f"{dim:,} dims, {', '.join(event.devices)}, shape ({rows}, {dim}); "
                f"{counted(event.pages_so_far, 'page')} so far, {event.pages_per_s:.1f} pages/s"
            )
        case embedding.NotEmbedded():
            say(failure_text("not embedded", event))
        case notices.Noticed():
            say(f"note: {event}")


def _print(report: EmbeddingReport) -> None:
    if report.file is None:
        click.echo(f"nothing was embedded, {counted(len(report.not_embedded), 'problem')}")
        return
    rows, dim = report.shape
    click.echo(
        f"{report.file}: {counted(report.pages, 'page')}, {report.embedding_type} of {report.encoder}, "
        f"pooling {report.pooling}, shape ({rows}, {dim}), {', '.join(report.devices)}, "
        f"{counted(len(report.not_embedded), 'problem')}"
    )

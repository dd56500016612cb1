"""``maxsight index``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import get_terminal_size
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.encoder_options import encoder_options
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import GroupedHelp, WholeNumber, json_option, quality_model_option
from maxsight.cli.output import (
    NOT_ALL_READ,
    counted,
    failure_text,
    log_lines,
    print_json,
    resumable,
    say,
    say_notes,
    shown,
)
from maxsight.cli.reading_options import changed, choosing_options, each_path, reading_options
from maxsight.cli.record_options import encoder_of_records, record_options

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from maxsight import Library
    from maxsight.indexing import IndexEvent, IndexOptions, IndexReport, Progress

MAX_UNREADABLE_SHOWN, MAX_PATHS_SHOWN = 20, 3
MAX_NAME_CHARS = 40
BAR_STEPS, BAR_CHARS = 1000, 40


class _Index(GroupedHelp):
    groups = MappingProxyType(
        {
            "What is indexed": ("include", "exclude", "follow_symlinks", "metadata", "again", "prune"),
            "How pages are read": ("ocr", "ocr_language", "dpi", "password", "quality", "quality_model"),
            "Rows of data files": (
                "group_by", "image_field", "document_field", "page_field", "id_field", "text_field", "vector_field",
                "metadata_field",
            ),
            "Where, and how vectors are made": (
                "library", "token", "storage_options", "cache_bytes", "encoder", "device", "devices", "dtype",
                "batch_size", "trust_remote_code", "pool_factor", "wait",
            ),
            "On a Ray cluster": ("ray", "cpus_per_worker", "gpus_per_worker"),
            "Limits": (
                "workers", "max_pixels", "max_pages", "max_bytes", "page_timeout", "max_memory",
            ),
        }
    )  # fmt: skip


@click.command(cls=_Index)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@library_option
@click.option(
    "--encoder",
    metavar="NAME",
    help="Encoder of a new library: minilm, multilingual, minilm:paragraphs, a model on the hub "
    "(vidore/colpali-v1.3-hf) or its folder, cohere:MODEL; auto chooses minilm for English, else multilingual.  "
    "[default: minilm; of records minilm:paragraphs, or precomputed with --vector-field]",
)
@encoder_options
@click.option(
    "--pool-factor",
    type=WholeNumber(1),
    help="A new library stores one in N vectors of a page, each the mean of similar ones. 3 costs little accuracy.  "
    "[default: 1]",
)
@choosing_options
@record_options
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV or JSON Lines with a column `file` and your own fields, for --filter.",
)
@click.option("--again", is_flag=True, help="Read unchanged files again, for example with another --ocr.")
@click.option(
    "--quality/--no-quality", default=None, help="Predict the error rates of OCR for every page with a picture, for "
    "--filter: predicted_cer, predicted_wer. This includes pages indexed before. It is the default in a library "
    "whose pages have them."
)  # fmt: skip
@quality_model_option
@click.option(
    "--prune",
    is_flag=True,
    help="Remove documents whose files are gone from PATH, or were moved. Not below an empty folder: its disk may be "
    "missing.",
)
@click.option(
    "--wait/--no-wait",
    default=True,
    help="Wait until a Milvus server has indexed the vectors. Searches before that are slower.  [default: wait]",
)
@click.option(
    "--ray",
    is_flag=False,
    flag_value="auto",
    metavar="[ADDRESS]",
    help="Read and encode on a Ray cluster: auto, local, or ray://HOST:10001. The workers must see the files and the "
    "library. --workers says how many.",
)
@click.option(
    "--cpus-per-worker", type=float, default=1, show_default=True, help="CPUs of each worker on --ray."
)
@click.option(
    "--gpus-per-worker",
    type=float,
    default=0,
    show_default=True,
    help="GPUs of each worker on --ray, as 1 or 0.5.",
)
@reading_options
@json_option
def index(paths: tuple[str, ...], library: ChosenLibrary, as_json: bool, **options: Any) -> None:
    """Index files and folders of documents, or files of records.

    Documents are PDF, images, text and Markdown. Records need --group-by and --text-field. Rows
    that are pages need --image-field. `-` reads a list of paths from standard input. Unchanged files are skipped, so
    the same command continues an interrupted one. Files that can't be read are named, all others are indexed, and the
    exit code is 3.
    """
    from maxsight.indexing import Cluster, load_judge
    from maxsight.indexing.metadata import MetadataTable

    metadata = MetadataTable.load(options["metadata"]) if options["metadata"] else None
    model = options["quality_model"]
    if model and options["quality"] is False:
        raise click.UsageError("Give --no-quality or --quality-model, not both.")
    judge = load_judge(model) if options["quality"] or model else None
    found = list(each_path(paths))
    with resumable("indexed"), _opened(library, found, options) as opened, progress_bar() as show:
        given: IndexOptions = {
            "include": options["include"],
            "exclude": options["exclude"],
            "follow_symlinks": options["follow_symlinks"],
            "metadata": metadata,
            "prune": options["prune"],
            "settings": changed(opened.settings, options),
            "workers": options["workers"],
            "again": options["again"],
            "quality": judge or options["quality"],
            "wait": options["wait"],
        }
        if options["ray"]:
            given["cluster"] = Cluster(
                options["ray"], options["workers"], options["cpus_per_worker"], options["gpus_per_worker"]
            )
        if options["records"]:
            given["records"] = options["records"]
        report = opened.index(found, on_event=show, **given)
    say_notes(
        f"the metadata names {name}, which was not indexed" for name in (metadata.unused if metadata else [])
    )
    if not (report.indexed or report.skipped or report.removed or report.not_indexed):
        narrowed = bool(options["include"] or options["exclude"])
        _say_nothing_found(found, narrowed=narrowed, records=bool(options["records"]))
    _print_report(report, library, as_json)
    if report.not_indexed:
        sys.exit(NOT_ALL_READ)


def _opened(library: ChosenLibrary, paths: list[str], options: Mapping[str, Any]) -> Library:
    """Open the library, or make it with reading settings that its encoder needs."""
    from maxsight import Library
    from maxsight.encoders import DEFAULT_ENCODER, load_encoder
    from maxsight.encoders.registry import AUTO
    from maxsight.library.choosing import choose_encoder
    from maxsight.library.encoder import default_settings

    name, runs = options["encoder"], options["encoder_options"]
    if Library.exists(library.address):
        own = None if name == AUTO else name  # it was chosen when the library was made
        return Library.open(library.address, encoder=own, options=runs, pool_factor=options["pool_factor"])
    if name == AUTO:
        if options["records"]:
            raise click.UsageError(
                "--encoder auto is for documents. Records: minilm:paragraphs, or cohere:MODEL."
            )
        chosen = choose_encoder(paths, include=options["include"], exclude=options["exclude"])
        say(f"encoder {chosen.name}: {chosen.reason}")
        name = chosen.name
    if options["records"]:
        encoder = encoder_of_records(options["records"], paths, name, runs)
    else:
        encoder = load_encoder(name or DEFAULT_ENCODER, runs)
    return Library.open(
        library.address,
        encoder=encoder,
        create=True,
        settings=changed(default_settings(encoder), options),
        pool_factor=options["pool_factor"],
    )


@contextmanager
def progress_bar() -> Iterator[Callable[[IndexEvent], None]]:
    """Show events on stderr: a bar on a terminal, only problems elsewhere."""
    from maxsight import indexing

    status = "reading files"
    on_terminal = sys.stderr.isatty()
    bar: ProgressBar[None] = click.progressbar(
        length=BAR_STEPS,
        file=sys.stderr,
        hidden=not on_terminal,
        show_percent=False,
        show_eta=False,
        item_show_func=lambda _: status[: max(10, get_terminal_size().columns - BAR_CHARS)],
        width=BAR_CHARS // 2,
    )

    def show(event: IndexEvent) -> None:
        nonlocal status
        match event:
            case indexing.Found():
                status = f"looking at {_short(event.path)}"
            case indexing.Progress():
                status, bar.pos = _status(event), round(event.share * BAR_STEPS)
            case indexing.Building():
                status, bar.pos = "the server indexes", round(event.share * BAR_STEPS)
            case indexing.NotIndexed():
                click.echo("\r\033[K" * on_terminal, err=True, nl=False)
                say(failure_text("not indexed", event))
            case _:
                return
        bar.render_progress()

    with bar, log_lines(lambda: status):
        yield show
        status = "done"


def _short(path: str) -> str:
    return shown(path.rsplit("/", 1)[-1][-MAX_NAME_CHARS:])


def _status(event: Progress) -> str:
    """Write how far a run is, on a line for a log or beside a bar."""
    left = "" if event.remaining_s is None else f", {_clock(event.remaining_s)} left"
    work = "judged" if event.judging else "encoded"
    rate = f"{event.pages_per_s:.1f} pages/s"
    return f"{counted(event.pages, 'page')} {work}, {event.share:.0%}, {rate}{left}: {_short(event.path)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _say_nothing_found(paths: list[str], *, narrowed: bool, records: bool) -> None:
    from maxsight.documents.formats import SUFFIXES

    if not paths:
        say("note: no file was named")
        return
    places = ", ".join(paths[:MAX_PATHS_SHOWN]) + (" …" if len(paths) > MAX_PATHS_SHOWN else "")
    if records:
        say(f"note: {places} has no records")
        return
    chosen = " and that passes --include and --exclude" if narrowed else ""
    say(f"note: {places} has no file that maxsight reads ({', '.join(SUFFIXES)}){chosen}")


def _print_report(report: IndexReport, library: ChosenLibrary, as_json: bool) -> None:
    say_notes(report.notices)
    if as_json:
        print_json(report)
        return
    for page in report.unreadable[:MAX_UNREADABLE_SHOWN]:
        click.echo(
            f"OCR may fail: {shown(page.path)}  page {page.page_number}  CER {page.fields['predicted_cer']:.2f}"
            + (f" ({page.fields['quality_note']})" if page.fields.get("quality_note") else "")
        )
    if len(report.unreadable) > MAX_UNREADABLE_SHOWN:
        click.echo(f"  and {len(report.unreadable) - MAX_UNREADABLE_SHOWN:,} more")
    rate = (
        f" in {_clock(report.seconds)}, {report.pages / report.seconds:.1f} pages/s" if report.pages else ""
    )
    click.echo(
        f"{library}: {counted(len(report.indexed), 'document')} indexed "
        f"({counted(report.pages, 'page')}, {report.vectors:,} vectors{rate}), "
        f"{report.skipped:,} unchanged, {len(report.removed):,} removed, "
        f"{counted(len(report.not_indexed), 'problem')}"
        + (f", {counted(report.judged, 'page')} judged" if report.judged else "")
    )

"""``maxsight quality``: dataset, train, predict, explain."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.decorators import FC

from maxsight.cli.options import Number, PageNumber, WholeNumber, json_option
from maxsight.cli.output import check_folder, counted, print_json, progress, say, shown
from maxsight.cli.reading_options import changed, each_path, judging_options
from maxsight.errors import InputError
from maxsight.writing import check_suffix, named_errors

if TYPE_CHECKING:
    from maxsight.quality.bulk import PageQuality
    from maxsight.quality.prediction import Prediction

NOT_ALL_READ = 3
POOLINGS = ["mean", "max", "std", "concat", "concat-text"]
LEARNERS = ["average", "svr", "lightgbm"]
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_model_option: Callable[[FC], FC] = click.option(
    "--model", type=_FILE, help="A model's file.  [default: the one that comes with maxsight]"
)


@click.group()
def quality() -> None:
    """Predict the error rates of OCR from how a page looks.

    It takes a fraction of the time of reading. Training needs the extra quality-training.
    """


@quality.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", type=_FOLDER, required=True, metavar="DIR", help="Folder of the samples.")
@click.option(
    "--pairs", is_flag=True, help="SOURCE is your own pictures with known texts: CSV, JSON Lines or Parquet with "
    "columns `image` and `text`, or folders of ALTO, PAGE-XML or hOCR files beside their pictures."
)  # fmt: skip
@click.option(
    "--ocr",
    type=click.Choice(["auto", "tesseract", "rapidocr"]),
    default="auto",
    show_default=True,
    help="Engine whose errors the samples show.",
)
@click.option(
    "--dpi",
    type=WholeNumber(36, 600),
    default=150,
    show_default=True,
    help="Resolution of pages.",
)
@click.option(
    "--crop", type=WholeNumber(200), metavar="PX", help="Take a crop rich in text, not the whole page."
)
@click.option(
    "--pages-per-document",
    type=WholeNumber(1),
    default=12,
    show_default=True,
    help="Maximum, drawn at random.",
)
@click.option(
    "--degraded",
    type=WholeNumber(0),
    default=4,
    show_default=True,
    help="Samples besides the clean one.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Fixes every random choice.")
@click.option("--workers", type=WholeNumber(1, 256), help="Pages at a time.  [default: by CPUs]")
@json_option
def dataset(sources: tuple[str, ...], out: Path, pairs: bool, as_json: bool, **options: Any) -> None:
    """Make labelled samples from born-digital PDFs.

    Pages are drawn, damaged, read by OCR and compared with their own text. The same command continues a stopped run.
    """
    from maxsight.documents import OcrChoice
    from maxsight.quality.training.dataset import build_dataset
    from maxsight.quality.training.pairs import add_pairs
    from maxsight.quality.training.sample_plans import DatasetSettings

    settings = DatasetSettings(
        ocr=OcrChoice(options["ocr"]),
        dpi=options["dpi"],
        crop_px=options["crop"],
        pages_per_document=options["pages_per_document"],
        degraded_per_page=options["degraded"],
        seed=options["seed"],
    )
    paths, workers = list(each_path(sources)), options["workers"]
    with progress("pages") as show:
        if pairs:
            report = add_pairs(paths, out, settings.ocr, workers=workers, on_page=show)
        else:
            report = build_dataset(paths, out, settings, workers=workers, on_page=show)
    for problem in report.problems:
        say(f"skipped: {problem}")
    if as_json:
        print_json(report)
    else:
        click.echo(f"{out}: {counted(report.made, 'sample')} made, {report.kept:,} there already")
        if report.set_aside:
            click.echo(f"  {counted(report.set_aside, 'page')} set aside: misread even when clean")
    if report.problems:
        sys.exit(NOT_ALL_READ)


@quality.command()
@click.argument("folders", nargs=-1, required=True, type=_FOLDER, metavar="DATASET...")
@click.option("--out", type=_FILE, required=True, metavar="MODEL", help="The model's file.")
@click.option(
    "--features", default="patches", show_default=True, metavar="NAME",
    help="patches, or a checkpoint with a length: vidore/colpali-v1.3-hf:128dim, ...:2048dim.",
)  # fmt: skip
@click.option(
    "--pooling",
    type=click.Choice(POOLINGS),
    help="How a page's vectors become one; concat-text only for patches.  [default: concat-text for patches, else "
    "concat]",
)
@click.option(
    "--model",
    "learner",
    type=click.Choice(LEARNERS),
    default="average",
    show_default=True,
    help="What is fitted; average is the mean of the other two.",
)
@click.option(
    "--target",
    type=click.Choice(["cer", "wer", "both"]),
    default="both",
    show_default=True,
    help="Error rate to predict: of characters, of words, or both.",
)
@click.option(
    "--with-ocr", is_flag=True, help="Also use what OCR read and its confidence: for when it has run already."
)
@click.option(
    "--coverage",
    type=Number(0.5, 0.99),
    default=0.9,
    show_default=True,
    help="Share of true values that the intervals should hold.",
)
@click.option("--compare", is_flag=True, help="Also judge every pooling with every model.")
@click.option(
    "--quick", is_flag=True, help="Leave out the tests with unseen degradations and fewer documents."
)
@click.option(
    "--report", type=_FOLDER, metavar="DIR", help="Write an HTML report with plots.  [default: MODEL.report]"
)
@json_option
def train(folders: tuple[Path, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Train a model on samples, and judge it.

    It is judged on documents left out of training. A report is written with it.
    """
    import numpy as np

    from maxsight.cli.quality_tables import print_comparison, print_judgement
    from maxsight.quality.features import PagePooling, load_extractor
    from maxsight.quality.model_file import save_predictor
    from maxsight.quality.prediction import Target
    from maxsight.quality.training.comparison import compare
    from maxsight.quality.training.cross_validation import check_samples
    from maxsight.quality.training.judgement import TrainingSettings
    from maxsight.quality.training.regressors import Learner
    from maxsight.quality.training.report import write_report
    from maxsight.quality.training.samples import SampleFolder
    from maxsight.quality.training.tables import load_table
    from maxsight.quality.training.trainer import train as fit

    targets = tuple(Target) if options["target"] == "both" else (Target(options["target"]),)
    samples = [SampleFolder(folder) for folder in folders]
    if not any(len(folder) for folder in samples):
        raise InputError(
            f"no samples lie in {', '.join(map(str, folders))}", hint="maxsight quality dataset makes some."
        )
    check_folder(out)
    accepted = [sample for folder in samples for sample in folder.accepted]
    for target in targets:  # before pages are encoded, which takes long
        rates = np.array([getattr(sample, target.value) for sample in accepted])
        check_samples(np.array([sample.file for sample in accepted]), rates)
    extractor = load_extractor(
        options["features"], PagePooling(options["pooling"]) if options["pooling"] else None
    )
    with progress("features") as show:
        table = load_table(samples, extractor, on_sample=show)
    settings = TrainingSettings(
        learner=Learner(options["learner"]),
        targets=targets,
        with_ocr=options["with_ocr"],
        coverage=options["coverage"],
        thorough=not options["quick"],
    )
    predictor, judgements = fit(table, extractor, settings, say=say)
    save_predictor(predictor, out)
    page = write_report(options["report"] or out.with_suffix(".report"), table, judgements, predictor)
    comparison = compare(samples, options["features"], targets, say=say) if options["compare"] else []
    if as_json:
        print_json({"model": out, "report": page, "about": predictor.about, "comparison": comparison})
        return
    for judgement in judgements:
        print_judgement(judgement)
    print_comparison(comparison)
    click.echo(f"model: {out}\nreport: {page}")


@quality.command()
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE|PDF|FOLDER...")
@_model_option
@click.option("--out", type=_FILE, metavar="FILE", help="Write a table: .csv, .json or .parquet.")
@click.option(
    "--check-script", is_flag=True, help="Detect each page's script by tesseract, about a second a page. A page in a "
    "script that OCR can't read gets a reason and no number."
)  # fmt: skip
@judging_options
@json_option
def predict(
    paths: tuple[str, ...], model: Path | None, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Predict the error rates of every page, worst first.

    They are those of characters (CER) and words (WER), each with an interval [low, high] that holds the true rate of
    nine pages in ten. A blank page, a photograph or a very small picture gets a reason and no number. Files that
    can't be read are named, and the exit code is 3.
    """
    from maxsight.documents import ReadSettings
    from maxsight.quality import bulk
    from maxsight.quality.model_file import load_predictor
    from maxsight.quality.predictor import DPI

    if out:
        check_suffix(out, bulk.SUFFIXES, "predictions are")
        check_folder(out)
    judging = bulk.predict_documents(
        each_path(paths),
        load_predictor(model),
        changed(ReadSettings(dpi=DPI), options),
        workers=options["workers"],
        check_script=options["check_script"],
    )
    pages: list[PageQuality] = []
    problems = 0
    for judged in judging:
        if isinstance(judged, bulk.PageQuality):
            pages.append(judged)
        else:
            problems += 1
            say(f"skipped: {judged}")
    pages = bulk.sort_worst_first(pages)
    if out:
        bulk.write_predictions(pages, out)
        say(f"written: {out}")
    if as_json:
        print_json([page.row() for page in pages])
    else:
        for page in pages:
            click.echo(_line(page))
    if problems:
        sys.exit(NOT_ALL_READ)


@quality.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("page", type=PageNumber(), default=1)
@click.option("--out", type=_FILE, required=True, metavar="PNG", help="Draw the page here.")
@_model_option
@judging_options
def explain(file: Path, page: int, out: Path, model: Path | None, **options: Any) -> None:
    """Draw where OCR would fail on PAGE of FILE.

    On white paper one colour stands for one error rate on every picture; a legend shows the scale. Next to it are the
    words that OCR finds, coloured by its confidence. Each rate is printed with an interval [low, high] that holds the
    true rate of nine pages in ten.
    """
    from dataclasses import replace

    from maxsight.documents import OcrChoice, ReadSettings, render_page
    from maxsight.pictures import fit_picture
    from maxsight.quality.explaining import predict_windows
    from maxsight.quality.heat_picture import draw_heat, draw_words, join_pictures
    from maxsight.quality.model_file import load_predictor
    from maxsight.quality.ocr import read_picture
    from maxsight.quality.predictor import DPI

    check_suffix(out, (".png",), "the picture is")
    predictor = load_predictor(model)
    settings = changed(ReadSettings(dpi=DPI), options)
    drawn = render_page(file, page - 1, replace(settings, ocr=OcrChoice.NONE))
    picture = fit_picture(drawn, predictor.extractor.picture)
    prediction = predictor.predict(picture)
    if prediction.refusal:
        raise InputError(f"{file}, page {page}: {prediction.refusal}", hint="There is nothing to explain.")
    vectors = predictor.extractor.vectors(picture)
    target, fitted = next(iter(predictor.targets.items()))
    heat = predict_windows(predictor.extractor, fitted, vectors)
    title = f"where OCR would fail: {_estimates(prediction)}"
    sheet = draw_heat(picture, vectors, heat, title, target.upper())
    if settings.ocr is not OcrChoice.NONE:
        reading = read_picture(picture, settings.ocr)
        title = f"words OCR found: {len(reading.words.texts):,}, mean confidence {reading.confidence:.2f}"
        sheet = join_pictures(sheet, draw_words(picture, reading, title))
    with named_errors(out):
        sheet.save(out, format="PNG")
    say(f"drawn: {out}")
    click.echo(_estimates(prediction))
    if prediction.warning:
        say(f"note: {prediction.warning}")


def _estimates(prediction: Prediction) -> str:
    return "   ".join(
        f"{target.upper()} {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
        for target, estimate in prediction.estimates.items()
    )


def _line(page: PageQuality) -> str:
    expected = page.prediction.refusal or _estimates(page.prediction)
    note = f"   ({page.prediction.warning})" if page.prediction.warning else ""
    return f"{expected}   {shown(page.file)}  page {page.page_number}{note}"

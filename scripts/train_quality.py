"""Train the model of OCR quality that comes with maxsight, on a folder of born-digital PDFs.

    pip install '.[quality-training]'
    python scripts/train_quality.py PDF_FOLDER --samples /tmp/samples

Makes samples of whole pages and of crops with tesseract at 150 dpi, about a second each; a stopped run continues.
Trains on both, writes the model into the package, and its report into the folder of samples. The shipped model was
trained on the 19 company filings of FinanceBench named in benchmarks/README.md; its file holds its scores.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from maxsight.documents import OcrChoice
from maxsight.quality.features import PagePooling, load_extractor
from maxsight.quality.model_file import DEFAULT_MODEL, MODELS, save_predictor
from maxsight.quality.training.dataset import build_dataset
from maxsight.quality.training.judgement import TrainingSettings
from maxsight.quality.training.report import write_report
from maxsight.quality.training.sample_plans import DatasetSettings
from maxsight.quality.training.samples import SampleFolder
from maxsight.quality.training.tables import load_table
from maxsight.quality.training.trainer import train

PAGES = DatasetSettings(ocr=OcrChoice.TESSERACT, pages_per_document=30, degraded_per_page=4)
CROPS = DatasetSettings(ocr=OcrChoice.TESSERACT, crop_px=800, pages_per_document=30, degraded_per_page=5)


def main() -> None:
    """Make what is missing of the samples, train, write the model and its report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pdfs", type=Path, help="folder of born-digital PDFs")
    parser.add_argument("--samples", type=Path, required=True, help="where samples are made")
    parser.add_argument("--no-more", action="store_true", help="train on the samples that are there")
    parser.add_argument("--out", type=Path, default=MODELS / DEFAULT_MODEL, help="the model's file")
    given = parser.parse_args()
    folders = []
    for name, settings in (("pages", PAGES), ("crops", CROPS)):
        if not given.no_more:
            report = build_dataset([given.pdfs], given.samples / name, settings)
            sys.stderr.write(f"{name}: {report.made} samples made, {report.kept} there already\n")
        folders.append(SampleFolder(given.samples / name))
    extractor = load_extractor("patches", PagePooling.CONCAT_TEXT)
    table = load_table(folders, extractor)
    predictor, judgements = train(
        table, extractor, TrainingSettings(), say=lambda line: sys.stderr.write(line + "\n")
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    save_predictor(predictor, given.out)
    write_report(given.samples / "report", table, judgements, predictor)


if __name__ == "__main__":
    main()

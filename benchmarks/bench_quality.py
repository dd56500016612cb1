"""Are the error rates of OCR predicted, is a damaged place found, and what is predicted for real scans?

::

    python benchmarks/bench_quality.py --set filings --samples DIR --scans DIR

``--samples`` holds the folders ``pages`` and ``crops`` that scripts/train_quality.py makes. Every figure is for
samples whose document was left out of training; scans are predicted by the model that comes with maxsight.
"""

import re
from dataclasses import asdict

import cv2
import numpy as np
from measure import arguments, save
from sklearn.metrics import roc_auc_score

from maxsight.documents import OcrChoice
from maxsight.quality.bulk import PageQuality, predict_documents
from maxsight.quality.conformal import fit_conformal
from maxsight.quality.explaining import predict_windows
from maxsight.quality.features import PagePooling, load_extractor
from maxsight.quality.model_file import load_predictor
from maxsight.quality.ocr import read_picture
from maxsight.quality.prediction import Target
from maxsight.quality.predictor import FittedTarget
from maxsight.quality.training.cross_validation import cross_predict, split_documents
from maxsight.quality.training.degrade import CLEAN, Degradation, degrade
from maxsight.quality.training.error_rates import compare_texts
from maxsight.quality.training.judgement import TrainingSettings
from maxsight.quality.training.measures import measure
from maxsight.quality.training.regressors import Learner, QualityRegressor
from maxsight.quality.training.samples import SampleFolder
from maxsight.quality.training.tables import load_table
from maxsight.quality.training.trainer import train

MAX_QUADRANTS = 60
HURTING = (
    Degradation.BLUR, Degradation.NOISE, Degradation.CONTRAST, Degradation.JPEG, Degradation.MOTION,
    Degradation.SALT_PEPPER,
)  # fmt: skip
"""Degradations that can be laid over one quadrant."""


def rounded(values):
    return {name: round(value, 3) for name, value in values.items()}


def judged(table, extractor):
    """Cross-validated figures of every predictor, per error rate."""
    figures = {}
    predictor, judgements = train(table, extractor, TrainingSettings())
    for judgement in judgements:
        name = judgement.target.value
        for rival, measures in judgement.measures.items():
            figures[f"{name}: {rival}"] = rounded(asdict(measures))
        more, low, high = judgement.better_than_global
        figures[f"{name}: SRCC above global features, 95 %"] = [
            round(value, 3) for value in (more, low, high)
        ]
        figures[f"{name}: coverage of 90 % intervals"] = round(judgement.coverage, 3)
        figures[f"{name}: SRCC, degradation left out, mean"] = round(judgement.unseen_srcc, 3)
        figures[f"{name}: SRCC, degradation left out"] = {
            kind: round(unseen.measures.srcc, 2) for kind, unseen in judgement.unseen.items()
        }
        figures[f"{name}: SRCC of OCR confidence on them, mean"] = round(
            float(np.mean([unseen.confidence_srcc for unseen in judgement.unseen.values()])), 3
        )
        figures[f"{name}: SRCC by documents learned from"] = {
            str(count): round(reached, 3) for count, reached in judgement.learning_curve
        }
    return figures, predictor, judgements


def companies_left_out(table, judgements):
    """Folds that keep all filings of a company together, with the parameters of the final model."""
    companies = np.array([re.split(r"[_\d]", name)[0] for name in table.documents])
    folds = split_documents(companies)
    true = table.target(Target.CER)
    predicted = cross_predict(
        table.features, true, companies, Learner.AVERAGE, folds, tuned=False, given=judgements[0].parameters
    )
    return rounded(asdict(measure(true, predicted)))


def quadrants(table, folders, extractor, parameters):
    """Damage one quadrant of clean pages, and find it by the heat. AUC over patches with ink."""
    true, documents = table.target(Target.CER), table.documents
    clean = [row for row, sample in enumerate(table.samples) if sample.degradation == CLEAN]
    aucs, hits, row_of = [], [], {}
    for learn, judge in split_documents(documents):
        model = QualityRegressor(**parameters).fit(table.features[learn], true[learn])
        fitted = FittedTarget(model.support_, model.trees_, fit_conformal(true, true))
        row_of |= dict.fromkeys(judge.tolist(), fitted)
    for number, row in enumerate(clean[:: max(1, len(clean) // MAX_QUADRANTS)]):
        sample = table.samples[row]
        (folder,) = [folder for folder in folders if sample.sample_id in folder]
        picture = folder.load_picture(sample)
        height, width = picture.shape
        kind = HURTING[number % len(HURTING)]
        bad = degrade(picture, kind.value, 0.3 + 0.6 * (number % 7) / 6, seed=number).picture
        down, right = divmod(number % 4, 2)
        place = (
            slice(down * height // 2, (down + 1) * height // 2),
            slice(right * width // 2, (right + 1) * width // 2),
        )
        mixed = picture.copy()
        mixed[place] = bad[place]
        before, after = extractor.vectors(picture), extractor.vectors(mixed)
        has_text = {tuple(box) for box in before.boxes}
        kept = np.array([tuple(box) in has_text for box in after.boxes])
        middles = (after.boxes[:, :2] + after.boxes[:, 2:]) / 2
        inside = ((middles >= (right / 2, down / 2)) & (middles < (right / 2 + 0.5, down / 2 + 0.5))).all(
            axis=1
        )
        if not 0 < inside[kept].sum() < kept.sum():
            continue
        heat = predict_windows(extractor, row_of[row], after)
        aucs.append(roc_auc_score(inside[kept], heat[kept]))
        quarter = [(middles >= (x / 2, y / 2)).all(1) & (middles < (x / 2 + 0.5, y / 2 + 0.5)).all(1) & kept
                   for y in (0, 1) for x in (0, 1)]  # fmt: skip
        means = [heat[rows].mean() if rows.any() else -1 for rows in quarter]
        hits.append(int(np.argmax(means)) == 2 * down + right)
    return {
        "pages": len(aucs),
        "mean AUC over patches": round(float(np.mean(aucs)), 3),
        "median AUC over patches": round(float(np.median(aucs)), 3),
        "hottest quadrant is the damaged one": round(float(np.mean(hits)), 3),
    }


def scans(folder, predictor):
    """Predictions for real scans."""
    found = {}
    for page in predict_documents([folder], predictor):
        if isinstance(page, PageQuality):
            row = page.row()
            name = f"{page.file.rpartition('/')[2]} page {page.page_number}"
            found[name] = {
                key: row[key] for key in ("predicted_cer", "cer_low", "cer_high", "refusal", "warning")
            }
    return found


def read_again(folders, table, most=200):
    """How far tesseract's own error rate moves when a page is moved by a pixel: noise that no prediction knows."""
    rows = np.random.default_rng(0).permutation(len(table))[:most]
    first, second, skewed = [], [], []
    for row in rows:
        sample = table.samples[row]
        (folder,) = [folder for folder in folders if sample.sample_id in folder]
        moved = cv2.copyMakeBorder(folder.load_picture(sample), 1, 0, 1, 0, cv2.BORDER_REPLICATE)
        first.append(rate_of(sample, sample.ocr_text))
        second.append(rate_of(sample, read_picture(moved, OcrChoice.TESSERACT).words.text))
        skewed.append("skew" in sample.degradation)
    first, second, skewed = np.array(first), np.array(second), np.array(skewed)
    return {
        name: rounded(asdict(measure(first[rows], second[rows])))
        for name, rows in (("all", slice(None)), ("skewed", skewed), ("all but skewed", ~skewed))
    }


def other_engine(folder, table, judgements, most=120):
    """Labels of RapidOCR for some of the crops: does what was learned of tesseract rank them?"""
    rows = [
        row
        for row, sample in enumerate(table.samples)
        if sample.crop is not None and sample.sample_id in folder
    ]
    rows = np.random.default_rng(0).permutation(rows)[:most]
    rates = []
    for row in rows:
        sample = table.samples[row]
        reading = read_picture(folder.load_picture(sample), OcrChoice.RAPIDOCR)
        rates.append(rate_of(sample, reading.words.text))
    return rounded(asdict(measure(np.array(rates), judgements[0].predicted[rows])))


def rate_of(sample, text):
    """The character error rate of a text, word order aside: the samples keep no boxes of their references."""
    ordered = (" ".join(sorted(words.split())) for words in (sample.reference, text))
    return compare_texts(*ordered).cer


def main():
    given = arguments(__doc__, samples=None, scans=None)
    folders = [SampleFolder(given.samples / name) for name in ("pages", "crops")]
    extractor = load_extractor("patches", PagePooling.CONCAT_TEXT)
    table = load_table(folders, extractor)
    figures, _, judgements = judged(table, extractor)
    figures = {
        "samples": len(table),
        "documents": len(np.unique(table.documents)),
        **figures,
        "cer: companies kept together": companies_left_out(table, judgements),
        "one quadrant damaged": quadrants(table, folders, extractor, judgements[0].parameters),
        "cer of tesseract, page moved by a pixel": read_again(folders, table),
        "cer of rapidocr, learned from tesseract": other_engine(folders[1], table, judgements),
    }
    for name, folder in (("pages", 0), ("crops", 1)):
        rows = [row for row, sample in enumerate(table.samples) if sample.sample_id in folders[folder]]
        true = table.target(Target.CER)[rows]
        figures[f"cer: {name} alone"] = rounded(asdict(measure(true, judgements[0].predicted[rows])))
    upright = ["skew" not in sample.degradation for sample in table.samples]
    figures["cer: all but skewed"] = rounded(
        asdict(measure(table.target(Target.CER)[upright], judgements[0].predicted[upright]))
    )
    if given.scans:
        figures["scans"] = scans(given.scans, load_predictor())
    save(f"quality-{given.set}", figures)


if __name__ == "__main__":
    main()

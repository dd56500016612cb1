"""Learn how sure a search can be that a library answers: `src/maxsight/evaluation/answerability.json`.

    python benchmarks/learn_answerability.py --library LIBRARY --questions QUESTIONS.jsonl --others OTHER.jsonl

Each question is asked twice: of the whole library, and without its document and all documents whose names share a word
with it. ``--others`` are questions about other subjects. The figures are of documents that were not learned from.
"""

import json

import numpy as np
from measure import SAMPLE_QUESTIONS, arguments

from maxsight import Library
from maxsight.evaluation.answerability import MODELS, Evidence
from maxsight.evaluation.datasets import load_questions
from maxsight.heatmaps.contrast import contrast
from maxsight.heatmaps.matching import match_words
from maxsight.heatmaps.similarity import attribute
from maxsight.library.boosting import Booster, name_words
from maxsight.retrieval.search import rank_pages
from maxsight.stores.conditions import match_paths

FEATURES = ("standing", "contrast", "named", "absent")
FOLDS, RIDGE = 12, 1.0
FALSE_ALARMS = 0.04


def evidence(library, question, entries):
    """What the search finds among some documents."""
    asked = library.encode_query(question)
    where = match_paths([entry.document.path for entry in entries])
    (best,) = rank_pages(library.store, asked, limit=1, where=where)
    row = library.page(best.page_id)
    shares = attribute(asked, row.embedding)
    found = contrast(asked, row.page, row.embedding, shares, library.store.manifest.background)
    matches = match_words(asked, row.page, row.embedding, shares, found)
    boosts = Booster(library.store, lambda: entries).find(asked, where)
    named, absent = boosts.search.near is not None, len(boosts.absent)
    given = Evidence.of(matches, found.standing, named=named, absent=absent)
    return [getattr(given, feature) for feature in FEATURES]


def fit(features, answered):
    """Fit a logistic regression by Newton's method; return the bias and the weights of standardised features."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    columns = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    weights, ridge = np.zeros(columns.shape[1]), RIDGE * np.diag([0.0] + [1.0] * len(FEATURES))
    for _ in range(30):
        likely = 1 / (1 + np.exp(-columns @ weights))
        slope = columns.T @ (likely - answered) + ridge @ weights
        weights -= np.linalg.solve((columns * (likely * (1 - likely))[:, None]).T @ columns + ridge, slope)
    plain = weights[1:] / spread
    return weights[0] - plain @ mean, plain


def auroc(there, away):
    """How often a question with an answer gets the higher probability."""
    return float(((there[:, None] > away).mean() + (there[:, None] == away).mean() / 2).round(3))


def main():
    """Ask, learn and measure."""
    given = arguments(__doc__, library=None, questions=None, others=SAMPLE_QUESTIONS)
    rows, groups, kinds = [], [], []
    with Library.open(given.library, read_only=True) as library:
        entries = library.documents()
        words = {entry.document.file: name_words(entry) for entry in entries}
        space = library.space
        for question in load_questions(given.questions):
            others = [entry for entry in entries if not words[entry.document.file] & words[question.file]]
            rows += [evidence(library, question.query, some) for some in (entries, others)]
            groups += [min(words[question.file])] * 2
            kinds += [1, 0]
        for other in load_questions(given.others):
            rows.append(evidence(library, other.query, entries))
            groups.append(other.query)
            kinds.append(-1)
    features, kinds = np.array(rows), np.array(kinds)
    answered = (kinds == 1).astype(float)
    order = np.random.default_rng(0).permutation(np.unique(groups))
    fold = np.array([int(np.flatnonzero(order == group)[0]) % FOLDS for group in groups])
    unseen = np.zeros(len(features))
    for held in range(FOLDS):
        bias, weights = fit(features[fold != held], answered[fold != held])
        unseen[fold == held] = 1 / (1 + np.exp(-(bias + features[fold == held] @ weights)))
    there, away, other = (unseen[kinds == kind] for kind in (1, 0, -1))
    threshold = float(np.quantile(there, FALSE_ALARMS))
    bias, weights = fit(features, answered)
    figures = {
        "questions": len(there),
        "AUROC, document left out": auroc(there, away),
        "AUROC, other subjects": auroc(there, other),
        "false alarms": round(float((there < threshold).mean()), 3),
        "noticed, document left out": round(float((away < threshold).mean()), 3),
        "noticed, other subjects": round(float((other < threshold).mean()), 3),
        "Brier score": round(float(((unseen - answered) ** 2).mean()), 3),
    }
    learned = json.loads(MODELS.read_text()) if MODELS.exists() else {}
    learned[space.revision] = {
        "bias": round(float(bias), 4),
        "weights": {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)},
        "threshold": round(threshold, 4),
        "figures": figures,
    }
    MODELS.write_text(json.dumps(learned, indent=2, sort_keys=True) + "\n")
    print(json.dumps(learned[space.revision], indent=2))


if __name__ == "__main__":
    main()

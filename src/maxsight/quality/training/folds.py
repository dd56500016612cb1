"""Splits of samples that keep documents whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from maxsight.errors import InputError
from maxsight.quality.familiarity import Groups
from maxsight.types import Floats

Rows = NDArray[np.intp]
Fold = tuple[Rows, Rows]

MIN_SAMPLES = 30
MIN_DOCUMENTS = 3


def document_folds(documents: Groups, count: int = 5, seed: int = 0) -> list[Fold]:
    """Split samples so that no document is on both sides.

    Args:
        documents: Document of each sample. Shape ``(samples,)``.
        count: Number of folds; at most the number of documents.
        seed: Fixes which documents go together.

    Returns:
        Per fold, the rows to learn from and the rows to judge on.
    """
    count = min(count, len(np.unique(documents)))
    splitter = GroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(documents, groups=documents))


def check_samples(documents: Groups, target: Floats) -> None:
    """Check that something can be learned from samples.

    Raises:
        InputError: There are too few samples or documents, or all have one error rate.
    """
    known = len(np.unique(documents))
    if len(target) < MIN_SAMPLES or known < MIN_DOCUMENTS:
        of = "1 document" if known == 1 else f"{known} documents"
        raise InputError(
            f"{len(target)} samples of {of} are too few to learn from and to judge by",
            hint=f"Give at least {MIN_SAMPLES} samples of {MIN_DOCUMENTS} documents; hundreds make a useful model.",
        )
    if np.ptp(target) < 1e-9:
        raise InputError(
            f"all samples have the same error rate, {target[0]:.3f}: there is nothing to learn",
            hint="Include clean pages and degraded ones.",
        )

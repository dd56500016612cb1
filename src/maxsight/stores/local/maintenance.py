"""Keeping a dataset quick and small: fewer fragments, a fresh text index, no old versions."""

from __future__ import annotations

import logging
from datetime import timedelta

import lance

from maxsight.stores.local.lance_errors import FOREIGN

logger = logging.getLogger(__name__)

KEEP_VERSIONS = timedelta(hours=1)
"""Readers may hold a version this long before they have to go on with a newer one."""

TEXT_INDEX = "text"
TOKENIZER = "icu/split"
"""Finds words where no spaces are (Chinese, Japanese, Thai), and splits at all punctuation."""

MERGES = ((16, 32), (64, 1024))
"""Fragments of fewer rows than the second number are merged up to it once there are as many as the first.

A row is then written again about once in each step, however much is added; and a small library, where old versions
weigh most, is left alone.
"""
LARGE_FRAGMENT = 8192


def ensure_text_index(dataset: lance.LanceDataset) -> None:
    """Make the full-text index if there is none. Without it, search would not even fold upper and lower case."""
    if TEXT_INDEX not in {index.name for index in dataset.describe_indices()}:
        dataset.create_scalar_index(
            "text", "INVERTED", name=TEXT_INDEX, with_position=False, base_tokenizer=TOKENIZER
        )


def update_text_index(dataset: lance.LanceDataset) -> None:
    """Bring the full-text index up to date. Until then, new text is found by reading it."""
    if dataset.stats.index_stats(TEXT_INDEX)["num_unindexed_rows"]:
        dataset.optimize.optimize_indices()


def merge_small_fragments(dataset: lance.LanceDataset) -> None:
    """Merge small fragments where there are so many of them that it pays."""
    for many, rows in MERGES:
        small = sum(fragment.metadata.num_rows < rows for fragment in dataset.get_fragments())
        if small >= many:
            dataset.optimize.compact_files(target_rows_per_fragment=rows)


def merge_all_fragments(dataset: lance.LanceDataset) -> None:
    """Merge fragments into few large ones, without the rows that were deleted."""
    dataset.optimize.compact_files(
        target_rows_per_fragment=LARGE_FRAGMENT, materialize_deletions_threshold=0.0
    )


def drop_old_versions(dataset: lance.LanceDataset) -> None:
    """Remove versions no reader may hold any more, and what writers left that were killed.

    Call it as the only writer: what no version names is taken for left behind.
    """
    try:
        dataset.cleanup_old_versions(older_than=KEEP_VERSIONS, delete_unverified=True)
    except FOREIGN as error:  # an old version that can't be read costs space, and that is all
        logger.warning("old versions could not be removed: %s", error)

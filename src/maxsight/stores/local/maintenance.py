"""Keep a dataset quick and small: fewer fragments, a text index of all pages, no old versions."""

from __future__ import annotations

import logging
from datetime import timedelta

import lance

from maxsight.stores.local.lance_errors import blames_data, brief, is_foreign
from maxsight.stores.phrases import MAX_PHRASE_LENGTH

logger = logging.getLogger(__name__)

KEEP_VERSIONS = timedelta(hours=1)
"""Readers can finish with a version for this long."""

TEXT_INDEX = "text"
TOKENIZER = "icu/split"
"""Finds words in text without spaces (Chinese, Japanese, Thai), and splits at all punctuation."""

MERGES = ((16, 32), (64, 1024))
"""Pairs of a number of fragments and a number of rows.

That many fragments with fewer rows are merged into fragments with that many. So a row is written again about once for
each pair. Small libraries, where old versions take most of the space, are not merged.
"""
MAX_FRAGMENT_ROWS = 8192


def ensure_text_index(dataset: lance.LanceDataset) -> bool:
    """Make the full-text index if it is missing, and return whether it is there.

    Without it, a search would distinguish upper and lower case. Damaged text stops it: then it is made after ``verify``
    has dropped that.
    """
    if TEXT_INDEX in {index.name for index in dataset.describe_indices()}:
        return True
    try:
        dataset.create_scalar_index(
            "text",
            "INVERTED",
            name=TEXT_INDEX,
            with_position=False,
            base_tokenizer=TOKENIZER,
            # By default Lance leaves out small words, and words from 40 letters on, such as SHA-256 sums.
            remove_stop_words=False,
            max_token_length=MAX_PHRASE_LENGTH,
        )
    except BaseException as error:
        if not blames_data(error):
            raise
        logger.warning("the text index can't be built, because text is damaged: %s", brief(error))
        return False
    return True


def update_text_index(dataset: lance.LanceDataset) -> None:
    """Bring the full-text index up to date, or build it again if it is damaged. Until then, searches scan new text."""
    if not ensure_text_index(dataset):
        return
    try:
        if dataset.stats.index_stats(TEXT_INDEX)["num_unindexed_rows"]:
            dataset.optimize.optimize_indices()
    except BaseException as error:
        if not blames_data(error):
            raise
        logger.warning("the text index is damaged and is built again: %s", brief(error))
        dataset.drop_index(TEXT_INDEX)
        ensure_text_index(dataset)


def merge_small_fragments(dataset: lance.LanceDataset) -> None:
    """Merge small fragments where there are many."""
    for many, rows in MERGES:
        small = sum(fragment.metadata.num_rows < rows for fragment in dataset.get_fragments())
        if small >= many:
            dataset.optimize.compact_files(target_rows_per_fragment=rows)


def merge_all_fragments(dataset: lance.LanceDataset) -> None:
    """Merge fragments into few large ones, without deleted rows."""
    dataset.optimize.compact_files(
        target_rows_per_fragment=MAX_FRAGMENT_ROWS, materialize_deletions_threshold=0.0
    )


def drop_old_versions(dataset: lance.LanceDataset) -> None:
    """Remove versions that no reader can hold any more, and files of writers that were killed.

    To be called by the only writer: files that no version names are removed.
    """
    try:
        dataset.cleanup_old_versions(older_than=KEEP_VERSIONS, delete_unverified=True)
    except BaseException as error:
        if not is_foreign(error):
            raise
        logger.warning("old versions could not be removed: %s", error)  # which costs only space

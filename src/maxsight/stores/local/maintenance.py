"""Keep a dataset quick and small: fewer fragments, a text index of all pages, no old versions."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import lance

from maxsight.stores.local.lance_errors import blames_data, brief, is_foreign
from maxsight.stores.phrases import BEGINS_ANYWHERE, MAX_PHRASE_LENGTH

logger = logging.getLogger(__name__)

KEEP_VERSIONS = timedelta(hours=1)
"""Readers can finish with a version for this long."""

WORD_INDEX, BIGRAM_INDEX = "text", "text_bigrams"
"""A library has one of these. Words are found quickest by words, but for those that begin anywhere in a text without
spaces, or in a Korean word with its particles: they are found by pairs of characters."""
_TOKENIZERS: dict[str, dict[str, Any]] = {
    WORD_INDEX: {"base_tokenizer": "icu/split"},  # splits at all punctuation
    BIGRAM_INDEX: {"base_tokenizer": "ngram", "min_ngram_length": 2, "max_ngram_length": 2},
}
SAMPLED_PAGES = 256
"""Pages whose scripts choose the index."""

MERGES = ((16, 32), (64, 1024))
"""Pairs of a number of fragments and a number of rows.

That many fragments with fewer rows are merged into fragments with that many. So a row is written again about once for
each pair. Small libraries, where old versions take most of the space, are not merged.
"""
MAX_FRAGMENT_ROWS = 8192


def text_index(dataset: lance.LanceDataset) -> str | None:
    """Name the full-text index that a dataset has, or None."""
    names = {index.name for index in dataset.describe_indices()}
    return next((name for name in _TOKENIZERS if name in names), None)


def ensure_text_index(dataset: lance.LanceDataset, name: str = WORD_INDEX) -> str | None:
    """Make the full-text index if there is none, and return the name of the one that is there.

    Without it, a search would distinguish upper and lower case. Damaged text stops it: then it is made after ``verify``
    has dropped that.
    """
    if there := text_index(dataset):
        return there
    try:
        dataset.create_scalar_index(
            "text",
            "INVERTED",
            name=name,
            with_position=False,
            # By default Lance leaves out small words, and words from 40 letters on, such as SHA-256 sums.
            remove_stop_words=False,
            max_token_length=MAX_PHRASE_LENGTH,
            **_TOKENIZERS[name],
        )
    except BaseException as error:
        if not blames_data(error):
            raise
        logger.warning("the text index can't be built, because text is damaged: %s", brief(error))
        return None
    return name


def update_text_index(dataset: lance.LanceDataset) -> None:
    """Bring the full-text index up to date, or build it again if it is damaged. Until then, searches scan new text.

    It becomes one of bigrams once most text is of scripts in which words begin anywhere.
    """
    if not (name := ensure_text_index(dataset)):
        return
    try:
        if dataset.stats.index_stats(name)["num_unindexed_rows"]:
            if name == WORD_INDEX and _begin_anywhere(dataset):
                dataset.drop_index(name)
                ensure_text_index(dataset, BIGRAM_INDEX)
            else:
                dataset.optimize.optimize_indices()
    except BaseException as error:
        if not blames_data(error):
            raise
        logger.warning("the text index is damaged and is built again: %s", brief(error))
        dataset.drop_index(name)
        ensure_text_index(dataset, name)


def _begin_anywhere(dataset: lance.LanceDataset) -> bool:
    """Whether most letters of the first pages are of scripts in which words begin anywhere."""
    texts = dataset.scanner(columns=["text"], limit=SAMPLED_PAGES).to_table().column("text").to_pylist()
    sample = " ".join(filter(None, texts))
    return 2 * len(BEGINS_ANYWHERE.findall(sample)) > sum(map(str.isalpha, sample))


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

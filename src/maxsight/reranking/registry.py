"""Rerankers by name, as given to ``--rerank``."""

from __future__ import annotations

from maxsight.encoders import EncoderOptions
from maxsight.encoders.registry import CHECKPOINT_EXTRA, importing_for_checkpoints
from maxsight.errors import InputError
from maxsight.extras import require
from maxsight.reranking.base import DEFAULT_PAGES, Reads, Reranker


def load_reranker(
    name: str,
    *,
    reads: Reads | None = None,
    pages: int = DEFAULT_PAGES,
    options: EncoderOptions | None = None,
) -> Reranker:
    """Load a reranker, downloading it if need be.

    Args:
        name: A cross-encoder of sentence-transformers (``BAAI/bge-reranker-v2-m3``) or Qwen3-VL-Reranker, by its name
            on the hub (``owner/name@revision``) or its folder.
        reads: What it reads of a page. By default the picture if it can, else the text.
        pages: How many of the first pages of a search it reads.
        options: How it runs here.

    Raises:
        ModelNotAvailableError: It can't be downloaded or opened, is no reranker, damaged or incomplete.
        MissingExtraError: A library that it needs is not installed.
        InputError: It can't look at pictures, or ``pages`` is less than 1.
        EncoderOutOfMemoryError: The device does not hold it.
    """
    if pages < 1:
        raise InputError(f"a reranker reads at least one page, got {pages}")
    require(CHECKPOINT_EXTRA)
    with importing_for_checkpoints():
        from maxsight.reranking.opening import open_reranker
    return open_reranker(name, reads, pages, options or EncoderOptions())

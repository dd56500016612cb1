"""``--rerank``: a second look at the first pages, for commands that search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.options import Command, WholeNumber, add_options, was_given

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.reranking import Reranker


@dataclass(frozen=True, slots=True)
class ChosenReranker:
    """The reranker that a user names.

    Attributes:
        name: Its name or folder.
        pages: How many of the first pages it reads.
        reads: What it reads of them; None for what it reads best.
    """

    name: str
    pages: int
    reads: str | None

    def load(self, options: EncoderOptions | None) -> Reranker:
        """Load it; see ``load_reranker``."""
        from maxsight.reranking import Reads, load_reranker

        reads = None if self.reads is None else Reads(self.reads)
        return load_reranker(self.name, pages=self.pages, reads=reads, options=options)


def rerank_options(command: Command) -> Callable[..., Any]:
    """Add ``--rerank``, ``--rerank-pages`` and ``--rerank-reads``.

    The command gets one argument for all of them, ``rerank``: a ``ChosenReranker`` or None.
    """

    @wraps(command)
    def with_options(*, rerank: str | None, rerank_pages: int, rerank_reads: str | None, **given: Any) -> Any:
        if rerank is None and (was_given("rerank_pages") or was_given("rerank_reads")):
            raise click.UsageError("--rerank-pages and --rerank-reads are for --rerank.")
        chosen = ChosenReranker(rerank, rerank_pages, rerank_reads) if rerank else None
        return command(rerank=chosen, **given)

    return add_options(
        with_options,
        click.option(
            "--rerank",
            metavar="MODEL",
            help="Let a reranker put the first pages into its order: a cross-encoder (BAAI/bge-reranker-v2-m3) or "
            "Qwen3-VL-Reranker, by name or folder.",
        ),
        click.option(
            "--rerank-pages",
            type=WholeNumber(1),
            default=20,
            show_default=True,
            help="How many pages the reranker reads.",
        ),
        click.option(
            "--rerank-reads",
            type=click.Choice(["text", "image", "both"]),
            help="What it reads of a page.  [default: image if it can look at pictures, else text]",
        ),
    )

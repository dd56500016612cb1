"""``maxsight search``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from maxsight import extras
from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import json_option, library_option, plain, print_json, region_text, say, was_given

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.library import Library
    from maxsight.types import Hit, Match


@click.command()
@click.argument("question", required=False)
@library_option
@click.option("-k", "top_k", type=click.IntRange(1), default=10, show_default=True, help="How many pages.")
@click.option(
    "--filter",
    "where",
    metavar="EXPR",
    help="SQL condition on file, path, page_number and your own fields: \"year >= 2020 AND file LIKE '%.pdf'\".",
)
@click.option("--hybrid", is_flag=True, help="Order by the fusion with BM25 on the text.")
@click.option("--exact", is_flag=True, help="Score every page, not only the candidates.")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask every question of a file, a line each or JSON Lines with `query`; sooner than one by one.",
)
@click.option(
    "--search-device",
    metavar="cpu|auto|cuda|cuda:1|mps",
    default="cpu",
    show_default=True,
    help="Where pages are scored: a GPU holds all vectors and scores every page.",
)
@click.option(
    "--url",
    envvar="MAXSIGHT_URL",
    show_envvar=True,
    metavar="http://HOST:PORT",
    help="Ask the library that `maxsight serve` holds there, instead of one on this machine.",
)
@click.option(
    "--token", envvar="MAXSIGHT_API_TOKEN", show_envvar=True, help="What that server wants to be shown."
)
@query_encoder_options
@json_option
def search(
    question: str | None,
    library: Path,
    top_k: int,
    where: str | None,
    hybrid: bool,
    exact: bool,
    queries: Path | None,
    search_device: str,
    url: str | None,
    token: str | None,
    encoder: str | None,
    encoder_options: EncoderOptions,
    as_json: bool,
) -> None:
    """Find the pages that answer QUESTION, best first, with the words that matched.

    With --queries, for each question of a file; as JSON, a list of {"query": ..., "hits": [...]}.
    """
    from maxsight.evaluation.datasets import load_queries
    from maxsight.library import Library

    if was_given("library"):
        if was_given("url"):
            raise click.UsageError("Give --library or --url, not both.")
        url = None
    if (question is None) == (queries is None):
        raise click.UsageError("Give a QUESTION, or --queries FILE.")
    asked = load_queries(queries) if queries else [question or ""]
    how = _How(top_k, where, hybrid, exact)
    if url:
        found = _search_there(url, token, asked, how)
    else:
        with Library.open(
            library, encoder=encoder, options=encoder_options, read_only=True, search_device=search_device
        ) as opened:
            for notice in _notices(opened, asked):
                say(f"note: {notice}")
            found = opened.search_many(asked, **how._asdict())
    if as_json:
        several = [{"query": query, "hits": plain(hits)} for query, hits in zip(asked, found, strict=True)]
        print_json(several if queries else found[0])
        return
    for query, hits in zip(asked, found, strict=True):
        if queries:
            click.echo(click.style(f"{query}\n", underline=True))
        if not hits:
            say("nothing found")
        for hit in hits:
            _print_hit(hit)


class _How(NamedTuple):
    top_k: int
    where: str | None
    hybrid: bool
    exact: bool


def _search_there(url: str, token: str | None, queries: Sequence[str], how: _How) -> list[list[Hit]]:
    extras.require("client")
    from maxsight.client import RemoteLibrary

    with RemoteLibrary(url, token=token) as remote:
        answers = [remote.search(query, **how._asdict()) for query in queries]
    for notice in dict.fromkeys(notice for answer in answers for notice in answer.notices):
        say(f"note: {notice}")
    return [answer.hits for answer in answers]


def _notices(library: Library, queries: Sequence[str]) -> Iterable[str]:
    """What to know of one question in full; of several what can be told without encoding them twice."""
    if len(queries) == 1:
        return library.notices(queries[0])
    return dict.fromkeys(filter(None, map(library.encoder.notice, queries)))


def _print_hit(hit: Hit) -> None:
    fused = "" if hit.fused_score is None else f"  fused {hit.fused_score:.4f}"
    place = click.style(f"{hit.path}  page {hit.page_number}", bold=True)
    click.echo(f"{hit.rank:>3}. {place}  score {hit.score:.2f}{fused}")
    if hit.copies:
        click.echo(f"     also at {', '.join(hit.copies)}")
    strongest = sorted(hit.matches, key=lambda match: -match.score)
    found = dict.fromkeys(_found(match) for match in strongest)
    click.echo(f"     {click.style('matched', dim=True)} {', '.join([*found][:6])}")
    if hit.snippet:
        click.echo(f"     {hit.snippet}")
    click.echo()


def _found(match: Match) -> str:
    place = region_text(match.region)
    return match.word if place.casefold() == match.word.casefold() else f"{match.word} ({place})"

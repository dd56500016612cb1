"""``maxsight search``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import (
    NO_PAGE_PASSES,
    filter_option,
    json_option,
    library_option,
    plain,
    print_json,
    region_text,
    say,
    search_device_option,
)
from maxsight.cli.remote import remote_library, url_option

if TYPE_CHECKING:
    from maxsight import Library
    from maxsight.client import RemoteLibrary
    from maxsight.encoders import EncoderOptions
    from maxsight.library.queries import Query
    from maxsight.results import Hit, Match
    from maxsight.stores.addresses import Address


@click.command()
@click.argument("question", required=False)
@library_option
@click.option("-k", "top_k", type=click.IntRange(1), default=10, show_default=True, help="How many pages.")
@filter_option
@click.option("--hybrid", is_flag=True, help="Order by the fusion with BM25 on the text.")
@click.option("--exact", is_flag=True, help="Score every page, not only the candidates.")
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask every question of a file, a line each or JSON Lines with `query`; sooner than one by one.",
)
@click.option(
    "--phrase",
    "phrases",
    multiple=True,
    metavar="TEXT",
    help="Instead of QUESTION, look for this phrase as a whole; give it several times for several.",
)
@click.option(
    "--query-vectors",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Instead of QUESTION, ask with the vectors of a .npy file, of shape (vectors, dim).",
)
@search_device_option
@url_option
@query_encoder_options
@json_option
def search(
    question: str | None,
    library: Address,
    top_k: int,
    where: str | None,
    hybrid: bool,
    exact: bool,
    queries: Path | None,
    phrases: tuple[str, ...],
    query_vectors: Path | None,
    search_device: str,
    url: str | None,
    encoder: str | None,
    encoder_options: EncoderOptions,
    as_json: bool,
) -> None:
    """Find the pages that answer QUESTION, best first.

    Each comes with the words that matched, strongest first. With --queries, the same for each question of a file; as
    JSON, a list of {"query": ..., "hits": [...]}.
    """
    from maxsight import Library
    from maxsight.evaluation.datasets import load_queries
    from maxsight.library.queries import load_vectors

    if sum((question is not None, queries is not None, bool(phrases), query_vectors is not None)) != 1:
        raise click.UsageError(
            "Give one of a QUESTION, --phrase TEXT, --queries FILE and --query-vectors FILE."
        )
    asked: list[Query]
    if queries:
        asked = [*load_queries(queries)]
    elif query_vectors:
        asked = [load_vectors(query_vectors)]
    else:
        asked = [question if question is not None else phrases]
    how = _How(top_k, where, hybrid, exact)
    if remote := remote_library(url):
        found = _search_there(remote, asked, how)
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
            say(f"nothing found: {NO_PAGE_PASSES}" if where else "nothing found")
        for hit in hits:
            _print_hit(hit)


class _How(NamedTuple):
    top_k: int
    where: str | None
    hybrid: bool
    exact: bool


def _search_there(remote: RemoteLibrary, queries: Sequence[Query], how: _How) -> list[list[Hit]]:
    texts = [query for query in queries if isinstance(query, str)]
    if len(texts) < len(queries):
        raise click.UsageError("A server is asked in words: leave --phrase and --query-vectors, or --url.")
    with remote:
        answers = [remote.search(query, **how._asdict()) for query in texts]
    for notice in dict.fromkeys(notice for answer in answers for notice in answer.notices):
        say(f"note: {notice}")
    return [answer.hits for answer in answers]


def _notices(library: Library, queries: Sequence[Query]) -> Iterable[str]:
    """What to know of one question in full; of several what can be told without encoding them twice."""
    if len(queries) == 1:
        return library.notices(queries[0])
    texts = [query for query in queries if isinstance(query, str)]
    return dict.fromkeys(filter(None, map(library.encoder.notice, texts)))


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

"""``maxsight search``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import (
    PageNumber,
    exact_option,
    filter_option,
    json_option,
    names_option,
    question_argument,
    search_device_option,
    top_k_option,
)
from maxsight.cli.output import no_match, plain, print_json, region_text, say, say_notes, shown
from maxsight.cli.remote import remote_library, url_option
from maxsight.cli.rerank_options import ChosenReranker, rerank_options

if TYPE_CHECKING:
    from maxsight import Library
    from maxsight.client import RemoteLibrary
    from maxsight.library.queries import Query
    from maxsight.results import Hit, Match

MAX_WORDS_SHOWN = 6


@click.command()
@question_argument(required=False)
@library_option
@top_k_option(default=10, help="How many pages.")
@filter_option
@names_option
@exact_option
@click.option(
    "--group",
    type=click.Choice(["document"]),
    help="Show the pages of a document together, its best page first.",
)
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ask every question of a file: one a line, or JSON Lines with `query`. Faster than one by one.",
)
@click.option(
    "--phrase",
    "phrases",
    multiple=True,
    metavar="TEXT",
    help="Search for this phrase as a whole, instead of QUESTION; may be given several times.",
)
@click.option(
    "--query-vectors",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Search with the vectors of a .npy file, of shape (vectors, dim), instead of QUESTION.",
)
@click.option(
    "--image",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Search for pages like this picture, instead of QUESTION. An encoder of text searches for its words.",
)
@click.option(
    "--like",
    type=(str, PageNumber()),
    metavar="FILE PAGE",
    help="Search for more pages like this one of the library, instead of QUESTION.",
)
@rerank_options
@search_device_option
@url_option
@query_encoder_options
@json_option
def search(
    question: str | None,
    library: ChosenLibrary,
    top_k: int,
    where: str | None,
    names: bool,
    exact: bool,
    group: str | None,
    queries: Path | None,
    phrases: tuple[str, ...],
    query_vectors: Path | None,
    image: Path | None,
    like: tuple[str, int] | None,
    rerank: ChosenReranker | None,
    search_device: str,
    url: str | None,
    as_json: bool,
) -> None:
    """Find the pages that answer QUESTION, best first.

    In QUESTION, a phrase in quotation marks keeps only pages that have it to the letter, and -word only pages without
    the word. A rare number, code or name is looked up in the text as well: pages that have it come before others of
    nearly their score, and are marked "to the letter".

    Each comes with the words that tell it from other pages, first those that stand out most, and a snippet with the
    question's words in bold. With --queries, the same for each question of a file; as
    JSON, a list of {"query": ..., "hits": [...]}.
    """
    from maxsight.evaluation.datasets import load_queries
    from maxsight.library.queries import load_vectors
    from maxsight.results import doubts, group_by_document

    if (
        sum(given is not None for given in (question, queries, phrases or None, query_vectors, image, like))
        != 1
    ):
        raise click.UsageError(
            "Give one of QUESTION, --phrase TEXT, --queries FILE, --query-vectors FILE, --image FILE and "
            "--like FILE PAGE."
        )
    if rerank and (image or like):
        raise click.UsageError("--rerank reads a question: leave it out, or --image and --like.")
    asked: list[Query]
    if queries:
        asked = [*load_queries(queries)]
    elif query_vectors:
        asked = [load_vectors(query_vectors)]
    else:
        asked = [question if question is not None else phrases]
    options: dict[str, Any] = {"top_k": top_k, "where": where, "exact": exact}
    found: Sequence[Sequence[Hit]]
    remote = remote_library(url)
    if image or like:
        if remote:
            with remote:
                answer = (
                    remote.search_image(image, **options)
                    if image
                    else remote.search_like(*like or (), **options)
                )
            say_notes(answer.notices)
            found = [answer.hits]
        else:
            with library.open(read_only=True, search_device=search_device) as opened:
                found = [_search_similar(opened, image, like, options)]
    elif remote:
        options |= {"names": names, "rerank": rerank.name if rerank else None}
        found = _search_remote(remote, asked, options)
    else:
        options["names"] = names
        options["rerank"] = rerank.load(library.encoder_options) if rerank else None
        with library.open(read_only=True, search_device=search_device) as opened:
            say_notes(_notices(opened, asked))
            found = opened.search_many(asked, **options)
    if not queries:
        say_notes(doubts(found[0]))
    if group:
        found = [group_by_document(hits) for hits in found]
    if as_json:
        several = [{"query": query, "hits": plain(hits)} for query, hits in zip(asked, found, strict=True)]
        print_json(several if queries else found[0])
        return
    for query, hits in zip(asked, found, strict=True):
        if queries:
            click.echo(click.style(f"{query}\n", underline=True))
            say_notes(doubts(hits))
        if not hits:
            say(no_match(where) if where else "nothing found")
        above = None
        for hit in hits:
            _print_hit(hit, under=bool(group) and hit.path == above, reranked=rerank is not None)
            above = hit.path


def _search_remote(
    remote: RemoteLibrary, queries: Sequence[Query], options: dict[str, Any]
) -> Sequence[Sequence[Hit]]:
    texts = [query for query in queries if isinstance(query, str)]
    if len(texts) < len(queries):
        raise click.UsageError(
            "A server searches for texts: leave out --phrase and --query-vectors, or --url."
        )
    from maxsight.results import doubts

    with remote:
        answers = [remote.search(query, **options) for query in texts]
    notices = (notice for answer in answers for notice in answer.notices if notice not in doubts(answer.hits))
    say_notes(dict.fromkeys(notices))
    return [answer.hits for answer in answers]


def _search_similar(
    library: Library, image: Path | None, like: tuple[str, int] | None, options: dict[str, Any]
) -> Sequence[Hit]:
    """Search for pages like a picture, or like a page."""
    if image is None:
        return library.search_like(*like or (), **options)
    found = library.search_image(image, **options)
    say_notes(library.image_notices(found))
    return found


def _notices(library: Library, queries: Sequence[Query]) -> Iterable[str]:
    """Collect notices: all for one query; for several those that need no second encoding."""
    if len(queries) == 1:
        return library.notices(queries[0])
    texts = [query for query in queries if isinstance(query, str)]
    return dict.fromkeys(filter(None, map(library.encoder.notice, texts)))


def _print_hit(hit: Hit, *, under: bool = False, reranked: bool = False) -> None:
    """Print a hit; ``under`` the page above it, of the same document."""
    from maxsight.results import telling_matches

    place = f"page {hit.page_number}" if under else f"{shown(hit.path)}  page {hit.page_number}"
    boosts = "".join(f"  {shown(str(boost))}" for boost in hit.boosts)
    margin = "   " if under else ""
    second = f"  reranked {hit.rerank_score:.3f}" if hit.rerank_score is not None else "  not reranked"
    scores = f"score {hit.score:.2f}{boosts}{second if reranked else ''}"
    click.echo(f"{margin}{hit.rank:>3}. {click.style(place, bold=True)}  {scores}")
    if hit.copies:
        click.echo(f"     also at {', '.join(map(shown, hit.copies))}")
    words = dict.fromkeys(_matched_word(match) for match in telling_matches(hit.matches))
    click.echo(f"     {click.style('matched', dim=True)} {', '.join([*words][:MAX_WORDS_SHOWN])}")
    if hit.snippet:
        click.echo(f"     {_marked(hit)}")
    click.echo()


def _marked(hit: Hit) -> str:
    """The snippet with the query's words in bold, on a terminal."""
    parts, at = [], 0
    for start, end in hit.marks:
        parts += [hit.snippet[at:start], click.style(hit.snippet[start:end], bold=True)]
        at = end
    return "".join([*parts, hit.snippet[at:]])


def _matched_word(match: Match) -> str:
    place = region_text(match.region)
    return match.word if place.casefold() == match.word.casefold() else f"{match.word} ({place})"

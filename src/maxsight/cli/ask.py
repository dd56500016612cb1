"""``maxsight ask``."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from maxsight import extras
from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import filter_option, json_option, names_option, question_argument, top_k_option
from maxsight.cli.output import print_json, say_notes, shown
from maxsight.cli.rerank_options import ChosenReranker, rerank_options
from maxsight.errors import EndpointError

if TYPE_CHECKING:
    from maxsight.answers.answering import Answered
    from maxsight.answers.endpoint import Endpoint
    from maxsight.answers.sources import Source
    from maxsight.results import Region


@click.command()
@question_argument()
@library_option
@top_k_option(default=4, most=20, help="How many pages the model gets.")
@filter_option
@names_option
@click.option(
    "--model",
    envvar="MAXSIGHT_MODEL",
    show_envvar=True,
    metavar="NAME",
    help="The model that answers, by the service's name for it.",
)
@click.option("--text-only", is_flag=True, help="Send no pictures, for a model without vision.")
@click.option(
    "--crops", is_flag=True, help="Also send the parts of the pages that matched, as pictures of their own."
)
@rerank_options
@query_encoder_options
@json_option
def ask(
    question: str,
    library: ChosenLibrary,
    top_k: int,
    where: str | None,
    names: bool,
    model: str | None,
    text_only: bool,
    crops: bool,
    rerank: ChosenReranker | None,
    as_json: bool,
) -> None:
    """Have a model answer QUESTION from the best pages.

    Its citations are checked. The text and the pictures of these pages are sent to a service with OpenAI's chat
    completions API: OpenAI with OPENAI_API_KEY, or the service at OPENAI_BASE_URL. Nothing is sent unless you name a
    model. The exit code is 7 if the answer is not whole.
    """
    extras.require("ask")
    from maxsight.answers.endpoint import Endpoint
    from maxsight.answers.sources import draw_for_reading, gather_sources
    from maxsight.results import doubts

    endpoint = Endpoint.configured(model)
    reranker = rerank.load(library.encoder_options) if rerank else None
    with library.open(read_only=True) as opened:
        say_notes(opened.notices(question))
        hits = opened.search(question, top_k=top_k, where=where, names=names, rerank=reranker)
        say_notes(doubts(hits))
        draw = None if text_only else functools.partial(draw_for_reading, opened)
        sources = gather_sources(hits, opened.page, draw, crops=crops)
    answered = asyncio.run(_answer(question, sources, endpoint, aloud=not as_json))
    if as_json:
        print_json(
            {
                "question": question,
                "model": endpoint.model,
                "answer": answered.text,
                "cited": [source.reference() for source in answered.cited],
                "invented": answered.invented,
                "cut": answered.cut,
                "notes": answered.notes,
                "evidence": [each.describe() for each in answered.evidence],
                "sources": [source.reference() for source in sources],
            }
        )
    else:
        click.echo("\n" if answered.cited else "")
        for source in answered.cited:
            click.echo(f"  [{source.number}] {shown(source.path)}  page {source.page_number}")
            for each in answered.evidence:
                if each.source is source:
                    click.echo(f'      "{shown(each.quote)}"{_place(each.regions[0])}')
        say_notes(answered.notes)
    if answered.cut:
        sys.exit(EndpointError.exit_code)


def _place(region: Region) -> str:
    return "" if region.box is None else "  at {:.2f},{:.2f}-{:.2f},{:.2f}".format(*region.box)


async def _answer(question: str, sources: Sequence[Source], endpoint: Endpoint, *, aloud: bool) -> Answered:
    """Get the answer; ``aloud`` prints it as it comes."""
    from maxsight.answers.answering import Answered, Said, answer_question

    async with aclosing(answer_question(question, sources, endpoint)) as events:
        async for event in events:
            if isinstance(event, Answered):
                return event
            if aloud:
                click.echo(event.text if isinstance(event, Said) else str(event), nl=False)
    raise AssertionError("an answer ends")

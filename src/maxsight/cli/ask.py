"""``maxsight ask``."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from maxsight import extras
from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import filter_option, json_option, library_option, print_json, say

if TYPE_CHECKING:
    from maxsight.answers.answering import Answered
    from maxsight.answers.endpoint import Endpoint
    from maxsight.answers.sources import Source
    from maxsight.encoders import EncoderOptions
    from maxsight.stores.addresses import Address


@click.command()
@click.argument("question")
@library_option
@click.option(
    "-k",
    "top_k",
    type=click.IntRange(1, 20),
    default=4,
    show_default=True,
    help="How many pages the model is shown.",
)
@filter_option
@click.option("--hybrid", is_flag=True, help="As for search.")
@click.option(
    "--model",
    envvar="MAXSIGHT_MODEL",
    show_envvar=True,
    metavar="NAME",
    help="Who answers, as the service calls it.",
)
@click.option("--text-only", is_flag=True, help="Send no pictures, for a model that does not look at them.")
@query_encoder_options
@json_option
def ask(
    question: str,
    library: Address,
    top_k: int,
    where: str | None,
    hybrid: bool,
    model: str | None,
    text_only: bool,
    encoder: str | None,
    encoder_options: EncoderOptions,
    as_json: bool,
) -> None:
    """Have a model answer QUESTION from the best pages.

    Its citations are checked. The text and the pictures of these pages go to a service that speaks OpenAI's chat
    completions: OpenAI's own with OPENAI_API_KEY, or the one at OPENAI_BASE_URL. Nothing is sent unless a model is
    named.
    """
    extras.require("ask")
    from maxsight import Library
    from maxsight.answers.endpoint import Endpoint
    from maxsight.answers.sources import draw_for_reading, gather_sources

    endpoint = Endpoint.configured(model)
    with Library.open(library, encoder=encoder, options=encoder_options, read_only=True) as opened:
        for notice in opened.notices(question):
            say(f"note: {notice}")
        hits = opened.search(question, top_k=top_k, where=where, hybrid=hybrid)
        draw = None if text_only else functools.partial(draw_for_reading, opened)
        sources = gather_sources(hits, opened.page, draw)
    answered = asyncio.run(_answer(question, sources, endpoint, aloud=not as_json))
    if as_json:
        print_json(
            {
                "question": question,
                "model": endpoint.model,
                "answer": answered.text,
                "cited": [_described(source) for source in answered.cited],
                "invented": answered.invented,
                "notes": answered.notes,
                "sources": [_described(source) for source in sources],
            }
        )
        return
    click.echo("\n" if answered.cited else "")
    for source in answered.cited:
        click.echo(f"  [{source.number}] {source.path}  page {source.page_number}")
    for note in answered.notes:
        say(f"note: {note}")


async def _answer(question: str, sources: Sequence[Source], endpoint: Endpoint, *, aloud: bool) -> Answered:
    """Have it answered, and say it as it comes if it is to be said aloud."""
    from maxsight.answers.answering import Answered, Said, answer_question

    async with aclosing(answer_question(question, sources, endpoint)) as events:
        async for event in events:
            if isinstance(event, Answered):
                return event
            if aloud:
                click.echo(event.text if isinstance(event, Said) else str(event), nl=False)
    raise AssertionError("an answer ends")


def _described(source: Source) -> dict[str, str | int]:
    return {
        "number": source.number,
        "page_id": source.page_id,
        "path": source.path,
        "page_number": source.page_number,
    }

"""Answers to questions by a model, as server-sent events."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from maxsight import extras, settings
from maxsight.errors import EndpointNotConfiguredError, MaxSightError, MissingExtraError
from maxsight.results import doubts
from maxsight.server.batching import SearchOptions
from maxsight.server.problems import internal_error, problem_of
from maxsight.server.routes.streaming import IGNORE_HANG_UPS
from maxsight.server.schemas import fields
from maxsight.server.service import Served

if TYPE_CHECKING:
    from maxsight.answers.answering import AnswerEvent
    from maxsight.answers.sources import Source

MAX_SOURCES = 20

router = APIRouter(tags=["answers"])
logger = logging.getLogger(__name__)


class AskRequest(fields.RequestModel):
    """A question, and how to choose the pages for the model."""

    question: fields.Query
    top_k: Annotated[int, Field(ge=1, le=MAX_SOURCES, description="How many pages the model gets.")] = 4
    filter: fields.Where | None = None
    names: fields.Names = True
    rerank: fields.Rerank = None
    crops: Annotated[bool, Field(description="Also send the parts of the pages that matched.")] = False
    text_only: Annotated[bool, Field(description="Send no pictures, for a model without vision.")] = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question whose answer can begin: everything that can be refused has been checked.

    Attributes:
        model: Name of the model.
        sources: The pages it gets.
        notices: Notes on the search.
        answer: The answer as it comes.
    """

    model: str
    sources: list[Source]
    notices: list[str]
    answer: AsyncIterator[AnswerEvent]


def answering_model() -> str | None:
    """Name of the model that answers; None if none is configured, or the extra is not installed."""
    if not settings.answering_model():
        return None  # the model's client takes a while to import
    try:
        extras.require("ask")
        from maxsight.answers.endpoint import Endpoint

        return Endpoint.configured().model
    except (MissingExtraError, EndpointNotConfiguredError):
        return None


async def get_asked(service: Served, request: AskRequest) -> AsyncIterator[Asked]:
    """Find and draw the pages, and admit the question until its answer has ended or its caller has gone.

    The answer is closed here. When a caller goes, the route is left waiting, and would end the request to the model
    only when Python collects it.
    """
    extras.require("ask")
    from maxsight.answers.answering import answer_question
    from maxsight.answers.endpoint import Endpoint
    from maxsight.answers.sources import gather_sources

    endpoint = Endpoint.configured()

    with service.asking:
        options = SearchOptions(request.top_k, request.filter, names=request.names)
        rerank = service.reranks_with(request.rerank)
        hits = await service.search(request.question, options, rerank=rerank)
        drawing = None if request.text_only else service.images.draw_for_reading
        read = service.reader.page
        sources = await service.run(gather_sources, hits, read, drawing, crops=request.crops)
        notices = [*doubts(hits), *await service.run(service.reader.notices, request.question)]
        async with aclosing(answer_question(request.question, sources, endpoint)) as answer:
            yield Asked(endpoint.model, sources, notices, answer)


@router.post("/v1/ask", response_class=EventSourceResponse, dependencies=[IGNORE_HANG_UPS])
async def ask(asked: Annotated[Asked, Depends(get_asked)]) -> AsyncIterator[ServerSentEvent]:
    """Have a model answer a question from the best pages. Its citations are checked.

    Events, each with JSON:

    - `sources`: the pages that the model gets. `model`, `notices` on the search, and `sources`, each with `number`,
      `page_id`, `path` and `page_number`.
    - `text`: the next part of the answer, `text`.
    - `citation`: the answer cites a page here. `number`, and `page_id`, null if no page has this number.
    - `done`: the whole `answer`, the numbers `cited` and `invented`, `notes` to read before you trust it, and `cut`:
      why the answer is not whole (`length`, `content_filter`, `broken_off`), else null. `evidence` has its quotes and
      numbers: `quote`, the numbers `cited` for it, the `number` and `page_id` of the page that has it to the letter,
      null if none has, and `regions` with `text` and `boxes`.
    - `error`: a problem. One of `done` and `error` always comes.

    Closing the connection ends the answer.
    """
    from maxsight.answers.answering import Answered, Cited, Said

    shown = [source.reference() for source in asked.sources]
    yield _event("sources", model=asked.model, notices=asked.notices, sources=shown)
    try:
        async for event in asked.answer:
            match event:
                case Said():
                    yield _event("text", text=event.text)
                case Cited():
                    yield _event(
                        "citation", number=event.number, page_id=event.source and event.source.page_id
                    )
                case Answered():
                    cited = [source.number for source in event.cited]
                    yield _event(
                        "done",
                        answer=event.text,
                        cited=cited,
                        invented=event.invented,
                        cut=event.cut,
                        notes=event.notes,
                        evidence=[each.describe() for each in event.evidence],
                    )
    except MaxSightError as error:
        yield ServerSentEvent(event="error", data=problem_of(error))
    except Exception:
        logger.exception("a question could not be answered")
        yield ServerSentEvent(event="error", data=problem_of(internal_error()))


def _event(name: str, **data: object) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=data)

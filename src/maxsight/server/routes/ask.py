"""Answers in words, said as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from maxsight import extras, settings
from maxsight.errors import EndpointNotConfiguredError, MaxSightError, MissingExtraError
from maxsight.server import schemas
from maxsight.server.problems import problem_of
from maxsight.server.routes.streaming import MAY_HANG_UP
from maxsight.server.service import Service, get_service
from maxsight.stores.base import IndexedPage

if TYPE_CHECKING:
    from maxsight.answers.answering import AnswerEvent
    from maxsight.answers.sources import Source

MOST_SOURCES = 20
READING_WIDTH_PX = 1200

router = APIRouter(tags=["answers"])
Served = Annotated[Service, Depends(get_service)]


class AskRequest(BaseModel):
    """A question, and which pages to answer it from."""

    model_config = ConfigDict(extra="forbid")

    question: schemas.Query
    top_k: Annotated[int, Field(ge=1, le=MOST_SOURCES, description="How many pages the model is shown.")] = 4
    filter: schemas.Where | None = None
    hybrid: bool = False
    text_only: Annotated[
        bool, Field(description="Send no pictures, for a model that does not look at them.")
    ] = False


class AnswerSource(BaseModel):
    """A page that the model is shown."""

    number: int = Field(description="What it is cited by.")
    page_id: str
    path: str
    page_number: int


class AnswerSources(BaseModel):
    """Event `sources`: the pages that the model is shown."""

    model: str
    notices: list[str] = Field(description="What to know of the search that found them.")
    sources: list[AnswerSource]


class AnswerText(BaseModel):
    """Event `text`: what the model says next."""

    text: str


class AnswerCitation(BaseModel):
    """Event `citation`: the model cites a page here."""

    number: int
    page_id: str | None = Field(description="Null where it was shown no page of this number.")


class AnswerEnd(BaseModel):
    """Event `done`: the whole answer."""

    answer: str
    cited: list[int]
    invented: list[int] = Field(description="Numbers it cites that no page has.")
    notes: list[str] = Field(description="What to know before trusting it.")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the pages to answer it from, and the answer as it comes.

    All that can be refused is refused before the answer begins.
    """

    model: str
    sources: list[Source]
    notices: list[str]
    answer: AsyncIterator[AnswerEvent]


def answering_model() -> str | None:
    """The model that answers; None where none is configured, or what it takes is not installed."""
    if not settings.answering_model():
        return None  # the model's client takes a while to import
    try:
        extras.require("ask")
        from maxsight.answers.endpoint import Endpoint

        return Endpoint.configured().model
    except (MissingExtraError, EndpointNotConfiguredError):
        return None


async def get_asked(service: Served, request: AskRequest) -> AsyncIterator[Asked]:
    """Find and draw the pages. The question has its place until the answer has ended, or its caller has gone.

    The answer is closed here: whoever streams it is left where it waits when its caller goes, and would hang up on the
    model only when it is collected.
    """
    extras.require("ask")
    from maxsight.answers.answering import answer_question
    from maxsight.answers.endpoint import Endpoint
    from maxsight.answers.sources import gather_sources

    endpoint = Endpoint.configured()

    def draw(page: IndexedPage) -> bytes:
        return service.images.get(page.page_id, READING_WIDTH_PX, page)

    with service.asking:
        hits = await service.search(
            request.question, top_k=request.top_k, where=request.filter, hybrid=request.hybrid
        )
        drawing = None if request.text_only else draw
        sources = await service.run(gather_sources, hits, service.reader.page, drawing)
        notices = await service.run(service.reader.notices, request.question)
        async with aclosing(answer_question(request.question, sources, endpoint)) as answer:
            yield Asked(endpoint.model, sources, notices, answer)


@router.post("/v1/ask", response_class=EventSourceResponse, dependencies=[MAY_HANG_UP])
async def ask(asked: Annotated[Asked, Depends(get_asked)]) -> AsyncIterator[ServerSentEvent]:
    """Have a model answer a question from the best pages, with citations that are checked.

    Events: `sources`, then `text` and `citation` as the model says them, then `done`; or `error` with a problem.
    Whoever hangs up ends the answer.
    """
    from maxsight.answers.answering import Answered, Cited, Said

    shown = [
        AnswerSource(
            number=source.number, page_id=source.page_id, path=source.path, page_number=source.page_number
        )
        for source in asked.sources
    ]
    yield ServerSentEvent(
        event="sources",
        data=AnswerSources(model=asked.model, notices=asked.notices, sources=shown),
    )
    try:
        async for event in asked.answer:
            match event:
                case Said():
                    yield ServerSentEvent(event="text", data=AnswerText(text=event.text))
                case Cited():
                    page = event.source.page_id if event.source else None
                    citation = AnswerCitation(number=event.number, page_id=page)
                    yield ServerSentEvent(event="citation", data=citation)
                case Answered():
                    end = AnswerEnd(
                        answer=event.text,
                        cited=[source.number for source in event.cited],
                        invented=list(event.invented),
                        notes=list(event.notes),
                    )
                    yield ServerSentEvent(event="done", data=end)
    except MaxSightError as error:
        yield ServerSentEvent(event="error", data=problem_of(error))

"""A question answered from pages, step by step: what it says, what it cites, and whether that was there to cite."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from maxsight.answers.citations import Citation, CitationReader
from maxsight.answers.endpoint import Endpoint, stream_reply
from maxsight.answers.prompt import build_messages
from maxsight.answers.sources import Source
from maxsight.errors import InputError


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation, where it stands in the text.

    Attributes:
        number: As it was cited.
        source: The page; None where the model was shown no page of this number.
    """

    number: int
    source: Source | None

    def __str__(self) -> str:
        """As it stands in the answer: an invented one says so."""
        return f"[{self.number}]" if self.source else f"[{self.number}: no such page]"


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of an answer.

    Attributes:
        text: All of it, with its citations.
        cited: The pages it cites, in the order they were first cited.
        invented: Numbers it cites that no page has.
    """

    text: str
    cited: tuple[Source, ...]
    invented: tuple[int, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before trusting it."""
        notes = []
        if not self.cited:
            notes.append("the answer cites no page it was given: nothing shows that it is from the library")
        if self.invented:
            numbers = ", ".join(map(str, self.invented))
            notes.append(f"the answer cites pages that do not exist: {numbers}")
        return tuple(notes)


AnswerEvent = Said | Cited | Answered
_CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\t"), ord("\n")})
"""What a terminal takes for a command has no place in an answer."""


async def answer_question(
    question: str, sources: Sequence[Source], endpoint: Endpoint
) -> AsyncGenerator[AnswerEvent]:
    """Have a model answer a question from pages.

    Args:
        question: The question.
        sources: The pages it is shown.
        endpoint: The model.

    Yields:
        What it says and cites as it comes, and ``Answered`` at the end.

    Raises:
        InputError: There is no page to answer from.
        EndpointError: As for ``stream_reply``.
    """
    if not sources:
        raise InputError("no page was found to answer from", hint="Ask otherwise, or index more documents.")
    by_number = {source.number: source for source in sources}
    reader = CitationReader()
    said: list[str] = []
    cited: dict[int, Source | None] = {}

    def taken(piece: str | Citation) -> AnswerEvent:
        event = Said(piece) if isinstance(piece, str) else Cited(piece.number, by_number.get(piece.number))
        if isinstance(event, Cited):
            cited.setdefault(event.number, event.source)
        said.append(event.text if isinstance(event, Said) else str(event))
        return event

    async with aclosing(stream_reply(endpoint, build_messages(question, sources))) as reply:
        async for text in reply:
            for piece in reader.feed(text.translate(_CONTROLS)):
                yield taken(piece)
    for piece in reader.finish():
        yield taken(piece)
    yield Answered(
        "".join(said),
        tuple(source for source in cited.values() if source),
        tuple(number for number, source in cited.items() if source is None),
    )

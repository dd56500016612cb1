"""Answer a question from pages, step by step, and check the citations."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from maxsight.answers.chunks import Cut, Ended
from maxsight.answers.citations import Citation, CitationReader
from maxsight.answers.endpoint import Endpoint, stream_reply
from maxsight.answers.evidence import Evidence, find_evidence
from maxsight.answers.prompt import build_messages
from maxsight.answers.sources import Source
from maxsight.characters import remove_hidden
from maxsight.errors import InputError


@dataclass(frozen=True, slots=True)
class Said:
    """A part of the answer's text.

    Attributes:
        text: The part.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation, at its place in the text.

    Attributes:
        number: As it was cited.
        source: The page; None if the model got no page of this number.
    """

    number: int
    source: Source | None

    def __str__(self) -> str:
        """Write the citation, and mark an invented one."""
        return f"[{self.number}]" if self.source else f"[{self.number}: no such page]"


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of an answer.

    Attributes:
        text: The whole answer, with its citations.
        cited: The cited pages, in order of their first citation.
        invented: Cited numbers that no page has.
        cut: Why the answer is not whole; None if it is.
        evidence: Its quotes and numbers, and where the cited pages have them.
    """

    text: str
    cited: tuple[Source, ...]
    invented: tuple[int, ...]
    cut: Cut | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before you trust it."""
        notes = [f"the answer is not whole: {CUTS[self.cut]}"] if self.cut else []
        if not self.cited:
            notes.append("the answer cites no page, so nothing shows that it is from the library")
        if self.invented:
            numbers = ", ".join(map(str, self.invented))
            notes.append(f"the answer cites pages that do not exist: {numbers}")
        if missing := [f'"{each.quote}"' for each in self.evidence if each.source is None]:
            notes.append(f"the cited pages do not have this to the letter: {', '.join(missing)}")
        return tuple(notes)


CUTS = {
    Cut.LENGTH: "the model reached its limit on length",
    Cut.CONTENT_FILTER: "the service filtered its content",
    Cut.BROKEN_OFF: "the service broke off",
}

AnswerEvent = Said | Cited | Answered


async def answer_question(
    question: str, sources: Sequence[Source], endpoint: Endpoint
) -> AsyncGenerator[AnswerEvent]:
    """Have a model answer a question from pages.

    Args:
        question: The question.
        sources: The pages the model gets.
        endpoint: The model.

    Yields:
        Text and citations as they come, and ``Answered`` at the end.

    Raises:
        InputError: There is no page to answer from.
        EndpointError: As for ``stream_reply``.
    """
    if not sources:
        raise InputError(
            "no page was found to answer from", hint="Ask in other words, or index more documents."
        )
    by_number = {source.number: source for source in sources}
    reader = CitationReader()
    said: list[str] = []
    cut: Cut | None = None
    cited: dict[int, Source | None] = {}

    def record(part: str | Citation) -> AnswerEvent:
        if isinstance(part, str):
            said.append(part)
            return Said(part)
        event = Cited(part.number, by_number.get(part.number))
        cited.setdefault(event.number, event.source)
        said.append(str(event))
        return event

    async with aclosing(stream_reply(endpoint, build_messages(question, sources))) as reply:
        async for text in reply:
            if isinstance(text, Ended):
                cut = text.cut
                break
            for part in reader.feed(remove_hidden(text)):  # a terminal could obey them
                yield record(part)
    for part in reader.finish():
        yield record(part)
    whole = "".join(said)
    yield Answered(
        whole,
        tuple(source for source in cited.values() if source),
        tuple(number for number, source in cited.items() if source is None),
        cut,
        tuple(find_evidence(whole, sources)),
    )

"""The parts of a streamed answer, whatever a service sends: lines of bounded length, and only the fields that count."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from maxsight.errors import EndpointError

MAX_LINE_BYTES, MAX_ANSWER_BYTES = 2**20, 2**25
_DONE = "[DONE]"


class Cut(StrEnum):
    """Why an answer is not whole."""

    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    BROKEN_OFF = "broken_off"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an answer.

    Attributes:
        cut: Why it is not whole; None if it is.
    """

    cut: Cut | None


async def read_chunks(parts: AsyncIterator[bytes]) -> AsyncIterator[str | Ended]:
    """Read server-sent events of chat completions, and end with ``Ended``.

    Raises:
        EndpointError: A line is too long, is no JSON, or reports an error.
    """
    finished: str | None = None
    async for line in _lines(parts):
        name, _, data = line.partition(":")
        data = data.strip()
        if name != "data" or not data:
            continue  # a comment, or a field that says nothing here
        if data == _DONE:
            finished = finished or "stop"
            break
        said, reason = _read(data)
        finished = reason or finished
        if said:
            yield said
    if finished in (Cut.LENGTH, Cut.CONTENT_FILTER):
        yield Ended(Cut(finished))
    else:
        yield Ended(None if finished else Cut.BROKEN_OFF)


async def _lines(parts: AsyncIterator[bytes]) -> AsyncIterator[str]:
    rest, size_bytes = bytearray(), 0
    async for part in parts:
        size_bytes += len(part)
        if size_bytes > MAX_ANSWER_BYTES:
            raise EndpointError(f"the service sent more than {MAX_ANSWER_BYTES:,} bytes")
        first, *more = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest += first
        for line in more:
            yield rest.decode("utf-8", "replace")
            rest = bytearray(line)
        if len(rest) > MAX_LINE_BYTES:
            raise EndpointError(f"the service sent a line of more than {MAX_LINE_BYTES:,} bytes")
    if rest:
        yield rest.decode("utf-8", "replace")


def _read(data: str) -> tuple[str | None, str | None]:
    """Return what a chunk says, and why the answer ends with it."""
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EndpointError("the service sent an answer that is not JSON", hint="Try again.") from error
    if failure := _field(chunk, "error"):
        text = " ".join(str(_field(failure, "message") or failure).split())[:300]
        raise EndpointError(f"the service broke off: {text}", hint="Try again.")
    choices = _field(chunk, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    said, reason = _field(_field(choice, "delta"), "content"), _field(choice, "finish_reason")
    return said if isinstance(said, str) else None, reason if isinstance(reason, str) else None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None

"""Streamed answers, cut into parts at any place."""

import asyncio
import json

import pytest

from maxsight.answers.chunks import Cut, Ended, read_chunks
from maxsight.errors import EndpointError


def read(stream, size):
    async def parts():
        for start in range(0, len(stream), size):
            yield stream[start : start + size]

    async def collect():
        return [said async for said in read_chunks(parts())]

    return asyncio.run(collect())


def chunk(text, reason=None):
    return (
        b"data: " + json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": reason}]}).encode()
    )


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_an_answer_is_the_same_wherever_it_is_cut_into_parts(end, size):
    stream = end.join([b": comment", chunk("Sold \u00e9"), chunk(" 5", "length"), b"data: [DONE]", b""])
    assert read(stream, size) == ["Sold \u00e9", " 5", Ended(Cut.LENGTH)]


def test_a_long_line_in_very_many_parts_costs_no_quadratic_time():
    assert read(chunk("a" * 500_000) + b"\n", 1) == ["a" * 500_000, Ended(Cut.BROKEN_OFF)]
    with pytest.raises(EndpointError, match="a line of more than"):
        read(b":" * (2**20 + 1), 1)

"""Searches at the same time share a scan."""

import asyncio

import pytest

from maxsight.errors import EmptyQueryError
from maxsight.server.batching import MAX_TOGETHER, SearchBatcher, SearchOptions
from maxsight.server.problems import RefusedError

FEW, MANY = SearchOptions(top_k=1), SearchOptions(top_k=50)


class Scans:
    """Answers each question with itself, and keeps what was asked together."""

    def __init__(self):
        self.asked = []
        self.go = asyncio.Event()

    async def search_many(self, queries, options):
        self.asked.append(list(queries))
        await self.go.wait()
        if "" in queries:
            raise EmptyQueryError("nothing to search for")
        return [[query] for query in queries]


async def asking(batcher, *questions):
    """Ask one after the other, without waiting for answers."""
    tasks = []
    for query, options in questions:
        tasks.append(asyncio.create_task(batcher.search(query, options)))
        await asyncio.sleep(0)
    return tasks


def run(scenario, max_waiting=100):
    async def all_of_it():
        scans = Scans()
        return await scenario(scans, SearchBatcher(scans.search_many, max_waiting)), scans.asked

    return asyncio.run(all_of_it())


def test_whatever_waits_while_one_is_running_goes_together():
    async def scenario(scans, batcher):
        tasks = await asking(batcher, *[(name, FEW) for name in "abcd"])
        await asyncio.sleep(0.01)
        scans.go.set()
        return await asyncio.gather(*tasks)

    answers, asked = run(scenario)
    assert answers == [["a"], ["b"], ["c"], ["d"]]
    assert asked == [["a"], ["b", "c", "d"]]


def test_searches_of_other_options_have_scans_of_their_own():
    async def scenario(scans, batcher):
        tasks = await asking(batcher, ("a", FEW), ("b", FEW), ("c", MANY), ("d", FEW), ("e", MANY))
        scans.go.set()
        return await asyncio.gather(*tasks)

    answers, asked = run(scenario)
    assert answers == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert asked[0] == ["a"]
    assert sorted(asked[1:]) == [["b", "d"], ["c", "e"]]


def test_a_scan_has_an_upper_bound():
    async def scenario(scans, batcher):
        scans.go.set()
        tasks = await asking(batcher, *[(str(number), FEW) for number in range(3 * MAX_TOGETHER)])
        return await asyncio.gather(*tasks)

    answers, asked = run(scenario)
    assert answers == [[str(number)] for number in range(3 * MAX_TOGETHER)]
    assert max(map(len, asked)) <= MAX_TOGETHER


def test_one_bad_search_spoils_no_other():
    async def scenario(scans, batcher):
        tasks = await asking(batcher, ("a", FEW), ("b", FEW), ("", FEW), ("c", FEW))
        scans.go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers, _ = run(scenario)
    assert answers[0] == ["a"]
    assert answers[1] == ["b"]
    assert isinstance(answers[2], EmptyQueryError)
    assert answers[3] == ["c"]


def test_no_search_runs_for_a_caller_who_has_left():
    async def scenario(scans, batcher):
        tasks = await asking(batcher, ("a", FEW), ("b", FEW), ("c", FEW))
        tasks[1].cancel()
        await asyncio.sleep(0)
        scans.go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    _, asked = run(scenario)
    assert asked == [["a"], ["c"]]


def test_more_than_may_wait_are_refused():
    async def scenario(scans, batcher):
        tasks = await asking(batcher, *[(name, FEW) for name in "abc"])
        with pytest.raises(RefusedError) as caught:
            await batcher.search("d", FEW)
        scans.go.set()
        await asyncio.gather(*tasks)
        return caught.value

    refused, asked = run(scenario, max_waiting=2)
    assert refused.status == 503
    assert refused.headers["Retry-After"]
    assert asked == [["a"], ["b", "c"]]

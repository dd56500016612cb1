"""The figures for Prometheus count the requests that were made."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from server.inside import client_of, job_ended, jobs_held, service_of, uploaded


async def figures(client):
    """Every sample as ``name{label=value,...}``."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{sample.name}{{{','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))}}}": (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_and_timed_by_route_and_status_and_never_by_what_a_caller_makes_up(tmp_path):
    async def ask():
        with service_of(tmp_path) as service:
            async with client_of(service) as client:
                for number in range(3):
                    await client.get("/v1/search", params={"q": f"question {number}"})
                await client.get("/v1/search", params={"q": "question", "filter": "("})
                for number in range(2):
                    await client.get(f"/nowhere/{number}")
                    await client.get(f"/v1/pages/{number:032x}")
                    await client.request(f"BREW{number}", "/v1/search")
                return await figures(client)

    found = asyncio.run(ask())
    counts = {
        name.removeprefix("maxsight_request_seconds_count"): value
        for name, value in found.items()
        if name.startswith("maxsight_request_seconds_count")
    }
    assert counts == {
        "{method=GET,route=/v1/search,status=200}": 3,
        "{method=GET,route=/v1/search,status=400}": 1,
        "{method=GET,route=none,status=404}": 2,
        "{method=GET,route=/v1/pages/{page_id},status=404}": 2,
        "{method=other,route=/v1/search,status=405}": 2,
    }
    searches = "method=GET,route=/v1/search,status=200"
    assert found[f"maxsight_request_seconds_sum{{{searches}}}"] > 0
    buckets = [
        value
        for name, value in found.items()
        if name.startswith("maxsight_request_seconds_bucket") and name.endswith(f",{searches}}}")
    ]
    assert len(buckets) == 13 and buckets == sorted(buckets) and buckets[-1] == 3


def test_every_search_is_counted_once_with_those_it_shared_a_scan_with(tmp_path):
    async def search():
        with service_of(tmp_path) as service:
            async with client_of(service) as client:
                await client.get("/v1/search", params={"q": "alone"})
                alone = await figures(client)
                await asyncio.gather(
                    *[client.get("/v1/search", params={"q": f"with {other} others"}) for other in range(9)]
                )
                return alone, await figures(client)

    alone, together = asyncio.run(search())
    assert (alone["maxsight_searches_together_count{}"], alone["maxsight_searches_together_sum{}"]) == (1, 1)
    assert alone["maxsight_searches_together_bucket{le=1.0}"] == 1
    assert together["maxsight_searches_together_sum{}"] == 10
    assert 2 <= together["maxsight_searches_together_count{}"] < 10
    assert together["maxsight_scan_seconds_count{}"] == together["maxsight_searches_together_count{}"]
    assert together["maxsight_scan_seconds_sum{}"] > alone["maxsight_scan_seconds_sum{}"] > 0


def test_jobs_and_what_the_library_holds_are_counted(tmp_path):
    async def bring_and_take_away():
        with service_of(tmp_path) as service:
            async with client_of(service) as client:
                with jobs_held(service):
                    kept = await uploaded(client, ("a.txt", b"one page"), ("b.txt", b"another"))
                    given_up = await uploaded(client, ("c.txt", b"a third"))
                    await client.delete(given_up.json()["links"]["self"])
                    held = await figures(client)
                await job_ended(service, kept.json()["job_id"])
                done = await figures(client)
                item = (await client.get("/v1/documents")).json()["items"][0]
                await client.delete(item["links"]["self"])
                return held, done, await figures(client)

    held, done, after = asyncio.run(bring_and_take_away())

    def of(found):
        return [
            found.get(f"maxsight_{name}", 0)
            for name in (
                "jobs_waiting{}",
                "jobs_total{state=done}",
                "jobs_total{state=cancelled}",
                "pages_indexed_total{}",
                "documents{}",
                "pages{}",
            )
        ]

    assert of(held) == [1, 0, 1, 0, 0, 0]
    assert of(done) == [0, 1, 1, 2, 2, 2]
    assert of(after) == [0, 1, 1, 2, 1, 1]

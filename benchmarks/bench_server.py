"""How fast does a server answer, alone and when many ask while files are uploaded, and does its memory stay flat?

::

    python benchmarks/bench_server.py --set filings --library filings.library --documents DIR --queries QUESTIONS.jsonl

Works on a copy of the library. The upload is one PDF of pages of the documents, put together anew, so that none of
them is in the library already.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pypdfium2 as pdfium
from measure import SAMPLE_QUESTIONS, SAMPLES, arguments, save, spread

ROUNDS = 5
PICTURES = 30
HEADERS = {"X-Requested-With": "maxsight"}


def main():
    given = arguments(
        __doc__,
        library=None,
        documents=SAMPLES,
        queries=SAMPLE_QUESTIONS,
        clients=32,
        seconds=60,
        pages=100,
    )
    questions = [json.loads(line)["query"] for line in given.queries.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "bench.library"
        if given.library:
            shutil.copytree(given.library, library)
        else:
            command = [
                sys.executable,
                "-m",
                "maxsight",
                "index",
                str(given.documents),
                "--library",
                str(library),
            ]
            subprocess.run(command, check=True)
        upload = put_together(given.documents, given.pages, Path(folder) / "upload.pdf")
        with serving(library) as (process, url):
            figures = {"pages in the library": pages_in(url)}
            figures |= alone(url, questions)
            figures |= asyncio.run(crowd(url, questions, upload, given.clients, given.seconds, process))
            figures["pages in the library afterwards"] = pages_in(url)
    save(f"server-{given.set}", figures)


@contextmanager
def serving(library):
    """A server in a process of its own."""
    command = [sys.executable, "-m", "maxsight", "serve", "--library", str(library), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            yield psutil.Process(process.pid), re.search(r"http://\S+", line)[0]
        finally:
            process.terminate()


def put_together(documents, pages, file):
    """Write a PDF of pages taken in turn from all PDFs of a folder."""
    made = pdfium.PdfDocument.new()
    sources = [pdfium.PdfDocument(path) for path in sorted(Path(documents).rglob("*.pdf"))]
    index = 0
    while len(made) < pages and any(index < len(source) for source in sources):
        for source in sources:
            if index < len(source) and len(made) < pages:
                made.import_pages(source, [index])
        index += 1
    made.save(file)
    return file


def pages_in(url):
    return httpx.get(f"{url}/v1/library").json()["pages"]


def alone(url, questions):
    """Latency with one client: every question is new to the server in its first round."""
    with httpx.Client(base_url=url, timeout=60) as client:
        ask(client, "warm up")
        search_ms = [
            timed(ask, client, f"{question} {round_}") for round_ in range(ROUNDS) for question in questions
        ]
        found = [
            (question, hit) for question in questions[:PICTURES] for hit in ask(client, question)["hits"][:1]
        ]
        links = [hit["links"] for _, hit in found]
        first_ms = [timed(get, client, link["thumbnail"]) for link in links]
        cached_ms = [timed(get, client, link["thumbnail"]) for link in links]
        heat_ms = [timed(get, client, link["heatmap"]) for link in links]
        word_ms = [timed(get, client, link["heatmap"] + "&word=0") for link in links]
    return {
        "search, one client, ms": spread(search_ms),
        "thumbnail, first time, ms": spread(first_ms),
        "thumbnail, cached, ms": spread(cached_ms),
        "heatmap, ms": spread(heat_ms),
        "heatmap of a word, ms": spread(word_ms),
    }


def ask(client, question):
    return client.get("/v1/search", params={"q": question}).raise_for_status().json()


def get(client, address):
    client.get(address).raise_for_status()


def timed(call, *given):
    start = time.perf_counter()
    call(*given)
    return 1000 * (time.perf_counter() - start)


async def crowd(url, questions, upload, clients, seconds, process):
    """Latency and memory when many ask without a pause, while an upload is indexed."""
    took_ms, errors, memory_mb = [], [], []
    end = time.monotonic() + seconds

    async def visitor(number):
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            turn = number
            while time.monotonic() < end:
                start = time.perf_counter()
                question = f"{questions[turn % len(questions)]} {turn}"
                try:
                    answer = await client.get("/v1/search", params={"q": question})
                    answer.raise_for_status()
                    took_ms.append(1000 * (time.perf_counter() - start))
                except httpx.HTTPError as error:
                    errors.append(repr(error))
                turn += clients

    async def watcher():
        while time.monotonic() < end:
            memory_mb.append(anonymous_mb(process))
            await asyncio.sleep(1)

    async def uploader():
        async with httpx.AsyncClient(base_url=url, timeout=60, headers=HEADERS) as client:
            sent = await client.post("/v1/documents", files={"files": (upload.name, upload.read_bytes())})
            job = sent.raise_for_status().json()["links"]["self"]
            start = time.monotonic()
            while (now := (await client.get(job)).json())["state"] in ("queued", "running"):
                await asyncio.sleep(0.5)
            return now["state"], now["pages"], time.monotonic() - start, anonymous_mb(process)

    done, *_ = await asyncio.gather(uploader(), watcher(), *(visitor(number) for number in range(clients)))
    return {
        f"searches a second, {clients} clients": round(len(took_ms) / seconds, 1),
        f"search, {clients} clients, ms": spread(took_ms),
        "errors": len(errors),
        "upload meanwhile": {"state": done[0], "pages": done[1], "seconds": round(done[2], 1)},
        "anonymous MB: first, when the upload is indexed, last": [
            round(mb, 1) for mb in (memory_mb[0], done[3], memory_mb[-1])
        ],
        "anonymous MB at most": round(max(memory_mb), 1),
    }  # fmt: skip


def anonymous_mb(process):
    """Memory of a process that no file backs: what a file lends, the system takes back."""
    if sys.platform != "linux":
        return process.memory_full_info().uss / 1e6
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1000


if __name__ == "__main__":
    main()

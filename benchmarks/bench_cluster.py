"""What does a library in a bucket cost against the same library in a folder?

A server of S3's protocol (moto) listens on loopback, so a request takes some 4 ms and not the 10 to 100 ms of a real
one. Every search runs on both in turn.
"""

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from measure import SAMPLE_QUESTIONS, arguments, save, spread
from moto.server import ThreadedMotoServer

from maxsight import Library
from maxsight.stores.addresses import BucketAddress

ROUNDS = 5


def main():
    given = arguments(__doc__, library=None, questions=SAMPLE_QUESTIONS)
    asked = [json.loads(line) for line in given.questions.read_text().splitlines()]
    questions = [row.get("query") or row["question"] for row in asked][:20]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    options = {
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
        "aws_region": "us-east-1",
        "aws_endpoint": endpoint,
        "allow_http": "true",
    }
    import boto3

    names = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **names).create_bucket(Bucket="bench")
    address = BucketAddress("s3://bench/bench.library", options)
    with tempfile.TemporaryDirectory() as folder, Library.open(given.library, read_only=True) as local:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "filled by the copy")
        start = time.perf_counter()
        copied = local.copy(address)
        copying_s = time.perf_counter() - start
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        start = time.perf_counter()
        with Library.open(address, read_only=True) as cold:
            cold.search(questions[0])
        cold_s = time.perf_counter() - start
        start = time.perf_counter()
        bucket = Library.open(address, read_only=True)
        first = bucket.search(questions[0])
        warm_open_s = time.perf_counter() - start
        assert [hit.page_id for hit in first] == [hit.page_id for hit in local.search(questions[0])]
        times = {"folder": [], "bucket": []}
        for _ in range(ROUNDS):
            for question in questions:
                for name, library in (("folder", local), ("bucket", bucket)):
                    start = time.perf_counter()
                    library.search(question)
                    times[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(taken) for name, taken in times.items()}
        bucket.close()
        save(
            f"cluster-{given.set}",
            {
                "pages": copied.pages,
                "copied to the bucket, pages/s": round(copied.pages / copying_s, 1),
                "cold open and first search, s": round(cold_s, 2),
                "open and first search with a warm cache, s": round(warm_open_s, 2),
                **{
                    f"search, {name}, ms": spread([1000 * t for t in taken], 1)
                    for name, taken in times.items()
                },
                "bucket to folder, ratio of medians": round(medians["bucket"] / medians["folder"], 3),
            },
        )
    server.stop()


if __name__ == "__main__":
    main()

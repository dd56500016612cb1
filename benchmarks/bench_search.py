"""Are the right pages found, how fast, and does the fast path find what the exact one does?"""

import tempfile
import time
from pathlib import Path

import numpy as np
from measure import SAMPLE_QUESTIONS, SAMPLES, arguments, save, spread

from maxsight import Library
from maxsight.evaluation.datasets import load_questions
from maxsight.retrieval.search import rank_pages
from maxsight.threads import one_blas_thread

ROUNDS = 3


def latencies(search, questions):
    """Milliseconds per question, after one warm-up over all of them."""
    taken = []
    for round_number in range(ROUNDS + 1):
        for question in questions:
            start = time.perf_counter()
            search(question)
            if round_number:
                taken.append((time.perf_counter() - start) * 1000)
    return taken


def found(hits):
    return {(hit.path, hit.page_number) for hit in hits}


def recall(library, questions):
    """Share of the exact top 10 that the fast path's top 10 holds."""
    shares = []
    for question in questions:
        exact = found(library.search(question.query, exact=True))
        shares.append(len(exact & found(library.search(question.query))) / max(1, len(exact)))
    return float(np.mean(shares))


def main():
    given = arguments(__doc__, documents=SAMPLES, queries=SAMPLE_QUESTIONS, library=None)
    questions = load_questions(given.queries)
    with tempfile.TemporaryDirectory() as folder:
        path = given.library or Path(folder) / "bench.library"
        if not Library.exists(path):
            with Library.create(path) as made:
                made.index(given.documents)
        with Library.open(path, read_only=True) as library:
            figures = {"questions": len(questions)}
            for scope in ("document", "library"):
                for name, options in (
                    ("", {}),
                    (", exact", {"exact": True}),
                    (", without names", {"names": False}),
                ):
                    result = library.evaluate(questions, scope=scope, **options)
                    figures[f"{scope} scope{name}"] = {
                        measure: round(value, 4) for measure, value in result.measures.items()
                    }
            figures["recall@10 against exact"] = round(recall(library, questions), 4)
            queries = [question.query for question in questions]
            figures["search, ms"] = spread(latencies(library.search, queries))
            figures["search, exact, ms"] = spread(
                latencies(lambda query: library.search(query, exact=True), queries)
            )
            encoded = [library.encoder.encode_query(query) for query in queries]
            with one_blas_thread():
                figures["ranking alone, ms"] = spread(
                    latencies(lambda query: rank_pages(library.store, query, limit=11), encoded)
                )
            figures["query encoding alone, ms"] = spread(latencies(library.encoder.encode_query, queries))
    save(f"search-{given.set}", figures)


if __name__ == "__main__":
    main()

"""What does token pooling cost, and what does it save? Each factor indexes the documents anew, as a user would."""

import tempfile
import time
from pathlib import Path

import numpy as np
from measure import SAMPLE_QUESTIONS, SAMPLES, arguments, save

from maxsight import Library
from maxsight.encoders.token_pooling import pool_tokens
from maxsight.evaluation.datasets import load_questions
from maxsight.threads import one_blas_thread
from maxsight.types import PageEmbedding, Regions

FACTORS = (1, 2, 3, 4)
PATCHES = 1024
ROUNDS = 7


def quality(documents, questions, factor):
    """Vectors, bytes and measures of a library with this factor."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Library.create(Path(folder) / "bench.library", pool_factor=factor) as library,
    ):
        library.index(documents)
        status = library.status()
        figures = {
            "vectors a page": round(status.vectors / status.pages, 1),
            "bytes a page": status.size_bytes // status.pages,
        }
        for scope in ("library", "document"):
            measures = library.evaluate(questions, scope=scope, exact=True).measures
            figures |= {f"{name}, {scope}": round(measures[name], 3) for name in ("nDCG@5", "recall@10")}
    return figures


def milliseconds_a_page(dim=128):
    """CPU time to pool a page of random patches, the least of several."""
    rows, cols = np.divmod(np.arange(PATCHES), 32)
    boxes = np.stack([cols, rows, cols + 1, rows + 1], axis=1).astype(np.float32) / 32
    vectors = np.random.default_rng(0).standard_normal((PATCHES, dim)).astype(np.float32)
    page = PageEmbedding(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), Regions(boxes, None))
    taken = []
    with one_blas_thread():
        for _ in range(ROUNDS):
            start = time.process_time()
            pool_tokens(page, 3)
            taken.append((time.process_time() - start) * 1000)
    return round(min(taken), 1)


def main():
    given = arguments(__doc__, documents=SAMPLES, queries=SAMPLE_QUESTIONS)
    questions = load_questions(given.queries)
    figures = {"questions": len(questions), f"CPU ms to pool {PATCHES} patches": milliseconds_a_page()}
    figures |= {f"pool factor {factor}": quality(given.documents, questions, factor) for factor in FACTORS}
    save(f"pooling-{given.set}", figures)


if __name__ == "__main__":
    main()

"""Search PDFs page by page over ColPali-like vectors: a page is many vectors of 128 numbers, each with its place.

::

    python examples/search_pdfs_as_rows.py
    MAXSIGHT_LIBRARY='http://127.0.0.1:19530?layout=rows' python examples/search_pdfs_as_rows.py
    python examples/search_pdfs_as_rows.py vidore/colpali-v1.3-hf       # with the extra colpali

On a Milvus server the vectors lie flattened, one row each with `doc_id` and `seq_id`, as in collections made for
servers without embedding lists. What is found, and the scores, are the same as in a folder: exact MaxSim on the whole
page.
"""

import os
import sys
from pathlib import Path

from maxsight import Library

DOCUMENTS = Path(__file__).parent / "documents"
QUESTIONS = (
    "How tight should the bolts that hold the compressor be?",
    "Why do the towers appear dark?",
)


def main(encoder: str = "minilm") -> None:
    place = os.environ.get("MAXSIGHT_LIBRARY") or DOCUMENTS.with_name("pdfs.library")
    with Library.open(place, create=True, encoder=encoder) as library:
        report = library.index(DOCUMENTS, include=["*paper.pdf", "*manual.pdf"])
        print(f"{report.pages} pages indexed as {report.vectors:,} vectors of {library.space.dim} numbers")
        for question in QUESTIONS:
            print(f"\n{question}")
            for hit in library.search(question, top_k=2):
                print(f"  {hit.rank}. {hit.file}, page {hit.page_number}  (score {hit.score:.2f})")
                strongest = max(hit.matches, key=lambda match: match.score)
                print(f"     {strongest.word!r} matched {strongest.region.text!r} at {strongest.region.box}")


if __name__ == "__main__":
    main(*sys.argv[1:])

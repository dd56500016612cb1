"""Search financial reports whose pages are embedding lists, within one company and year.

::

    python examples/search_financial_reports.py
    MAXSIGHT_LIBRARY='http://127.0.0.1:19530?layout=embedding-list' python examples/search_financial_reports.py

On Milvus from 2.6.4 on, and on Zilliz Cloud, a page is one entity with an array of vectors, and the server computes
MaxSim and applies the filter; in a folder maxsight does. Fields to filter by are given by file.
"""

import os
from pathlib import Path

from maxsight import Library
from maxsight.indexing.metadata import MetadataTable

DOCUMENTS = Path(__file__).parent / "documents"
FIELDS = MetadataTable(
    {
        "annual-report-2024.pdf": {"kind": "report", "year": 2024},
        "heat-pump-service-manual.pdf": {"kind": "manual"},
    }
)
QUESTIONS = ("How did revenue change?", "What does the company say about its debt?")


def main() -> None:
    place = os.environ.get("MAXSIGHT_LIBRARY") or DOCUMENTS.with_name("reports.library")
    with Library.open(place, create=True) as library:
        library.index(DOCUMENTS, include=["*.pdf"], exclude=["*scan*", "strom*"], metadata=FIELDS)
        for question in QUESTIONS:
            print(f"\n{question}")
            for hit in library.search(question, top_k=2, where="kind = 'report' AND year >= 2024"):
                print(f"  {hit.rank}. {hit.file}, page {hit.page_number}  (score {hit.score:.2f})")
                print(f"     {hit.snippet}")
        best = library.search(QUESTIONS[0], top_k=1, where="kind = 'report'")[0]
        explanation = library.explain(QUESTIONS[0], best.path, best.page_number)
        gains = ", ".join(f"{gain.region} {gain.score:.2f}" for gain in explanation.regions[:5])
        print(f"\nWhat gave most of the first score: {gains}")


if __name__ == "__main__":
    main()

"""Find articles by several words at once: an article is all paragraphs of one title, however they are scattered.

::

    python examples/search_wikipedia_by_title.py Adobe software

Each word of the query looks for the paragraph it likes best, and an article's score is the sum: one that has a
paragraph for every word comes before one that has many for a single word. A phrase is one argument: "picture editing".
The library is the one MAXSIGHT_LIBRARY names, a folder or a Milvus server, else a new one beside this file's records.
"""

import os
import sys
from pathlib import Path

from maxsight import Library, RecordFields

RECORDS = Path(__file__).parent / "records" / "wiki.jsonl"


def main(*words: str) -> None:
    place = os.environ.get("MAXSIGHT_LIBRARY") or RECORDS.with_name("wiki.library")
    with Library.open(place, create=True, encoder="minilm:paragraphs") as library:
        report = library.index(RECORDS, records=RecordFields("title", "text", metadata=("year",)))
        print(f"{len(report.indexed)} articles indexed, {report.skipped} known")
        phrases = list(words) or ["Adobe", "software"]
        for hit in library.search(phrases, top_k=3):
            print(f"\n{hit.rank}. {hit.metadata['title']}  (score {hit.score:.2f})")
            for match in hit.matches:
                print(f"   {match.word} {match.score:.2f}: {match.region.text}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""colsearch: float16 vectors, all pages or the candidates of its router. Its codes found less at a higher price."""

from colsearch import Index
from peer import answer

CANDIDATES = 400


def open_index(pages, folder, candidates):
    return Index(
        str(folder / "index"), dim=pages.shape[2], engine="shard", k_candidates=candidates, compression="fp16"
    )


def build(pages, folder):
    index = open_index(pages, folder, len(pages))
    for first in range(0, len(pages), 100):
        some = pages[first : first + 100].astype("float32")
        index.add(list(some), ids=list(range(first, first + len(some))))
    index.close()


def settings(pages, folder):
    for candidates in (CANDIDATES, len(pages)):
        index = open_index(pages, folder, candidates)

        def search(query, index=index):
            return [int(hit.doc_id) for hit in index.search(query, k=10)[0]]

        yield "all pages" if candidates == len(pages) else f"{candidates} candidates", search
        index.close()


if __name__ == "__main__":
    answer("colsearch", build, settings)

"""A reranker whose preference a test can foresee."""

from maxsight.reranking import Reads, Reranker


class Prefers(Reranker):
    """Scores a page by how often it has a word; a page without text or picture has no score."""

    def __init__(self, word, pages=20, reads=Reads.TEXT, name="prefers"):
        self.word, self.pages, self.reads, self.name = word, pages, reads, name
        self.asked = []

    def score(self, question, candidates):
        self.asked.append((question, candidates))
        return [
            float(candidate.text.count(self.word)) if candidate.text or candidate.picture else None
            for candidate in candidates
        ]

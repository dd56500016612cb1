"""A second look at the first pages of a search: a model reads the question and a page together.

Importing this loads no model; :func:`load_reranker` does.
"""

from maxsight.reranking.base import DEFAULT_PAGES, Candidate, Reads, Reranker
from maxsight.reranking.registry import load_reranker

__all__ = ["DEFAULT_PAGES", "Candidate", "Reads", "Reranker", "load_reranker"]

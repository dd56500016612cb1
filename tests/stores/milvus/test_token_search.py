"""Estimated scores of pages, by the hits of a query's tokens."""

import numpy as np
import pytest

pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")

from maxsight.stores.milvus.connection import MAX_WINDOW
from maxsight.stores.milvus.token_search import Ranking, choose_hits


def hits(pages, similarities):
    return np.array(pages, np.int64), np.array(similarities, np.float32)


def test_the_best_hits_of_the_tokens_on_a_page_are_added_up():
    """Page 7 has no hit of the second token, so that token's last hit, 0.5, counts there: 0.75 + 0.5."""
    first = hits([7, 3, 7], [0.75, 0.5, 0.25])
    second = hits([3, 3], [1.0, 0.5])
    ranking = Ranking.of([first, second])
    assert ranking.pages.tolist() == [3, 7]
    assert ranking.scores.tolist() == [1.5, 1.25]
    assert ranking.best_first.tolist() == [3, 7]


def test_a_token_without_hits_adds_nothing():
    ranking = Ranking.of([hits([2], [0.5]), hits([], [])])
    assert (ranking.pages.tolist(), ranking.scores.tolist()) == ([2], [0.5])


def test_hits_that_the_server_left_out_are_counted():
    """Of the three vectors above the last hits, page 3 lacks one: 0.9 is better than the last hit of its token, 0.5."""
    ranking = Ranking.of([hits([7, 3], [0.75, 0.5]), hits([3, 7], [1.0, 0.5])])
    exact = np.array([[0.75, 0.9], [0.4, 1.0]], np.float32)
    assert ranking.missed(np.array([7, 3]), exact) == pytest.approx(1 / 3)
    assert ranking.missed(np.array([7]), exact[:, :1]) == 0


def test_tokens_get_more_hits_in_larger_libraries_and_for_more_candidates_within_bounds():
    assert [choose_hits(pages, None) for pages in (1, 500, 10**6)] == [1024, 2000, 4096]
    assert [choose_hits(1, candidates) for candidates in (10, 10**6)] == [160, MAX_WINDOW]

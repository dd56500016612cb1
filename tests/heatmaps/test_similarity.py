import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from maxsight.errors import InputError
from maxsight.heatmaps.explanation import explain_page
from maxsight.heatmaps.overlay import draw_overlay, heat_per_vector
from maxsight.heatmaps.similarity import attribute, match_words, shorten, snippet
from maxsight.retrieval.maxsim import maxsim
from maxsight.types import Page, PageEmbedding, QueryEmbedding, Regions, TextSource, Words

TEXT = "red apples fall"
SPANS = np.array([[0, 3], [4, 10], [11, 15]], np.int32)
BOXES = np.array([[0.1, 0.1, 0.2, 0.15], [0.3, 0.1, 0.5, 0.15], [0.6, 0.8, 0.7, 0.85]], np.float32)
PAGE = Page(0, TEXT, Words(SPANS, BOXES), TextSource.LAYER, 612, 792)
EMBEDDING = PageEmbedding(np.eye(3, dtype=np.float32), Regions(BOXES, SPANS))


def query(vectors, words, word_index):
    return QueryEmbedding(
        " ".join(words), np.array(vectors, np.float32), tuple(words), np.array(word_index, np.int32)
    )


def test_each_query_word_names_the_region_of_its_strongest_piece():
    """'crimson' has two pieces: 0.6 on 'red' and 0.8 on 'fall'; it gave 1.4 and is shown at 'fall'."""
    asked = query([[0.6, 0, 0], [0, 0, 0.8], [0, 1, 0]], ["crimson", "fruit"], [0, 0, 1])
    crimson, fruit = match_words(asked, PAGE, EMBEDDING, attribute(asked, EMBEDDING))
    assert (crimson.word, crimson.region.text) == ("crimson", "fall")
    assert crimson.score == pytest.approx(1.4)
    assert fruit.region.text == "apples"
    assert fruit.region.box == pytest.approx((0.3, 0.1, 0.5, 0.15))


@given(seed=st.integers(0, 2**32 - 1), tokens=st.integers(1, 12), vectors=st.integers(1, 40))
def test_attribution_sums_to_the_score(seed, tokens, vectors):
    rng = np.random.default_rng(seed)
    asked = query(rng.standard_normal((tokens, 4)), ["w"], [0] * tokens)
    embedding = PageEmbedding(
        rng.standard_normal((vectors, 4)).astype(np.float32),
        Regions(np.zeros((vectors, 4), np.float32), None),
    )
    attribution = attribute(asked, embedding)
    score = maxsim(asked.vectors, [embedding.vectors])[0]
    assert attribution.score == pytest.approx(score, abs=1e-4)
    assert attribution.vector_gains.sum() == pytest.approx(score, abs=1e-4)


def test_explained_regions_are_listed_by_what_they_gave():
    asked = query([[0.2, 0, 0], [0, 0.9, 0]], ["a", "b"], [0, 1])
    explanation = explain_page(asked, PAGE, EMBEDDING, "a.pdf")
    assert [gain.region.text for gain in explanation.regions] == ["apples", "red"]
    assert sum(gain.score for gain in explanation.regions) == pytest.approx(explanation.score)


def test_a_page_without_vectors_can_not_be_explained():
    empty = PageEmbedding(np.empty((0, 3), np.float32), Regions(np.empty((0, 4), np.float32), None))
    with pytest.raises(InputError, match="no vectors"):
        attribute(query([[1, 0, 0]], ["a"], [0]), empty)


def test_the_heat_is_strongest_where_the_match_is():
    asked = query([[0, 0, 1]], ["falling"], [0])
    assert heat_per_vector(attribute(asked, EMBEDDING)).tolist() == [0, 0, 1]


def test_the_picture_is_marked_where_the_match_is_and_nowhere_else():
    asked = query([[0, 0, 1]], ["falling"], [0])
    attribution = attribute(asked, EMBEDDING)
    matches = match_words(asked, PAGE, EMBEDDING, attribution)
    picture = draw_overlay(Image.new("RGB", (700, 1000), "white"), BOXES, attribution, matches, "t", "q")
    page = np.asarray(picture)[:, : round(700 * 1.4)]
    height, width = page.shape[:2]
    x0, y0, x1, y1 = BOXES[2]
    inside = page[round(y0 * height) : round(y1 * height), round(x0 * width) : round(x1 * width)]
    assert inside.reshape(-1, 3).mean(axis=0)[2] < 130  # blue is gone: red heat
    assert (page[: height // 2] == 255).all()


def test_the_snippet_is_the_stretch_that_matched():
    words = [f"word{index}" for index in range(400)]
    text = " ".join(words)
    starts = np.array([text.index(word) for word in ("word300", "word301", "word5 ")])
    spans = np.stack([starts, starts + 5], axis=1).astype(np.int32)
    page = Page(0, text, Words(spans[:0], None), TextSource.FILE)
    embedding = PageEmbedding(np.eye(3, dtype=np.float32), Regions(None, spans))
    asked = query(np.eye(3), ["a", "b", "c"], [0, 1, 2])
    found = snippet(page, embedding, attribute(asked, embedding))
    assert "word300 word301" in found
    assert found.startswith("… word") and found.endswith(" …")


@pytest.mark.parametrize("start", [0, 3, 50, 99])
def test_a_snippet_never_cuts_a_word(start):
    text = "alpha beta gamma delta " * 40
    assert set(shorten(text, start).replace("…", "").split()) <= {"alpha", "beta", "gamma", "delta"}


def test_a_piece_of_a_word_is_shown_as_the_whole_word():
    """'ppl' inside 'apples' is shown as 'apples'."""
    pieces = Regions(BOXES[1:2], np.array([[5, 8]], np.int32))
    embedding = PageEmbedding(np.eye(3, dtype=np.float32)[:1], pieces)
    asked = query([[1, 0, 0]], ["fruit"], [0])
    (match,) = match_words(asked, PAGE, embedding, attribute(asked, embedding))
    assert match.region.text == "apples"

"""Heat on pages: shares of the score, layers per word and token, and paper of any colour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from maxsight.errors import InputError
from maxsight.heatmaps.explanation import explain_page
from maxsight.heatmaps.heat import HEAT, heat_layer, mark
from maxsight.heatmaps.overlay import LEGEND_WIDTH_PX, PAGE_EDGE_PX
from maxsight.types import WHOLE_PAGE, Page, PageEmbedding, QueryEmbedding, Regions, TextSource, Words

TEXT = "red apples fall"
SPANS = np.array([[0, 3], [4, 10], [11, 15]], np.int32)
BOXES = np.array([[0.1, 0.1, 0.3, 0.2], [0.4, 0.4, 0.6, 0.5], [0.7, 0.8, 0.9, 0.9]], np.float32)
PAGE = Page(0, TEXT, Words(SPANS, BOXES), TextSource.LAYER, 612, 792)
EMBEDDING = PageEmbedding(np.eye(3, dtype=np.float32), Regions(BOXES, SPANS))


def query(vectors, words, word_index):
    return QueryEmbedding(
        " ".join(words), np.array(vectors, np.float32), tuple(words), np.array(word_index, np.int32)
    )


@pytest.fixture
def explanation():
    """'crimson' has two pieces, on 'red' and on 'fall'; 'fruit' is on 'apples'; the last token is of no word."""
    asked = query([[0.6, 0, 0], [0, 0, 0.8], [0, 1, 0], [0, 0.3, 0]], ["crimson", "fruit"], [0, 0, 1, -1])
    return explain_page(asked, PAGE, EMBEDDING, "a.pdf")


def heat_at(layer):
    """Which of the three words are coloured."""
    alpha = np.asarray(layer)[:, :, 3]
    centres = (BOXES[:, :2] + BOXES[:, 2:]) / 2 * [layer.width, layer.height]
    return [bool(alpha[int(y), int(x)] > 10) for x, y in centres]


@given(seed=st.integers(0, 2**32 - 1), tokens=st.integers(1, 40), vectors=st.integers(1, 40))
def test_what_tokens_and_regions_gave_sums_to_the_score_to_the_last_bit(seed, tokens, vectors):
    rng = np.random.default_rng(seed)
    boxes = np.sort(rng.random((vectors, 2, 2)), axis=1).reshape(vectors, 4).astype(np.float32)
    embedding = PageEmbedding(rng.standard_normal((vectors, 8)).astype(np.float32), Regions(boxes, None))
    word_index = rng.integers(-1, 3, tokens)
    asked = query(rng.standard_normal((tokens, 8)), ["a", "b", "c"], word_index)
    explained = explain_page(asked, PAGE, embedding, "a.pdf")
    assert sum(token.score for token in explained.tokens) == explained.score
    assert sum(gain.score for gain in explained.regions) == explained.score
    of_no_word = sum(token.score for token in explained.tokens if token.word is None)
    assert sum(match.score for match in explained.matches) + of_no_word == explained.score


def test_every_token_names_its_word_its_share_and_its_place(explanation):
    assert [(token.match, token.word, token.region.text) for token in explanation.tokens] == [
        (0, "crimson", "red"), (0, "crimson", "fall"), (1, "fruit", "apples"), (None, None, "apples"),
    ]  # fmt: skip
    assert [token.score for token in explanation.tokens] == pytest.approx([0.6, 0.8, 1.0, 0.3])


def test_heat_is_drawn_for_all_of_a_query_or_a_word_or_a_token(explanation):
    size = (400, 500)
    assert explanation.heat_layer(BOXES, size).size == size
    assert heat_at(explanation.heat_layer(BOXES, size)) == [True, True, True]
    assert heat_at(explanation.heat_layer(BOXES, size, word=0)) == [True, False, True]
    assert heat_at(explanation.heat_layer(BOXES, size, word=1)) == [False, True, False]
    assert heat_at(explanation.heat_layer(BOXES, size, token=1)) == [False, False, True]


def test_a_layer_is_transparent_where_nothing_matched(explanation):
    alpha = np.asarray(explanation.heat_layer(BOXES, (400, 500), word=1))[:, :, 3]
    assert (alpha[:150] == 0).all() and (alpha[300:] == 0).all()


@pytest.mark.parametrize("chosen", [{"word": 2}, {"token": 4}, {"word": -1}])
def test_a_word_or_token_that_is_not_in_the_query_is_refused(explanation, chosen):
    with pytest.raises(InputError, match="the query has"):
        explanation.heat_layer(BOXES, (40, 50), **chosen)


def test_a_word_and_a_token_at_once_are_refused(explanation):
    with pytest.raises(InputError, match="a word or a token, not word 0 and token 1"):
        explanation.heat_layer(BOXES, (40, 50), word=0, token=1)


def test_a_token_that_found_the_whole_page_colours_nothing():
    boxes = np.array([WHOLE_PAGE], np.float32)
    embedding = PageEmbedding(np.eye(1, dtype=np.float32), Regions(boxes, None))
    explained = explain_page(query([[1]], ["a"], [0]), PAGE, embedding, "a.pdf")
    assert not np.asarray(explained.heat_layer(boxes, (40, 50)))[:, :, 3].any()


@pytest.mark.parametrize("paper, ink", [("white", "black"), ("black", "white"), ("#10243f", "#e8eef8")])
def test_heat_is_seen_on_paper_of_any_colour_and_what_is_written_stays_readable(paper, ink):
    """A page half covered by heat, with a line of writing across."""
    page = Image.new("RGB", (400, 400), paper)
    ImageDraw.Draw(page).text((40, 190), "total revenue grew by four per cent", fill=ink)
    level = np.zeros((400, 400), np.float32)
    level[100:300, :200] = 1
    before, after = (np.asarray(image, float) for image in (page, mark(page, level)))
    assert np.abs(after[150, 100] - before[150, 100]).max() > 100
    assert (after[:, 220:] == before[:, 220:]).all()
    line = after[185:205, 40:180]
    spread = line.max(axis=(0, 1)) - line.min(axis=(0, 1))
    assert spread.max() > 100


@pytest.mark.parametrize("paper, ink", [("white", "black"), ("black", "white")])
def test_a_layer_is_seen_on_any_paper_and_leaves_half_of_the_contrast(paper, ink):
    page = Image.new("RGB", (8, 8), paper)
    page.paste(ink, (0, 0, 4, 8))
    layer = heat_layer(np.ones((8, 8), np.float32))
    assert np.asarray(layer)[0, 0, :3].tolist() == list(HEAT[1])
    laid = np.asarray(Image.alpha_composite(page.convert("RGBA"), layer).convert("RGB"), float)
    assert np.abs(laid[0, 0] - laid[0, 7]).min() >= 0.49 * 255
    assert np.abs(laid[0, 7] - np.asarray(page, float)[0, 7]).max() > 100


def rows_of_writing(picture):
    """The lines of the legend below its head, as (first, last) rows that hold ink."""
    legend = np.asarray(picture.convert("L"))[:, -LEGEND_WIDTH_PX + 10 :]
    inked = (legend < 200).any(axis=1)
    starts = np.flatnonzero(inked[1:] & ~inked[:-1]) + 1
    ends = np.flatnonzero(~inked[1:] & inked[:-1]) + 1
    return list(zip(starts, ends, strict=False))


@pytest.mark.parametrize("words", [1, 12, 40])
def test_notes_have_lines_of_their_own_below_however_many_matches(words):
    """Two notes of two lines each at the foot of the legend: never over a match, each other, or the edge."""
    boxes = np.concatenate([BOXES, [WHOLE_PAGE]]).astype(np.float32)
    embedding = PageEmbedding(np.eye(4, dtype=np.float32), Regions(boxes, None))
    asked = query(
        np.eye(4)[[*[0] * words, 3, 3]], [f"w{n}" for n in range(words + 1)], [*range(words + 1), -1]
    )
    explained = explain_page(asked, PAGE, embedding, "a.pdf")
    assert len(explained.notes) == 2
    with_notes = explained.draw(Image.new("RGB", (600, 300), "white"), boxes)
    lines = rows_of_writing(with_notes)
    assert all(end - start <= 30 for start, end in lines)
    assert lines[-1][1] < with_notes.height <= PAGE_EDGE_PX

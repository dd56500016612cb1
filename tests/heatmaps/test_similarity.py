from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from maxsight.errors import InputError
from maxsight.heatmaps.contrast import contrast
from maxsight.heatmaps.explanation import explain_page
from maxsight.heatmaps.overlay import LEGEND_WIDTH_PX, PALETTE
from maxsight.heatmaps.places import regions_at, words_in
from maxsight.heatmaps.similarity import attribute
from maxsight.heatmaps.snippets import marks, shorten, snippet
from maxsight.results import Region
from maxsight.retrieval.maxsim import maxsim
from maxsight.stores.background import Background
from maxsight.types import WHOLE_PAGE, Page, PageEmbedding, QueryEmbedding, Regions, TextSource, Words

TEXT = "red apples fall"
SPANS = np.array([[0, 3], [4, 10], [11, 15]], np.int32)
BOXES = np.array([[0.1, 0.1, 0.2, 0.15], [0.3, 0.1, 0.5, 0.15], [0.6, 0.8, 0.7, 0.85]], np.float32)
PAGE = Page(0, TEXT, Words(SPANS, BOXES), TextSource.LAYER, 612, 792)
EMBEDDING = PageEmbedding(np.eye(3, dtype=np.float32), Regions(BOXES, SPANS))


def query(vectors, words, word_index):
    return QueryEmbedding(
        " ".join(words), np.array(vectors, np.float32), tuple(words), np.array(word_index, np.int32)
    )


def snippet_of(asked, page, embedding):
    return snippet(page, contrast(asked, page, embedding, attribute(asked, embedding), None))


def test_each_query_word_names_the_region_that_gave_most_of_it():
    """'crimson' has two pieces: 0.6 on 'red' and 0.8 on 'fall'; it gave 1.4 and is shown at 'fall'."""
    asked = query([[0.6, 0, 0], [0, 0, 0.8], [0, 1, 0]], ["crimson", "fruit"], [0, 0, 1])
    crimson, fruit = explain_page(asked, PAGE, EMBEDDING, "a.pdf").matches
    assert (crimson.word, crimson.region.text) == ("crimson", "fall")
    assert crimson.score == pytest.approx(1.4)
    assert fruit.region.text == "apples"
    assert fruit.region.box == pytest.approx((0.3, 0.1, 0.5, 0.15))


def test_two_pieces_at_one_place_outweigh_a_stronger_one_elsewhere():
    """Of 'crimson' 0.5 and 0.4 is from 'red', 0.8 from 'fall'; each token keeps its own place and score."""
    asked = query([[0.5, 0, 0], [0, 0, 0.8], [0.4, 0, 0]], ["crimson"], [0, 0, 0])
    asked = replace(asked, tokens=("cr", "im", "son"))
    explanation = explain_page(asked, PAGE, EMBEDDING, "a.pdf")
    (crimson,) = explanation.matches
    assert crimson.region.text == "red"
    assert crimson.score == pytest.approx(1.7)
    assert [(token.piece, token.region.text, round(token.score, 4)) for token in explanation.tokens] == [
        ("cr", "red", 0.5), ("im", "fall", 0.8), ("son", "red", 0.4)
    ]  # fmt: skip


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
    assert explain_page(asked, PAGE, EMBEDDING, "a.pdf").contrast.vectors.tolist() == [[0, 0, 1]]


def test_the_picture_is_marked_where_the_match_is_and_nowhere_else():
    asked = query([[0, 0, 1]], ["falling"], [0])
    blank = Image.new("RGB", (700, 1000), "white")
    picture = explain_page(asked, PAGE, EMBEDDING, "a.pdf").draw(blank, BOXES)
    page = np.asarray(picture)[:, : round(700 * 1.4)]
    height, width = page.shape[:2]
    x0, y0, x1, y1 = BOXES[2]
    inside = page[round(y0 * height) : round(y1 * height), round(x0 * width) : round(x1 * width)]
    assert inside.reshape(-1, 3).mean(axis=0)[2] < 130  # blue is gone: red heat
    assert (page[: height // 2] == 255).all()


def test_the_snippet_is_the_stretch_that_matched():
    words = [f"word{index}" for index in range(400)]
    text = " ".join(words)
    starts = np.array([text.index(word) for word in words])
    spans = np.stack([starts, starts + [len(word) for word in words]], axis=1).astype(np.int32)
    page = Page(0, text, Words(spans, None), TextSource.FILE)
    embedding = PageEmbedding(np.eye(3, dtype=np.float32), Regions(None, spans[[300, 301, 5]]))
    asked = query(np.eye(3), ["a", "b", "c"], [0, 1, 2])
    found = snippet_of(asked, page, embedding)
    assert "word300 word301" in found
    assert found.startswith("… word") and found.endswith(" …")


def test_a_snippet_does_not_begin_in_the_paragraph_before():
    text = "The first paragraph.\n\nThe second one."
    assert shorten(text, text.index("The second")) == "… The second one."
    assert shorten(text, 4) == "The first paragraph. The second one."


@pytest.mark.parametrize("start", [0, 3, 50, 99])
def test_a_snippet_never_cuts_a_word(start):
    text = "alpha beta gamma delta " * 40
    assert set(shorten(text, start).replace("…", "").split()) <= {"alpha", "beta", "gamma", "delta"}


def test_a_piece_of_a_word_is_shown_as_the_whole_word():
    """'ppl' inside 'apples' is shown as 'apples'."""
    pieces = Regions(BOXES[1:2], np.array([[5, 8]], np.int32))
    embedding = PageEmbedding(np.eye(3, dtype=np.float32)[:1], pieces)
    asked = query([[1, 0, 0]], ["fruit"], [0])
    (match,) = explain_page(asked, PAGE, embedding, "a.pdf").matches
    assert match.region.text == "apples"


# Patches: vectors with a place on the page and no span of its text ------------------------------------------


GRID = 8
PROMPT = 2
"""Vectors of the whole page, which come after the patches."""


def patch_page(text="", words=None):
    """A page of 8 x 8 patches and two prompt tokens, each vector at right angles to all others."""
    rows, cols = np.divmod(np.arange(GRID * GRID), GRID)
    boxes = np.stack([cols, rows, cols + 1, rows + 1], axis=1) / GRID
    boxes = np.concatenate([boxes, np.tile(WHOLE_PAGE, (PROMPT, 1))]).astype(np.float32)
    embedding = PageEmbedding(np.eye(len(boxes), dtype=np.float32), Regions(boxes, None))
    empty = Words(np.empty((0, 2), np.int32), np.empty((0, 4), np.float32))
    return Page(0, text, words or empty, TextSource.LAYER, 612, 792), embedding


def pointing_at(*vectors, word_index=None):
    """A query whose tokens each equal one vector of ``patch_page``: row * 8 + column, or 64 and 65."""
    rows = np.eye(GRID * GRID + PROMPT, dtype=np.float32)[list(vectors)]
    word_index = list(range(len(vectors))) if word_index is None else word_index
    return query(rows, [f"word{index}" for index in range(max(word_index) + 1)], word_index)


def test_the_text_of_a_patch_is_the_words_that_stand_in_it():
    """Patch (1, 2) spans x 0.25-0.375 and y 0.125-0.25: it holds 'net', half of 'sales', a sliver of 'rose'."""
    text = "net sales rose fell"
    spans = np.array([[0, 3], [4, 9], [10, 14], [15, 19]], np.int32)
    boxes = [
        [0.26, 0.15, 0.3, 0.17],
        [0.32, 0.15, 0.43, 0.17],
        [0.37, 0.2, 0.5, 0.22],
        [0.26, 0.3, 0.3, 0.32],
    ]
    page, embedding = patch_page(text, Words(spans, np.array(boxes, np.float32)))
    vector = 1 * GRID + 2
    assert regions_at(page, embedding, np.array([vector]))[vector] == Region(
        (0.25, 0.125, 0.375, 0.25), "net sales"
    )


def test_a_word_larger_than_a_patch_is_the_text_of_all_its_patches():
    page, embedding = patch_page(
        "REPORT", Words(np.array([[0, 6]], np.int32), np.array([[0, 0, 0.5, 0.25]], np.float32))
    )
    regions = regions_at(page, embedding, np.arange(GRID * GRID))
    shown = [vector for vector, region in regions.items() if region.text]
    assert shown == [row * GRID + col for row in range(2) for col in range(4)]


def test_a_word_without_a_size_and_a_page_whose_words_have_no_boxes_show_nothing():
    page, _ = patch_page(
        "x", Words(np.array([[0, 1]], np.int32), np.array([[0.3, 0.3, 0.3, 0.3]], np.float32))
    )
    assert not len(words_in(page, np.array([0.25, 0.25, 0.375, 0.375], np.float32)))
    page, _ = patch_page("x", Words(np.array([[0, 1]], np.int32), None))
    assert not len(words_in(page, np.array([0.25, 0.25, 0.375, 0.375], np.float32)))


def test_a_page_without_text_has_an_empty_snippet_and_still_a_box():
    page, embedding = patch_page()
    assert snippet_of(pointing_at(10), page, embedding) == ""
    (match,) = explain_page(pointing_at(10), page, embedding, "a.pdf").matches
    assert match.region == Region((0.25, 0.125, 0.375, 0.25), "")
    assert str(match.region) == "region 0.25,0.12-0.38,0.25"


def test_the_snippet_of_patches_is_the_text_around_the_best_of_them():
    """Word n stands in patch n; the text before the best patches is long enough to be cut off."""
    words = [f"figure{number:02}-of-the-year" for number in range(64)]
    starts = np.arange(64) * 22
    rows, cols = np.divmod(np.arange(64), GRID)
    boxes = np.stack([cols + 0.1, rows + 0.4, cols + 0.9, rows + 0.6], axis=1).astype(np.float32) / GRID
    page, embedding = patch_page(
        " ".join(words), Words(np.stack([starts, starts + 21], axis=1).astype(np.int32), boxes)
    )
    asked = pointing_at(40, 41, 3)
    found = snippet_of(asked, page, embedding)
    assert "figure40-of-the-year figure41-of-the-year" in found
    assert "figure03" not in found and found.startswith("… figure")


def test_vectors_of_the_whole_page_count_and_point_at_no_place():
    """One token finds a patch, one the prompt, and one that belongs to no word finds the prompt too."""
    page, embedding = patch_page()
    asked = pointing_at(10, 64, 65, word_index=[0, 1, -1])
    explanation = explain_page(asked, page, embedding, "a.pdf")
    assert explanation.score == pytest.approx(3)
    assert [str(match.region) for match in explanation.matches] == [
        "region 0.25,0.12-0.38,0.25",
        "whole page",
    ]
    assert {str(gain.region): gain.score for gain in explanation.regions} == pytest.approx(
        {"whole page": 2.0, "region 0.25,0.12-0.38,0.25": 1.0}
    )
    assert explanation.notes == (
        "1.00 of 3.00 is from query tokens that belong to no word",
        "2.00 of 3.00 is from vectors of the whole page, which are not drawn",
    )


def test_words_alone_explain_all_of_a_score():
    assert explain_page(query([[0, 1, 0]], ["fruit"], [0]), PAGE, EMBEDDING, "a.pdf").notes == ()


def marked(picture):
    """How much each of the 8 x 8 patches of the drawn page is coloured. Shape ``(8, 8)``, in [0, 1]."""
    page = np.asarray(picture, dtype=float)[:, : picture.width - LEGEND_WIDTH_PX]
    missing_blue = 1 - page[:, :, 2] / 255
    height, width = (edge // GRID * GRID for edge in missing_blue.shape)
    tiles = missing_blue[:height, :width].reshape(GRID, height // GRID, GRID, width // GRID)
    return tiles.mean(axis=(1, 3))


def drawn(explanation, embedding, size=(800, 800)):
    return explanation.draw(Image.new("RGB", size, "white"), embedding.regions.boxes)


def test_the_heat_is_on_the_patches_that_answer_the_query():
    page, embedding = patch_page()
    explanation = explain_page(pointing_at(10, 45, 64), page, embedding, "a.pdf")
    heat = marked(drawn(explanation, embedding))
    assert {tuple(place) for place in np.argwhere(heat > 0.4)} == {(1, 2), (5, 5)}
    far = np.ones((GRID, GRID), bool)
    far[0:3, 1:4] = far[4:7, 4:7] = False  # the colour fades out over the neighbours
    assert (heat[far] == 0).all()


def test_a_page_found_by_its_prompt_alone_is_not_coloured():
    page, embedding = patch_page()
    assert (marked(drawn(explain_page(pointing_at(64, 65), page, embedding, "a.pdf"), embedding)) == 0).all()


def test_what_a_token_found_in_the_prompt_colours_no_place():
    """The second token resembles patch (5, 5) and the prompt more: what it gave came from no place."""
    page, embedding = patch_page()
    asked = pointing_at(10, 64)
    asked.vectors[1, [45, 64]] = 0.6, 0.8
    heat = marked(drawn(explain_page(asked, page, embedding, "a.pdf"), embedding))
    assert heat[1, 2] > 0.4 and heat[5, 5] == 0


def test_words_that_matched_at_the_top_of_the_page_are_named_there():
    """Three words found the first patch: beside it each has its name in a colour of its own, none over another."""
    page, embedding = patch_page()
    picture = np.asarray(drawn(explain_page(pointing_at(0, 0, 0), page, embedding, "a.pdf"), embedding))
    around = picture[: 2 * 1400 // GRID, : 2 * 1400 // GRID].copy()
    around[: 1400 // GRID + 5, : 1400 // GRID + 5] = 0
    assert all((around == colour).all(axis=2).sum() > 300 for colour in PALETTE[:3])


def test_heat_runs_from_one_patch_into_the_next_without_a_grid():
    """Along the middle of two neighbours that match alike, the colour does not dip where they meet."""
    page, embedding = patch_page()
    picture = drawn(
        explain_page(pointing_at(26, 27, word_index=[-1, -1]), page, embedding, "a.pdf"), embedding
    )
    row = np.asarray(picture, dtype=float)[round(3.5 / GRID * 1400), :1400, 2]
    inside = row[round(2.5 / GRID * 1400) : round(3.5 / GRID * 1400)]
    assert inside.max() - inside.min() < 12
    edge = row[round(3.6 / GRID * 1400) : round(4.4 / GRID * 1400)]
    assert (np.diff(edge) >= 0).all() and np.diff(edge).max() < 8  # fades out, with no step


@given(
    seed=st.integers(0, 2**32 - 1),
    tokens=st.integers(1, 12),
    side=st.integers(1, 6),
    prompt=st.integers(0, 3),
)
def test_what_patches_and_the_prompt_gave_sums_to_the_score(seed, tokens, side, prompt):
    rng = np.random.default_rng(seed)
    rows, cols = np.divmod(np.arange(side * side), side)
    boxes = np.stack([cols, rows, cols + 1, rows + 1], axis=1) / side
    boxes = np.concatenate([boxes, np.tile(WHOLE_PAGE, (prompt, 1))]).astype(np.float32)
    embedding = PageEmbedding(rng.standard_normal((len(boxes), 4)).astype(np.float32), Regions(boxes, None))
    asked = query(rng.standard_normal((tokens, 4)), ["w"], rng.integers(-1, 1, tokens))
    explanation = explain_page(asked, PAGE, embedding, "a.pdf")
    score = maxsim(asked.vectors, [embedding.vectors])[0]
    assert explanation.score == pytest.approx(score, abs=1e-4)
    assert sum(gain.score for gain in explanation.regions) == pytest.approx(score, abs=1e-4)


def test_a_vector_of_plain_text_that_stands_for_the_whole_page_names_no_word():
    """A text model's prompt has an empty span; it must not be shown as the word it would touch."""
    page = Page(0, TEXT, Words(SPANS, None), TextSource.FILE)
    embedding = PageEmbedding(
        np.eye(3, dtype=np.float32), Regions(None, np.array([[0, 0], [0, 3], [4, 10]], np.int32))
    )
    explanation = explain_page(
        query([[1, 0, 0], [0, 0, 1]], ["the", "fruit"], [0, 1]), page, embedding, "a.txt"
    )
    assert [str(match.region) for match in explanation.matches] == ["whole page", "apples"]
    assert snippet(page, explanation.contrast) == TEXT


def divided_page():
    """'a foundational idea', divided after 'founda': vector 1 stands for the word, vector 2 for its end."""
    spans = np.array([[0, 1], [2, 8], [8, 14], [15, 19]], np.int32)
    boxes = np.array(
        [[0.7, 0.1, 0.72, 0.15], [0.75, 0.1, 0.9, 0.15], [0.1, 0.2, 0.25, 0.25], [0.3, 0.2, 0.4, 0.25]],
        np.float32,
    )
    page = Page(0, "a foundational idea", Words(spans, boxes), TextSource.LAYER, 612, 792)
    tokens = np.array([[0, 1], [2, 14], [10, 14], [15, 19]], np.int32)
    return page, PageEmbedding(np.eye(4, dtype=np.float32), Regions(boxes[[0, 1, 2, 3]], tokens))


def test_a_word_divided_between_lines_is_one_region_with_all_its_boxes():
    page, embedding = divided_page()
    regions = regions_at(page, embedding, np.arange(4))
    assert [regions[vector].text for vector in range(4)] == ["a", "foundational", "foundational", "idea"]
    assert regions[1] == regions[2]
    assert regions[1].box == pytest.approx((0.75, 0.1, 0.9, 0.15))
    assert regions[1].more == (pytest.approx((0.1, 0.2, 0.25, 0.25)),)
    assert regions[0].more == regions[3].more == ()
    patch = np.array([0.05, 0.15, 0.5, 0.3], np.float32)
    patches = PageEmbedding(np.eye(1, dtype=np.float32), Regions(patch[None], None))
    assert regions_at(page, patches, np.arange(1))[0].text == "tional idea", "a patch shows one part"


@pytest.mark.parametrize("vector", [1, 2])
def test_both_parts_of_a_divided_word_are_warm_and_outlined(vector):
    page, embedding = divided_page()
    asked = query([np.eye(4)[vector]], ["basic"], [0])
    explanation = explain_page(asked, page, embedding, "a.pdf")
    white = Image.new("RGB", (400, 400), "white")
    heat = np.asarray(explanation.mark(white, embedding.regions.boxes)).min(axis=2) < 200
    assert heat[50, 330], "the end of the first line"
    assert heat[90, 70], "the start of the second"
    assert not heat[90, 140]
    drawn = np.asarray(explanation.draw(white, embedding.regions.boxes)).reshape(-1, 1320, 3)[:, :800]
    blue = (np.abs(drawn.astype(int) - PALETTE[0]) < 10).all(axis=2)
    assert blue[:150, 590:730].any()
    assert blue[150:220, 60:220].any()


# Contrast: what tells this page from others --------------------------------------------------------------------


def words_page(text, lines=10):
    """A page of words with a vector each: line after line of five words, all vectors at right angles."""
    words = text.split()
    starts = np.cumsum([0, *(len(word) + 1 for word in words[:-1])])
    spans = np.stack([starts, starts + [len(word) for word in words]], axis=1).astype(np.int32)
    rows, cols = np.divmod(np.arange(len(words)), 5)
    boxes = np.stack([cols, rows, cols + 0.9, rows + 0.8], axis=1).astype(np.float32) / lines
    embedding = PageEmbedding(np.eye(len(words), dtype=np.float32), Regions(boxes, spans))
    return Page(0, " ".join(words), Words(spans, boxes), TextSource.LAYER, 612, 792), embedding


def test_the_number_itself_wins_over_a_similar_one_and_all_its_places_are_marked():
    """The vector points at 641, as a model may; the page has (23,574) twice, and once beside 'plans'."""
    page, embedding = words_page("total 641 23574 of cash benefit plans (23,574) 84,501 sum")
    asked = query(np.eye(10)[[5, 6, 1]], ["benefit", "plans", "23,574"], [0, 1, 2])
    explanation = explain_page(asked, page, embedding, "a.pdf")
    number = explanation.matches[2]
    assert number.identical and [place.text for place in number.places] == ["23,574", "23574"]
    assert number.region.box == pytest.approx((0.2, 0.1, 0.29, 0.18))
    assert explanation.contrast.vectors[2].tolist() == [0, 0, 1, 0, 0, 0, 0, 1, 0, 0]
    assert explanation.tokens[2].region.text == "641"  # the shares of the score stay those of the vectors
    assert explanation.score == 3


def test_of_very_many_places_the_first_100_are_listed_and_all_are_warm():
    page, embedding = words_page("7 " * 150 + "sum 7", lines=40)
    asked = query(np.eye(152)[[0, 150]], ["7", "sum"], [0, 1])
    explanation = explain_page(asked, page, embedding, "a.pdf")
    assert len(explanation.matches[0].places) == 100
    assert np.count_nonzero(explanation.contrast.words[0] == 1) == 151


def test_common_words_are_named_so_and_give_no_heat():
    page, embedding = words_page("the cost of the pump rose")
    asked = query(np.eye(6)[[0, 4]], ["the", "pump"], [0, 1])
    explanation = explain_page(asked, page, embedding, "a.pdf")
    assert [(match.word, match.common) for match in explanation.matches] == [("the", True), ("pump", False)]
    assert explanation.contrast.heat().tolist() == [0, 0, 0, 0, 1, 0]
    assert sum(match.score for match in explanation.matches) == explanation.score
    alone = explain_page(query(np.eye(6)[[0]], ["the"], [0]), page, embedding, "a.pdf")
    assert not alone.matches[0].common


def test_what_is_as_similar_as_on_an_average_page_does_not_stand_out():
    """An average page has 0.5 of each token: 0.75 stands out by half of what is left, 0.5 not at all."""
    page, embedding = words_page("alpha beta")
    asked = query([[0.75, 0], [0, 0.5]], ["gamma", "delta"], [0, 1])
    background = Background(pages=9, level=0.5, weights=(0.0, 0.0))
    explanation = explain_page(asked, page, embedding, "a.pdf", background)
    assert [match.contrast for match in explanation.matches] == [0.5, 0]
    assert explanation.contrast.heat()[1] < explanation.contrast.heat()[0] < 0.5


def test_the_heat_is_highest_where_most_of_the_query_stands_together():
    page, embedding = words_page(f"pump weight {'filler ' * 20}pump noise {'filler ' * 20}weight")
    asked = query(np.eye(45)[[0, 1]], ["pump", "noise"], [0, 1])
    heat = explain_page(asked, page, embedding, "a.pdf").contrast.heat()
    assert heat.argmax() in (22, 23) and 0 < heat[0] < heat[22] and heat[30] < heat[24] < heat[23]


@pytest.mark.parametrize("asked", ["foundational", "foundational idea"])
def test_a_divided_word_that_is_found_to_the_letter_has_the_boxes_of_both_parts(asked):
    page, embedding = divided_page()
    (match,) = explain_page(query([np.eye(4)[0]], [asked], [0]), page, embedding, "a.pdf").matches
    (place,) = match.places
    assert place.text == asked and place.box == pytest.approx((0.75, 0.1, 0.9, 0.15))
    assert place.more == (pytest.approx((0.1, 0.2, 0.4 if "idea" in asked else 0.25, 0.25)),)


def test_the_snippet_marks_all_exact_matches():
    assert marks("Net sales; net profit 77.300", ["net", "77,300"]) == ((0, 3), (11, 14), (22, 28))

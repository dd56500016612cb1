"""What every encoder promises, run on each of them."""

import re

import numpy as np
import pytest

from maxsight.encoders import ENCODER_NAMES, Encoder, load_encoder
from maxsight.errors import EmptyQueryError
from maxsight.types import MAX_VECTORS_PER_PAGE, Page, TextSource, Words

TEXTS = (
    "Net sales rose by four percent to 1,234.5 million dollars in fiscal 2023.",
    "Batteries must be taken to a collection point (see chapter 7); never burn them.",
    "Revenue",
    "The committee met twelve times. " * 40,
)


@pytest.fixture(scope="module", params=ENCODER_NAMES)
def encoder(request) -> Encoder:
    return load_encoder(request.param)


def page_of(text: str, *, with_boxes: bool = True) -> Page:
    """A page whose words stand side by side in one line."""
    spans = np.array([match.span() for match in re.finditer(r"\S+", text)], np.int32).reshape(-1, 2)
    boxes = np.zeros((len(spans), 4), np.float32)
    boxes[:, 0::2] = spans / max(len(text), 1)
    boxes[:, 1::2] = 0.4, 0.6
    return Page(0, text, Words(spans, boxes if with_boxes else None), TextSource.LAYER, 612, 792)


def test_page_vectors_are_float32_of_the_spaces_dimension_and_of_length_1(encoder):
    for embedding in encoder.encode_pages([page_of(text) for text in TEXTS]):
        assert embedding.vectors.dtype == np.float32
        assert embedding.vectors.shape[1] == encoder.space.dim
        np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-5)


def test_query_vectors_are_float32_of_the_spaces_dimension_and_of_length_1(encoder):
    vectors = encoder.encode_query("What drove net sales?").vectors
    assert vectors.dtype == np.float32
    assert vectors.shape[1] == encoder.space.dim
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_each_vector_points_at_its_word_in_the_text_and_on_the_page(encoder):
    page = page_of(TEXTS[1])
    regions = encoder.encode_pages([page])[0].regions
    words = {tuple(span): tuple(box) for span, box in zip(page.words.spans, page.words.boxes, strict=True)}
    for (start, end), box in zip(regions.spans, regions.boxes, strict=True):
        (word,) = [span for span in words if span[0] <= start and end <= span[1]]
        assert tuple(box) == words[word]


def test_plain_text_has_spans_and_no_boxes(encoder):
    regions = encoder.encode_pages([page_of(TEXTS[0], with_boxes=False)])[0].regions
    assert regions.boxes is None
    assert len(regions.spans) == len(regions) > 0


def test_a_pages_vectors_do_not_depend_on_its_batch_mates(encoder):
    pages = [page_of(text) for text in TEXTS]
    for page, together in zip(pages, encoder.encode_pages(pages), strict=True):
        (alone,) = encoder.encode_pages([page])
        np.testing.assert_allclose(alone.vectors, together.vectors, atol=1e-5)
        np.testing.assert_array_equal(alone.regions.spans, together.regions.spans)


def test_encoding_twice_gives_the_same_vectors(encoder):
    pages = [page_of(text) for text in TEXTS]
    for first, second in zip(encoder.encode_pages(pages), encoder.encode_pages(pages), strict=True):
        np.testing.assert_array_equal(first.vectors, second.vectors)


@pytest.mark.parametrize("text", ["", " \n\t ", "... --- !!!"])
def test_a_page_without_words_has_no_vectors(encoder, text):
    empty, full = encoder.encode_pages([page_of(text), page_of(TEXTS[0])])
    assert empty.vectors.shape == (0, encoder.space.dim)
    assert len(empty.regions) == 0
    assert len(full.vectors) > 0


def test_no_pages_give_no_embeddings(encoder):
    assert encoder.encode_pages([]) == []


def test_a_page_of_too_many_words_is_fitted_without_losing_a_part_of_it(encoder):
    text = "alpha beta gamma delta " * 1500
    (embedding,) = encoder.encode_pages([page_of(text)])
    assert len(embedding.vectors) == MAX_VECTORS_PER_PAGE
    np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-5)
    covered = np.zeros(len(text), bool)
    for start, end in embedding.regions.spans:
        covered[start:end] = True
    assert all(covered[index] for index, character in enumerate(text) if character != " ")


def test_each_query_vector_names_its_word(encoder):
    query = encoder.encode_query('Why did "net sales" fall (in 2023)?')
    assert query.text == 'Why did "net sales" fall (in 2023)?'
    assert query.words == ("Why", "did", "net", "sales", "fall", "in", "2023")
    assert set(query.word_index) == set(range(7))
    assert query.word_index.dtype == np.int32
    assert (np.diff(query.word_index) >= 0).all()


@pytest.mark.parametrize("text", ["", "  \t\n", "?", "... -- !?", "\u2014"])
def test_a_query_of_nothing_but_space_and_punctuation_is_refused(encoder, text):
    with pytest.raises(EmptyQueryError, match="no words"):
        encoder.encode_query(text)


def test_a_query_of_ten_thousand_words_is_answered(encoder):
    query = encoder.encode_query("What drove net sales in fiscal year 2023? " * 1250)
    assert 0 < len(query.vectors) <= 10_000
    assert query.words[:3] == ("What", "drove", "net")


def test_a_page_is_nearest_to_a_query_in_its_own_words(encoder):
    pages = encoder.encode_pages([page_of(text) for text in TEXTS])
    query = encoder.encode_query("Where must batteries be taken?").vectors
    scores = [(query @ page.vectors.T).max(axis=1).sum() for page in pages]
    assert int(np.argmax(scores)) == 1


def test_the_space_is_the_same_each_time_the_encoder_is_loaded(encoder):
    assert load_encoder(encoder.space.encoder).space == encoder.space
    assert encoder.space.revision


def test_there_is_nothing_to_notice_about_english(encoder):
    assert encoder.notice(TEXTS[1]) is None

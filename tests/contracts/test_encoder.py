"""The contract of encoders, run on each of them."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from maxsight.encoders import ENCODER_NAMES, Encoder, EncoderOptions, load_encoder
from maxsight.errors import EmptyQueryError, InputError
from maxsight.pictures import fit_picture
from maxsight.types import MAX_VECTORS_PER_PAGE, WHOLE_PAGE, Page, TextSource, Words

TEXTS = (
    "Net sales rose by four percent to 1,234.5 million dollars in fiscal 2023.",
    "Batteries must be taken to a collection point (see chapter 7); never burn them.",
    "Revenue",
    "The committee met twelve times. " * 40,
)
TEXT_CHECKPOINTS = ("stanford", "pylate", "sentence-transformers")
PICTURE_CHECKPOINTS = ("colpali", "colqwen2", "colmodernvbert")
ENCODERS_OF_WORDS = (*ENCODER_NAMES, *TEXT_CHECKPOINTS)


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """``load(name)`` gives the encoder of this name, or a tiny checkpoint of this kind."""
    root = tmp_path_factory.mktemp("checkpoints")

    @cache
    def load_by_name(name):
        if name in ENCODER_NAMES:
            return load_encoder(name)
        pytest.importorskip("torch", reason="the extra 'colpali' is not installed")
        from encoders.checkpoints import tiny, tiny_text

        builder = tiny_text if name in TEXT_CHECKPOINTS else tiny
        builder.save(name, root / name)
        return load_encoder(str(root / name), EncoderOptions(("cpu",)))

    return load_by_name


@pytest.fixture(params=(*ENCODERS_OF_WORDS, *PICTURE_CHECKPOINTS))
def encoder(request, load) -> Encoder:
    return load(request.param)


@pytest.fixture(params=ENCODERS_OF_WORDS)
def encoder_of_words(request, load) -> Encoder:
    return load(request.param)


@pytest.fixture(params=PICTURE_CHECKPOINTS)
def encoder_of_pictures(request, load) -> Encoder:
    return load(request.param)


def page_of(text: str, encoder: Encoder, *, with_boxes: bool = True) -> Page:
    """A page whose words stand side by side in one line."""
    spans = np.array([match.span() for match in re.finditer(r"\S+", text)], np.int32).reshape(-1, 2)
    boxes = np.zeros((len(spans), 4), np.float32)
    boxes[:, 0::2] = spans / max(len(text), 1)
    boxes[:, 1::2] = 0.4, 0.6
    picture = None
    if encoder.picture is not None:
        image = Image.new("RGB", (300 + len(text) // 4, 300), "white")
        ImageDraw.Draw(image).text((10, 140), text, "black")
        picture = fit_picture(image, encoder.picture)
    words = Words(spans, boxes if with_boxes else None)
    return Page(0, text, words, TextSource.LAYER, 612, 792, picture)


def test_page_vectors_are_float32_of_the_spaces_dimension_and_of_length_1(encoder):
    for embedding in encoder.encode_pages([page_of(text, encoder) for text in TEXTS]):
        assert embedding.vectors.dtype == np.float32
        assert embedding.vectors.shape[1] == encoder.space.dim
        np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-5)


def test_query_vectors_are_float32_of_the_spaces_dimension_and_of_length_1(encoder):
    vectors = encoder.encode_query("What drove net sales?").vectors
    assert vectors.dtype == np.float32
    assert vectors.shape[1] == encoder.space.dim
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_each_vector_points_at_its_word_in_the_text_and_on_the_page(encoder_of_words):
    page = page_of(TEXTS[1], encoder_of_words)
    regions = encoder_of_words.encode_pages([page])[0].regions
    words = {tuple(span): tuple(box) for span, box in zip(page.words.spans, page.words.boxes, strict=True)}
    placed = ~regions.whole_page
    assert placed.any()
    for (start, end), box in zip(regions.spans[placed], regions.boxes[placed], strict=True):
        (word,) = [span for span in words if span[0] <= start and end <= span[1]]
        assert tuple(box) == words[word]


def test_each_patch_has_a_box_and_stands_for_no_text(encoder_of_pictures):
    page = page_of(TEXTS[1], encoder_of_pictures)
    regions = encoder_of_pictures.encode_pages([page])[0].regions
    assert regions.spans is None
    patches = regions.boxes[~regions.whole_page]
    np.testing.assert_allclose(
        [*patches[:, :2].min(axis=0), *patches[:, 2:].max(axis=0)], WHOLE_PAGE, atol=1e-6
    )


def test_a_page_without_a_picture_is_refused_by_an_encoder_of_pictures(encoder_of_pictures):
    page = replace(page_of(TEXTS[0], encoder_of_pictures), picture=None)
    with pytest.raises(InputError, match="no picture"):
        encoder_of_pictures.encode_pages([page])


def test_plain_text_has_spans_and_no_boxes(encoder_of_words):
    regions = encoder_of_words.encode_pages([page_of(TEXTS[0], encoder_of_words, with_boxes=False)])[
        0
    ].regions
    assert regions.boxes is None
    assert len(regions.spans) == len(regions) > 0


def test_a_pages_vectors_do_not_depend_on_its_batch_mates(encoder):
    pages = [page_of(text, encoder) for text in TEXTS]
    for page, together in zip(pages, encoder.encode_pages(pages), strict=True):
        (alone,) = encoder.encode_pages([page])
        np.testing.assert_allclose(alone.vectors, together.vectors, atol=1e-5)
        np.testing.assert_array_equal(alone.regions.boxes, together.regions.boxes)
        np.testing.assert_array_equal(alone.regions.spans, together.regions.spans)


def test_encoding_twice_gives_the_same_vectors(encoder):
    pages = [page_of(text, encoder) for text in TEXTS]
    for first, second in zip(encoder.encode_pages(pages), encoder.encode_pages(pages), strict=True):
        np.testing.assert_array_equal(first.vectors, second.vectors)


@pytest.mark.parametrize("text", ["", " \n\t ", "... --- !!!"])
def test_a_page_without_words_has_no_vectors(encoder_of_words, text):
    empty, full = encoder_of_words.encode_pages(
        [page_of(text, encoder_of_words), page_of(TEXTS[0], encoder_of_words)]
    )
    assert empty.vectors.shape == (0, encoder_of_words.space.dim)
    assert len(empty.regions) == 0
    assert len(full.vectors) > 0


def test_no_pages_give_no_embeddings(encoder):
    assert encoder.encode_pages([]) == []


def test_a_page_of_too_many_words_is_fitted_without_losing_a_part_of_it(encoder_of_words):
    text = "alpha beta gamma delta " * 1100
    (embedding,) = encoder_of_words.encode_pages([page_of(text, encoder_of_words)])
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
    assert query.word_index.dtype == np.int32
    of_words = query.word_index[query.word_index >= 0]
    assert set(of_words) == set(range(7))
    assert (np.diff(of_words) >= 0).all()


@pytest.mark.parametrize("text", ["", "  \t\n", "?", "... -- !?", "\u2014"])
def test_a_query_of_nothing_but_space_and_punctuation_is_refused(encoder, text):
    with pytest.raises(EmptyQueryError, match="no words"):
        encoder.encode_query(text)


def test_a_query_of_ten_thousand_words_is_answered(encoder):
    query = encoder.encode_query("What drove net sales in fiscal year 2023? " * 1250)
    assert 0 < len(query.vectors) <= 10_000
    assert query.words[:3] == ("What", "drove", "net")


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_a_page_is_nearest_to_a_query_in_its_own_words(name, load):
    encoder = load(name)
    pages = encoder.encode_pages([page_of(text, encoder) for text in TEXTS])
    query = encoder.encode_query("Where must batteries be taken?").vectors
    scores = [(query @ page.vectors.T).max(axis=1).sum() for page in pages]
    assert int(np.argmax(scores)) == 1


def test_the_space_is_the_same_each_time_the_encoder_is_loaded(encoder):
    assert load_encoder(encoder.space.encoder, EncoderOptions(("cpu",))).space == encoder.space
    assert encoder.space.revision


def test_there_is_nothing_to_notice_about_english(encoder):
    assert encoder.notice(TEXTS[1]) is None

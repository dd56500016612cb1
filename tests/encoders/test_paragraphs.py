"""One vector for each paragraph, by MiniLM as it was trained, or as the data brings it."""

import numpy as np
import pytest

from maxsight.documents.cleaning import find_words
from maxsight.encoders import Precomputed, load_encoder
from maxsight.encoders.matching import find_same_encoder, load_own_encoder
from maxsight.encoders.minilm.model import FOLDER
from maxsight.encoders.minilm.tokens import WordPieceTokenizer
from maxsight.encoders.offline.network import Network
from maxsight.encoders.paragraphs import phrases_of
from maxsight.errors import (
    DimensionMismatchError,
    EmptyQueryError,
    EncoderError,
    EncoderMismatchError,
    InputError,
    ModelNotAvailableError,
)
from maxsight.library.queries import embed_query, load_vectors
from maxsight.types import EmbeddingSpace, Page, Paragraphs, TextSource, Words

TEXT = "Red apples fall from the tree.\n\nA bridge hangs from cables.\n \n\nThe council met."
PARAGRAPHS = ["Red apples fall from the tree.", "A bridge hangs from cables.", "The council met."]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("minilm:paragraphs")


def page(text, paragraphs=None, words=None):
    return Page(0, text, words or find_words(text), TextSource.FILE, paragraphs=paragraphs)


def mean_of_tokens(text):
    """What sentence-transformers does: the mean of the hidden states of all tokens, special ones included."""
    ids = WordPieceTokenizer(FOLDER / "tokenizer.json").tokenize(text).ids
    (hidden,) = Network(FOLDER / "model.onnx").hidden_states([np.concatenate([[101], ids, [102]])])
    mean = hidden.mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_a_paragraph_is_the_mean_of_its_tokens(encoder):
    (embedding,) = encoder.encode_pages([page(TEXT)])
    np.testing.assert_allclose(embedding.vectors, [mean_of_tokens(text) for text in PARAGRAPHS], atol=1e-5)
    assert [TEXT[start:end] for start, end in embedding.regions.spans] == PARAGRAPHS


def test_a_paragraphs_vector_depends_on_that_paragraph_alone(encoder):
    (together,) = encoder.encode_pages([page(TEXT)])
    alone = encoder.encode_pages([page(text) for text in [*PARAGRAPHS, "word " * 300]])
    np.testing.assert_allclose(together.vectors, [one.vectors[0] for one in alone[:3]], atol=1e-5)


def test_all_of_a_paragraph_longer_than_the_model_reads_counts(encoder):
    start, end = "Apples and pears grow here. " * 60, "The parliament passed a law on taxes. " * 60
    vectors = [one.vectors[0] for one in encoder.encode_pages([page(start), page(start + end), page(end)])]
    assert vectors[1] @ vectors[2] > vectors[0] @ vectors[2] + 0.2


def test_paragraphs_of_the_data_are_used(encoder):
    spans = np.array([[0, 3], [4, 10]], np.int32)
    (embedding,) = encoder.encode_pages([page(TEXT, Paragraphs(spans))])
    np.testing.assert_array_equal(embedding.regions.spans, spans)
    np.testing.assert_allclose(embedding.vectors[1], mean_of_tokens("apples"), atol=1e-5)


def test_a_page_without_text_has_no_vectors_and_one_with_boxes_has_boxes(encoder):
    boxes = np.array([[0.1, 0.1, 0.2, 0.2], [0.3, 0.1, 0.4, 0.3]], np.float32)
    words = Words(np.array([[0, 3], [4, 9]], np.int32), boxes)
    empty, boxed = encoder.encode_pages([page(""), page("two words", words=words)])
    assert empty.vectors.shape == (0, 384)
    np.testing.assert_allclose(boxed.regions.boxes, [[0.1, 0.1, 0.4, 0.3]])


def test_no_pages_give_no_embeddings(encoder):
    assert encoder.encode_pages([]) == []


def test_a_paragraph_of_mere_punctuation_has_no_vector(encoder):
    (embedding,) = encoder.encode_pages([page("One.\n\n* * *\n\nTwo.")])
    assert embedding.regions.spans.tolist() == [[0, 4], [13, 17]]


def test_the_space_is_the_same_each_time_the_encoder_is_loaded(encoder):
    assert load_encoder("minilm:paragraphs").space == encoder.space


def test_text_of_characters_the_model_lacks_has_a_vector_all_the_same(encoder):
    (embedding,) = encoder.encode_pages([page("\u13a0\u13a1")])
    np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-5)


def test_a_question_finds_the_paragraph_that_answers_it(encoder):
    answers = [
        "Money is returned to customers within thirty days of purchase.",
        "The veterinarian examined the puppy and found nothing wrong.",
        "Knead the dough, let it rise, then put the loaf into a hot oven.",
    ]
    (embedding,) = encoder.encode_pages([page("\n\n".join(answers))])
    for number, question in enumerate(("how to get a refund", "is the dog healthy", "how to bake bread")):
        query = encoder.encode_phrases([question])
        assert (query.vectors @ embedding.vectors.T).argmax() == number


def test_a_query_has_a_vector_for_each_word_and_each_phrase_in_quotes(encoder):
    query = encoder.encode_query('Adobe, "image software" - 1990?')
    assert query.words == ("Adobe", "image software", "1990")
    assert query.text == 'Adobe, "image software" - 1990?'
    np.testing.assert_allclose(query.vectors[1], mean_of_tokens("image software"), atol=1e-5)
    assert len(encoder.encode_query("word " * 100).words) == 64


@pytest.mark.parametrize("query", ["", " ", "?!", '" "', '"'])
def test_a_query_without_words_is_refused(query):
    with pytest.raises(EmptyQueryError):
        phrases_of(query)


def test_paragraphs_and_word_pieces_of_one_model_are_two_spaces(encoder):
    assert not encoder.space.matches(load_encoder("minilm").space)
    assert load_own_encoder(encoder.space).space == encoder.space


def test_only_text_that_is_not_english_is_remarked_on(encoder):
    assert encoder.notice("The apples fall from the tree in autumn and are gathered by the children.") is None
    assert "English" in encoder.notice(
        "Die Äpfel fallen im Herbst vom Baum und werden von den Kindern gesammelt."
    )


# Vectors that came with the data -----------------------------------------------------------------------------


def given_page(vectors):
    spans = np.array([[0, 3], [4, 10]], np.int32)
    return page("Red apples", Paragraphs(spans, np.array(vectors, np.float32)))


def test_given_vectors_are_kept_with_the_spans_of_their_paragraphs():
    (embedding,) = Precomputed(2).encode_pages([given_page([[1, 0], [0, 1]])])
    np.testing.assert_array_equal(embedding.vectors, np.eye(2))
    np.testing.assert_array_equal(embedding.regions.spans, [[0, 3], [4, 10]])


def test_a_page_without_given_vectors_is_refused():
    with pytest.raises(EncoderError, match="came without") as raised:
        Precomputed(2).encode_pages([page("Red apples")])
    assert "--vector-field" in raised.value.hint


def test_a_text_can_not_be_asked_of_given_vectors():
    with pytest.raises(InputError, match="nothing here makes such a vector") as raised:
        Precomputed(2).encode_query("Red apples")
    assert "--query-vectors" in raised.value.hint


def test_given_vectors_know_their_encoder_by_name_and_length():
    space = EmbeddingSpace("precomputed:wiki", "precomputed:wiki", 384, "vectors")
    assert load_own_encoder(space).space == space
    assert not space.matches(Precomputed(384).space)
    with pytest.raises(ModelNotAvailableError, match="there are none"):
        load_encoder("precomputed")


def test_a_named_encoder_is_accepted_for_given_vectors_if_lengths_agree(encoder):
    assert find_same_encoder(Precomputed(384).space, encoder) is encoder
    assert find_same_encoder(Precomputed(384).space, "precomputed") is None
    with pytest.raises(EncoderMismatchError):
        find_same_encoder(Precomputed(385).space, encoder)


# What can be asked -------------------------------------------------------------------------------------------


def unused():
    raise AssertionError("vectors need no encoder")


def test_vectors_are_asked_as_they_are_scaled_to_length_1():
    query = embed_query(unused, Precomputed(2).space, np.array([[3.0, 4.0], [0.0, 2.0]]))
    np.testing.assert_allclose(query.vectors, [[0.6, 0.8], [0, 1]], rtol=1e-6)
    assert query.words == ("vector 1", "vector 2")
    assert embed_query(unused, Precomputed(2).space, np.array([0.0, 2.0])).vectors.shape == (1, 2)


@pytest.mark.parametrize(
    ("vectors", "kind"),
    [
        (np.zeros((1, 2)), InputError),
        (np.full((1, 2), np.nan), InputError),
        (np.full((1, 2), 1e300), InputError),
        (np.ones((1, 3)), DimensionMismatchError),
        (np.ones((0, 2)), DimensionMismatchError),
        (np.ones((1, 1, 2)), DimensionMismatchError),
    ],
)
def test_vectors_that_can_not_be_asked_are_refused(vectors, kind):
    with pytest.raises(kind):
        embed_query(unused, Precomputed(2).space, vectors)


def test_a_list_of_phrases_has_one_vector_each(encoder):
    query = embed_query(lambda: encoder, encoder.space, ["Adobe Systems", "software"])
    assert query.words == ("Adobe Systems", "software")
    assert query.vectors.shape == (2, 384)


def test_a_list_of_phrases_counts_phrase_by_phrase_where_an_encoder_makes_more_vectors():
    encoder = load_encoder("fake")
    query = embed_query(lambda: encoder, encoder.space, ["Adobe Systems", "software"])
    assert query.words == ("Adobe Systems", "software")
    np.testing.assert_array_equal(query.word_index, [0, 0, 1])
    np.testing.assert_array_equal(query.vectors, encoder.encode_query("Adobe Systems software").vectors)


@pytest.mark.parametrize("query", [[], ["?"], ["good", ""], [7], ["\udce9"], "\udce9"])
def test_phrases_that_can_not_be_asked_are_refused(query, encoder):
    with pytest.raises(InputError):
        embed_query(lambda: encoder, encoder.space, query)


def test_vectors_are_read_from_a_file_of_numpy(tmp_path):
    np.save(tmp_path / "q.npy", np.eye(2))
    np.testing.assert_array_equal(load_vectors(tmp_path / "q.npy"), np.eye(2))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    np.savez(tmp_path / "several.npz", a=np.eye(2))
    (tmp_path / "empty.npy").touch()
    for name in ("text.npy", "objects.npy", "several.npz", "empty.npy", "none.npy"):
        with pytest.raises(InputError, match=name):
            load_vectors(tmp_path / name)

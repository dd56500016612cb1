import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from maxsight.encoders.minilm.encoder import MiniLM
from maxsight.encoders.minilm.model import FOLDER
from maxsight.encoders.minilm.tokens import CLS, FRAME, SEP, WordPieceTokenizer
from maxsight.encoders.offline.network import Network
from maxsight.encoders.offline.recipe import Recipe, blend_window
from maxsight.encoders.offline.tokens import cut_windows
from maxsight.errors import EmptyQueryError, ModelNotAvailableError
from maxsight.types import Page, TextSource, Words

DATA = Path(__file__).parent / "data"

QUESTIONS = {
    "How can I get a refund?": "Money is returned to customers within thirty days of purchase.",
    "Is the dog healthy?": "The veterinarian examined the puppy and found nothing wrong.",
    "Which car uses the least fuel?": "This automobile needs only four litres of petrol per hundred kilometres.",
    "When does school start?": "Pupils return to their classrooms on the first Monday of September.",
    "Who wrote the novel?": "The author of the book was a young doctor from Vienna.",
    "How do I bake bread?": "Knead the dough, let it rise, then put the loaf into a hot oven.",
}


@pytest.fixture(scope="module")
def encoder() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="module")
def tokenizer() -> WordPieceTokenizer:
    return WordPieceTokenizer(FOLDER / "tokenizer.json")


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(FOLDER / "model.onnx")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.read(FOLDER)


@pytest.fixture(scope="module")
def float32() -> dict[str, np.ndarray]:
    """Sentences and the hidden states that the original weights give."""
    with np.load(DATA / "minilm_float32.npz") as arrays:
        return {str(s): arrays[f"hidden_{number}"] for number, s in enumerate(arrays["sentences"])}


def page_of(text: str) -> Page:
    spans = np.array([match.span() for match in re.finditer(r"\S+", text)], np.int32).reshape(-1, 2)
    return Page(0, text, Words(spans, None), TextSource.FILE)


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left * right).sum(-1) / np.linalg.norm(left, axis=-1) / np.linalg.norm(right, axis=-1)


def test_a_text_is_cut_into_full_windows_and_a_rest_each_between_the_special_tokens():
    windows = cut_windows(np.arange(1000, 1007), length=5, frame=FRAME)
    assert [window.tolist() for window in windows] == [
        [CLS, 1000, 1001, 1002, SEP],
        [CLS, 1003, 1004, 1005, SEP],
        [CLS, 1006, SEP],
    ]


def test_an_empty_text_has_no_windows():
    assert cut_windows(np.arange(0), length=5, frame=FRAME) == []


def test_hidden_states_are_those_of_the_original_float32_weights(float32, tokenizer, network):
    windows = [cut_windows(tokenizer.tokenize(sentence).ids, 128, FRAME)[0] for sentence in float32]
    for ours, theirs in zip(network.hidden_states(windows), float32.values(), strict=True):
        assert ours.shape == theirs.shape
        assert cosines(ours, theirs).mean() >= 0.9995
        assert cosines(ours, theirs).min() >= 0.999


def test_final_vectors_are_those_of_the_original_float32_weights(float32, tokenizer, network, recipe):
    for sentence, theirs in float32.items():
        ours = network.hidden_states(cut_windows(tokenizer.tokenize(sentence).ids, 128, FRAME))
        assert cosines(recipe.vectors(ours, FRAME), recipe.vectors([theirs], FRAME)).mean() >= 0.999


def test_a_question_finds_the_sentence_that_answers_it_in_other_words(encoder):
    pages = encoder.encode_pages([page_of(text) for text in QUESTIONS.values()])
    for number, question in enumerate(QUESTIONS):
        query = encoder.encode_query(question).vectors
        scores = [(query @ page.vectors.T).max(axis=1).sum() for page in pages]
        assert int(np.argmax(scores)) == number, question


def test_the_same_word_means_different_things_in_different_sentences(encoder):
    """A vector is contextual: "bank" by the river is nearer to "shore" than "bank" with the loan is."""
    river, money, shore = (
        encoder.encode_query(text)
        for text in ("the river bank was muddy", "the bank approved a loan", "the river shore was muddy")
    )
    word = lambda query, text: query.vectors[query.words.index(text)]  # noqa: E731
    assert word(river, "bank") @ word(shore, "shore") > word(money, "bank") @ word(shore, "shore")


def test_a_window_is_centred_blended_and_its_special_tokens_dropped():
    """Hidden (0, 2), (2, 1), (4, 0), mean (1, 0): pooled is (2, 1) / sqrt 5.

    The middle token less the mean is (1, 1), of length 1 (1, 1) / sqrt 2; plus half the pooled
    (1, 0.5) / sqrt 5 that is (1.1543, 0.9307), of length 1 (0.7785, 0.6277).
    """
    hidden = np.array([[0, 2], [2, 1], [4, 0]], np.float32)
    blended = blend_window(hidden, np.array([1, 0], np.float32), 0.5, FRAME)
    np.testing.assert_allclose(blended, [[0.7785, 0.6277]], atol=1e-4)


def test_the_components_are_orthonormal(recipe):
    assert recipe.components.shape == (384, 128)
    np.testing.assert_allclose(recipe.components.T @ recipe.components, np.eye(128), atol=1e-5)


def test_the_revision_is_the_fingerprint_of_the_model_files_and_the_settings():
    recipe = json.loads((FOLDER / "recipe.json").read_text())
    for name, expected in recipe["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == expected, name
    revision = recipe.pop("revision")
    assert hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12] == revision
    assert MiniLM().space.revision == revision


def test_the_model_files_are_small_and_come_with_their_notice():
    assert sum(file.stat().st_size for file in FOLDER.iterdir() if file.is_file()) < 50_000_000
    notice = (FOLDER / "NOTICE").read_text()
    assert "sentence-transformers/all-MiniLM-L6-v2" in notice
    assert "Apache License, Version 2.0" in notice


def test_punctuation_gets_no_vector_but_symbols_and_digits_do(encoder):
    page = page_of("Costs: $5 - (see \u00a7 12), C++!")
    (embedding,) = encoder.encode_pages([page])
    found = [page.text[start:end] for start, end in embedding.regions.spans]
    assert found == ["Costs", "$", "5", "see", "12", "C", "+", "+"]


@pytest.mark.parametrize(
    "other", ["How tight are the bolts", "how tight are THE bolts.", "How tight are the bolts ?!"]
)
def test_case_and_a_mark_at_the_end_of_a_query_change_nothing(encoder, other):
    query, changed = encoder.encode_query("How tight are the bolts?"), encoder.encode_query(other)
    np.testing.assert_array_equal(changed.vectors, query.vectors)
    assert (
        changed.text in other
        and [word.lower() for word in changed.words] == "how tight are the bolts".split()
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C++", ("C++",)),
        ("5%", ("5%",)),
        ("\u00a7 12", ("12",)),
        ("SG&A (FY2023)?", ("SG&A", "FY2023")),
        ("$", ("$",)),
        ("don't", ("don't",)),
    ],
)
def test_a_query_with_a_letter_a_digit_or_a_symbol_is_searched_for(encoder, text, words):
    query = encoder.encode_query(text)
    assert query.words == words
    assert set(query.word_index) == set(range(len(words)))


@pytest.mark.parametrize("text", ["\U0001f600", "\u2c03\u2c0b"])
def test_a_query_of_unknown_characters_only_is_refused_and_says_why(encoder, text):
    with pytest.raises(EmptyQueryError, match="knows none of the characters") as caught:
        encoder.encode_query(text)
    assert "English" in caught.value.hint


@pytest.mark.parametrize("text", ["\u0432\u044b\u0440\u0443\u0447\u043a\u0430", "\u516c\u53f8"])
def test_a_query_in_another_script_is_searched_for_and_noticed(encoder, text):
    assert len(encoder.encode_query(text).vectors) >= 2
    assert "learned English only" in encoder.notice(text)


def test_only_the_first_512_tokens_of_a_query_are_searched_for(encoder):
    long = encoder.encode_query("revenue " * 10_000)
    assert len(long.vectors) == 512
    np.testing.assert_array_equal(long.vectors, encoder.encode_query("revenue " * 512).vectors)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelNotAvailableError, match=r"recipe"):
        Recipe.read(tmp_path)
    with pytest.raises(ModelNotAvailableError, match=r"tokenizer\.json"):
        WordPieceTokenizer(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("kept", [0, 1000, 190_000])
def test_a_projection_that_is_cut_short_is_named(tmp_path, kept):
    (tmp_path / "recipe.json").write_bytes((FOLDER / "recipe.json").read_bytes())
    (tmp_path / "projection.npz").write_bytes((FOLDER / "projection.npz").read_bytes()[:kept])
    with pytest.raises(ModelNotAvailableError, match=r"recipe in .* can't be read"):
        Recipe.read(tmp_path)


def test_a_damaged_model_is_named(tmp_path):
    (tmp_path / "model.onnx").write_bytes((FOLDER / "model.onnx").read_bytes()[:1000])
    with pytest.raises(ModelNotAvailableError, match=r"model\.onnx"):
        Network(tmp_path / "model.onnx")

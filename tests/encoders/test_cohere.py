"""Cohere's models: requests to the API, and the use of its answers. The service runs on the loopback."""

import numpy as np
import pytest

pytest.importorskip("cohere", reason="the extra 'cohere' is not installed")

from encoders.cohere_server import KEY, serving, vector_of
from maxsight import Library
from maxsight.documents import RecordFields
from maxsight.documents.cleaning import find_words
from maxsight.encoders import load_encoder
from maxsight.errors import EncoderError, ModelNotAvailableError
from maxsight.types import Page, TextSource

NAME = "cohere:embed-multilingual-v3.0"


@pytest.fixture
def service(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # away from a .env file of the developer
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    monkeypatch.setenv("CO_API_KEY", KEY)
    with serving() as service:
        monkeypatch.setenv("CO_API_URL", service.url)
        yield service


def page(text, index=0):
    return Page(index, text, find_words(text), TextSource.FILE)


def test_paragraphs_are_documents_and_words_are_queries(service):
    encoder = load_encoder(NAME)
    (embedding,) = encoder.encode_pages([page("The first.\n\nThe second.")])
    query = encoder.encode_query('find "two words" here')
    kinds = [(body["model"], body["input_type"], body["texts"]) for body in service.requests]
    assert kinds == [
        ("embed-multilingual-v3.0", "search_document", ["The first.", "The second."]),
        ("embed-multilingual-v3.0", "search_query", ["find", "two words", "here"]),
    ]
    assert query.words == ("find", "two words", "here")
    assert (encoder.space.dim, encoder.space.revision) == (1024, "embed-multilingual-v3.0")
    expected = [vector_of("search_document", text, 1024) for text in ("The first.", "The second.")]
    np.testing.assert_allclose(embedding.vectors, expected, atol=1e-6)


def test_texts_are_sent_96_at_a_time_and_keep_their_order(service):
    texts = [f"text {number}" for number in range(250)]
    embeddings = load_encoder(NAME).encode_pages([page(text) for text in texts])
    assert [len(body["texts"]) for body in service.requests] == [96, 96, 58]
    vectors = np.concatenate([embedding.vectors for embedding in embeddings])
    np.testing.assert_allclose(vectors, [vector_of("search_document", t, 1024) for t in texts], atol=1e-6)


def test_a_service_that_is_busy_is_asked_again_when_it_says_so(service):
    """The service says after a hundredth of a second; otherwise the first wait would be a second."""
    busy = (429, {"retry-after-ms": "10"}, {"message": "too many requests"})
    service.refusals += [busy, (503, {"retry-after-ms": "10"}, {"message": "unavailable"}), busy]
    (embedding,) = load_encoder(NAME).encode_pages([page("patience")])
    assert len(embedding.vectors) == 1
    assert service.refusals == []


def test_the_wait_is_as_long_as_the_service_says(service, monkeypatch):
    waits = []
    monkeypatch.setattr("cohere.core.http_client.time.sleep", waits.append)
    service.refusals += [(429, {"retry-after": str(seconds)}, {"message": "busy"}) for seconds in (7, 30)]
    load_encoder(NAME).encode_query("anything")
    assert waits == [7, 30]


def test_a_rate_limit_that_does_not_end_is_an_error_that_says_so(service):
    from maxsight.encoders.cohere import CohereEncoder

    service.refusals += 3 * [(429, {"retry-after-ms": "1"}, {"message": "monthly limit reached"})]
    with pytest.raises(EncoderError, match="answered 429, monthly limit reached") as raised:
        CohereEncoder(NAME, max_retries=2).encode_query("anything")
    assert "goes on later from where it stopped" in raised.value.hint


def test_a_wrong_key_is_refused_and_never_shown(service, monkeypatch):
    monkeypatch.setenv("CO_API_KEY", "a-wrong-key")
    with pytest.raises(ModelNotAvailableError, match="401, invalid api token") as raised:
        load_encoder(NAME).encode_query("anything")
    assert raised.value.__cause__ is None
    assert "a-wrong-key" not in f"{raised.value}{raised.value.hint}{raised.value.__dict__}"


def test_without_a_key_nothing_is_asked(service, monkeypatch):
    monkeypatch.delenv("CO_API_KEY")
    with pytest.raises(ModelNotAvailableError, match="needs a key") as raised:
        load_encoder(NAME)
    assert "CO_API_KEY" in raised.value.hint
    monkeypatch.setenv("COHERE_API_KEY", KEY)
    assert load_encoder(NAME).encode_query("anything").words == ("anything",)


def test_a_model_of_unknown_length_is_asked_for_it():
    with pytest.MonkeyPatch.context() as environment, serving(dim=48) as service:
        environment.setenv("CO_API_KEY", KEY)
        environment.setenv("CO_API_URL", service.url)
        assert load_encoder("cohere:embed-of-tomorrow").space.dim == 48


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"embeddings": {"float": [[1.0] * 1024] * 2}}, "answered 1 texts with 2 vectors"),
        ({"embeddings": {"float": [[1.0] * 7]}}, "vectors that can't be used, of shape"),
        ({"embeddings": {"float": [[0.0] * 1024]}}, "vectors that can't be used"),
    ],
)
def test_an_answer_that_can_not_be_used_is_an_error(answer, said, service):
    service.refusals.append((200, {}, {"id": "1", "texts": ["anything"], **answer}))
    with pytest.raises(EncoderError, match=said):
        load_encoder(NAME).encode_query("anything")


def test_a_service_that_is_not_there_is_an_error(service, monkeypatch):
    from maxsight.encoders.cohere import CohereEncoder

    monkeypatch.setenv("CO_API_URL", "http://127.0.0.1:9")
    with pytest.raises(EncoderError, match="can't be reached") as raised:
        CohereEncoder(NAME, max_retries=0).encode_query("anything")
    assert KEY not in str(raised.value)


def test_a_model_that_is_not_named_is_asked_for():
    with pytest.raises(ModelNotAvailableError, match="no model of Cohere"):
        load_encoder("cohere:")


def test_records_are_indexed_and_found_by_words_and_the_key_is_not_stored(service, tmp_path):
    records = tmp_path / "wiki.jsonl"
    records.write_text('{"title": "Adobe", "text": "software"}\n{"title": "Brick", "text": "clay"}\n')
    with Library.create(tmp_path / "test.library", encoder=NAME) as library:
        library.index(records, records=RecordFields("title", "text"))
    assert [body["input_type"] for body in service.requests] == ["search_document"], "no query is paid for"
    with Library.open(tmp_path / "test.library", read_only=True) as library:
        first, second = library.search("software")
    assert (first.metadata["title"], second.metadata["title"]) == ("Adobe", "Brick")
    assert first.score == pytest.approx(1, abs=1e-3)
    stored = b"".join(file.read_bytes() for file in (tmp_path / "test.library").rglob("*") if file.is_file())
    assert KEY.encode() not in stored


def test_queries_may_be_of_another_type_also_in_a_library_that_has_the_default(
    service, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "wiki.jsonl").write_text('{"title": "Adobe", "text": "makes software"}')
    other = f"{NAME}?input_type=classification"
    with Library.create(tmp_path / "a.library", encoder=load_encoder(NAME)) as library:
        library.index(tmp_path / "wiki.jsonl", records=RecordFields("title", "text"))
    with Library.open(tmp_path / "a.library", encoder=other) as library:
        assert library.search("software")[0].path == "wiki.jsonl#Adobe"
    with Library.create(tmp_path / "b.library", encoder=load_encoder(other)):
        pass
    with Library.open(tmp_path / "b.library") as library:
        library.encode_query("software")
    kinds = [body["input_type"] for body in service.requests]
    assert kinds == ["search_document", "classification", "classification"], "a library keeps its own type"


@pytest.mark.parametrize("option", ["input_type=summary", "truncate=START", "classification=1"])
def test_an_unknown_option_of_a_model_is_refused(service, option):
    with pytest.raises(ModelNotAvailableError, match="is no option of Cohere's models") as refused:
        load_encoder(f"{NAME}?{option}")
    assert "search_query, classification" in refused.value.hint

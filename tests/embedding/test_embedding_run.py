"""A run from documents to a file of vectors, with the encoder that needs no weights."""

import numpy as np
import pytest

from maxsight.documents import ReadSettings
from maxsight.embedding import EmbeddingRequest, EmbeddingRun, EmbeddingType, Pooling
from maxsight.embedding.events import Embedded, GoingOn, NotEmbedded
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import EncoderError, InputError


class CountingEncoder(FakeEncoder):
    """Counts the pages it is given; may fail."""

    def __init__(self, dim=8, fails_after=None):
        super().__init__(dim)
        self.encoded = 0
        self.fails_after = fails_after

    @property
    def batch_size(self):
        return 4

    def encode_pages(self, pages):
        if self.fails_after is not None and self.encoded >= self.fails_after:
            raise EncoderError("the device is gone")
        self.encoded += len(pages)
        return super().encode_pages(pages)


def request(folder, out="v.npz", **changes):
    wanted = {
        "embedding_type": EmbeddingType.VECTORS,
        "pooling": Pooling.NONE,
        "settings": ReadSettings(),
        "workers": 1,
    }
    return EmbeddingRequest([folder / "docs"], folder / out, **wanted | changes)


def embed(encoder, wanted):
    run = EmbeddingRun(encoder, wanted)
    events = list(run.events())
    return run.report(), events


def read(file):
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture
def folder(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(10):
        words = " ".join(f"word{number}x{index}" for index in range(number + 1))
        (docs / f"{number}.txt").write_text(words)
    return tmp_path


def test_every_page_is_in_the_file_as_the_encoder_made_it(folder):
    encoder = CountingEncoder()
    report, events = embed(encoder, request(folder))
    assert (report.pages, report.shape, report.not_embedded) == (10, (55, 8), ())
    arrays = read(folder / "v.npz")
    assert arrays["offsets"].tolist() == [0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55]
    assert arrays["files"][9] == (folder / "docs" / "9.txt").as_posix()
    expected = encoder.encode_query("word3x0 word3x1 word3x2 word3x3").vectors
    assert (arrays["vectors"][6:10] == expected).all()
    batches = [event for event in events if isinstance(event, Embedded)]
    assert [(batch.pages, batch.vectors, batch.shape) for batch in batches] == [
        (4, 10, (10, 8)),
        (4, 26, (26, 8)),
        (2, 19, (19, 8)),
    ]
    assert batches[-1].pages_so_far == 10 and batches[-1].devices == ("cpu",)


def test_pooled_pages_are_what_numpy_makes_of_all_their_vectors(folder):
    embed(FakeEncoder(8), request(folder, "all.npz"))
    embed(FakeEncoder(8), request(folder, "pooled.npz", pooling=Pooling.CONCAT))
    every, pooled = read(folder / "all.npz"), read(folder / "pooled.npz")
    assert pooled["vectors"].shape == (10, 24)
    for page, row in enumerate(pooled["vectors"]):
        vectors = every["vectors"][every["offsets"][page] : every["offsets"][page + 1]].astype(np.float64)
        by_hand = np.concatenate([vectors.mean(0), vectors.max(0), vectors.std(0)])
        assert np.abs(row - by_hand).max() < 1e-6


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_file(folder):
    embed(CountingEncoder(), request(folder, "at-once.npz"))
    stopped = EmbeddingRun(CountingEncoder(), request(folder)).events()
    assert isinstance(next(stopped), Embedded)
    stopped.close()
    assert not (folder / "v.npz").exists()

    encoder = CountingEncoder()
    report, events = embed(encoder, request(folder))
    (going_on,) = (event for event in events if isinstance(event, GoingOn))
    assert going_on.pages == 8, "the second batch was encoded before the first was told of"
    assert encoder.encoded == 2
    assert (report.pages, report.earlier_pages) == (10, 8)
    assert (folder / "v.npz").read_bytes() == (folder / "at-once.npz").read_bytes()
    assert not (folder / "v.npz.part").exists()


def test_what_was_embedded_before_the_encoder_failed_is_kept(folder):
    with pytest.raises(EncoderError, match="gone"):
        embed(CountingEncoder(fails_after=8), request(folder))
    encoder = CountingEncoder()
    report, _ = embed(encoder, request(folder))
    assert (encoder.encoded, report.pages) == (2, 10)


def test_vectors_of_two_precisions_never_get_into_one_file(folder):
    class Placed(CountingEncoder):
        devices = ("cpu",)
        precision = "float32"

    class Rougher(Placed):
        precision = "bfloat16"

    with pytest.raises(EncoderError):
        embed(Placed(fails_after=8), request(folder))
    with pytest.raises(InputError, match="precision float32"):
        embed(Rougher(), request(folder))
    assert embed(Placed(), request(folder))[0].earlier_pages == 8


def test_a_file_that_changed_between_two_runs_is_embedded_again(folder):
    with pytest.raises(EncoderError):
        embed(CountingEncoder(fails_after=8), request(folder))
    (folder / "docs" / "0.txt").write_text("two words")
    report, _ = embed(CountingEncoder(), request(folder))
    assert (report.pages, report.shape[0]) == (10, 56)
    assert read(folder / "v.npz")["offsets"][1] == 2


def test_a_file_that_changes_while_it_is_read_is_named_and_left_out(folder):
    class Meddler(FakeEncoder):
        batch_size = 1

        def encode_pages(self, pages):
            if "word0x0" in pages[0].text:
                with (folder / "docs" / "0.txt").open("a") as file:
                    file.write(" more")
            return super().encode_pages(pages)

    report, _ = embed(Meddler(8), request(folder))
    (problem,) = report.not_embedded
    assert problem.path.endswith("0.txt") and "changed" in problem.reason
    assert report.pages == 9


def test_what_can_not_be_read_is_named_and_the_rest_embedded(folder):
    (folder / "docs" / "broken.pdf").write_bytes(b"nonsense")
    report, events = embed(FakeEncoder(8), request(folder))
    (problem,) = report.not_embedded
    assert problem.path.endswith("broken.pdf") and problem in events
    assert report.pages == 10


@pytest.mark.parametrize("pooling", [Pooling.NONE, Pooling.STD])
def test_a_page_with_nothing_to_embed_is_named_and_has_no_row(folder, pooling):
    (folder / "docs" / "dots.txt").write_text("... !!!")
    report, _ = embed(FakeEncoder(8), request(folder, pooling=pooling))
    (problem,) = report.not_embedded
    assert (problem.path[-8:], problem.page_number) == ("dots.txt", 1)
    assert report.pages == 10
    assert "dots" not in str(read(folder / "v.npz")["files"])


def test_include_and_exclude_choose_files(folder):
    report, _ = embed(FakeEncoder(8), request(folder, include=["[0-4].txt"], exclude=["3*"]))
    assert report.pages == 4


def test_vectors_of_another_length_are_refused_with_the_length_they_have(folder):
    with pytest.raises(InputError, match="fake have 8 dims, not 128") as refused:
        EmbeddingRun(FakeEncoder(8), request(folder, embedding_type=EmbeddingType.DIM_128))
    assert "--embedding-type vectors" in refused.value.hint
    assert embed(FakeEncoder(128), request(folder, embedding_type=EmbeddingType.DIM_128))[0].shape == (
        55,
        128,
    )


@pytest.mark.parametrize("kind", [EmbeddingType.DIM_2048, EmbeddingType.HIDDEN])
def test_an_encoder_without_hidden_states_says_so(folder, kind):
    with pytest.raises(InputError, match=f"fake has no hidden states, which {kind} needs") as refused:
        EmbeddingRun(FakeEncoder(8), request(folder, embedding_type=kind))
    assert "--embedding-type vectors" in refused.value.hint


def test_a_language_the_encoder_has_not_learned_is_told(folder):
    class EnglishOnly(FakeEncoder):
        def notice(self, text):
            return "not English" if "word3" in text else None

    _, events = embed(EnglishOnly(8), request(folder))
    assert [event.message for event in events if not isinstance(event, Embedded | NotEmbedded)] == [
        f"not English ({(folder / 'docs' / '3.txt').as_posix()})"
    ]

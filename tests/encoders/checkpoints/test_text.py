import json
import logging
import pickle
import re
import shutil
import string
import threading
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer

from encoders.checkpoints import tiny_text
from maxsight.encoders import EncoderOptions, Precision
from maxsight.encoders.checkpoints.quiet import quiet
from maxsight.encoders.checkpoints.text import load_text_encoder
from maxsight.encoders.checkpoints.text_model import TextModel
from maxsight.errors import EmptyQueryError, EncoderOutOfMemoryError, ModelNotAvailableError
from maxsight.types import MAX_VECTORS_PER_PAGE, Page, TextSource, Words

TEXTS = (
    "Net sales rose by 4%.",
    "Batteries:\n\ncollection point (see  7)",
    "Revenue",
    " the committee met ",
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """``checkpoint(kind)`` gives the folder of a tiny ColBERT, see ``tiny_text.py`` for the kinds."""
    root = tmp_path_factory.mktemp("checkpoints")

    @cache
    def folder_of(kind):
        with quiet():
            tiny_text.save(kind, root / kind)
        return root / kind

    return folder_of


@pytest.fixture(scope="module")
def load(checkpoint):
    """``load(kind)`` gives an encoder, the same one each time."""
    return cache(lambda kind: load_text_encoder(checkpoint(kind), kind, "revision", EncoderOptions(("cpu",))))


@pytest.fixture(scope="module")
def reference(checkpoint):
    """``reference(kind)`` gives what sentence-transformers makes of the checkpoint."""

    @cache
    def load_reference(kind):
        with quiet():
            return MultiVectorEncoder(str(checkpoint(kind)), device="cpu", local_files_only=True)

    return load_reference


@pytest.fixture
def copied(checkpoint, tmp_path):
    """``copied(kind)`` gives a copy of the folder, to be spoilt."""
    return lambda kind: shutil.copytree(checkpoint(kind), tmp_path / kind)


def page_of(text, *, with_boxes=False):
    spans = np.array([match.span() for match in re.finditer(r"\S+", text)], np.int32).reshape(-1, 2)
    boxes = np.zeros((len(spans), 4), np.float32)
    boxes[:, 0::2] = spans / max(len(text), 1)
    boxes[:, 1::2] = 0.4, 0.6
    return Page(0, text, Words(spans, boxes if with_boxes else None), TextSource.FILE)


def open_folder(folder):
    return load_text_encoder(folder, str(folder), "revision", EncoderOptions(("cpu",)))


kinds = pytest.mark.parametrize("kind", tiny_text.KINDS)


@kinds
def test_a_page_of_one_window_has_the_vectors_that_sentence_transformers_gives_it(kind, load, reference):
    encoded = load(kind).encode_pages([page_of(text) for text in TEXTS])
    for ours, theirs in zip(encoded, reference(kind).encode_document(list(TEXTS)), strict=True):
        np.testing.assert_allclose(ours.vectors, theirs.numpy(), atol=1e-5)


@kinds
@pytest.mark.parametrize(
    "text", ["net sales?", "Who met the committee in 2023", "  Revenue  ", "sales " * 50]
)
def test_a_query_has_the_vectors_that_sentence_transformers_gives_it(kind, text, load, reference):
    with quiet():
        (theirs,) = reference(kind).encode_query([text])
    np.testing.assert_allclose(load(kind).encode_query(text).vectors, theirs.numpy(), atol=1e-5)


def test_colbert_reads_a_marker_behind_the_first_token_and_skips_punctuation(checkpoint, load):
    """The same by transformers alone: [CLS] [unused1] net sales , revenue . [SEP], projected; "," and "." left out."""
    tensors = load_file(checkpoint("stanford") / "model.safetensors")
    bert = tiny_text.bert()
    bert.load_state_dict({name[5:]: tensor for name, tensor in tensors.items() if name.startswith("bert.")})
    tokens = ["[CLS]", "[unused1]", "net", "sales", ",", "revenue", ".", "[SEP]"]
    vocabulary = tiny_text.wordpiece_vocabulary()
    with torch.inference_mode():
        hidden = bert(torch.tensor([[vocabulary[token] for token in tokens]])).last_hidden_state[0]
    vectors = torch.nn.functional.normalize(hidden @ tensors["linear.weight"].T, dim=1)
    expected = vectors[[token not in string.punctuation for token in tokens]].numpy()
    (embedding,) = load("stanford").encode_pages([page_of("net sales, revenue.")])
    np.testing.assert_allclose(embedding.vectors, expected, atol=1e-5)


@kinds
def test_a_long_page_is_read_in_windows_and_each_as_a_text_of_its_own(kind, load, reference):
    text = "The committee met twelve times. " * 12
    (embedding,) = load(kind).encode_pages([page_of(text)])
    begins_window = np.flatnonzero(np.diff(embedding.regions.whole_page.astype(int)) == -1) + 1
    assert len(begins_window) > 1
    first_window = text[: embedding.regions.spans[begins_window[1], 0]].rstrip()
    expected = reference(kind).encode_document([first_window])[0].numpy()
    np.testing.assert_allclose(embedding.vectors[: len(expected)], expected, atol=1e-5)
    read = np.zeros(len(text), int)
    for start, end in embedding.regions.spans:
        read[start:end] += 1
    letters = np.array([letter.isalnum() for letter in text])
    assert (read[letters] >= 1).all()


@kinds
def test_vectors_of_the_prompt_and_of_special_tokens_stand_for_the_whole_page(kind, load):
    prompt = {"stanford": 1, "pylate": 1, "sentence-transformers": 2}[kind]
    for with_boxes in (True, False):
        (embedding,) = load(kind).encode_pages([page_of("Net sales rose", with_boxes=with_boxes)])
        whole = [True] * (1 + prompt) + [False] * (len(embedding.vectors) - prompt - 2) + [True]
        assert embedding.regions.whole_page.tolist() == whole


def test_tokens_over_bytes_stand_for_words_without_the_space_before_them(load):
    text = "Net sales rose"
    page = page_of(text, with_boxes=True)
    regions = load("pylate").encode_pages([page])[0].regions
    words = dict(zip(map(tuple, page.words.spans), map(tuple, page.words.boxes), strict=True))
    for span, box in zip(regions.spans[~regions.whole_page], regions.boxes[~regions.whole_page], strict=True):
        assert not text[slice(*span)].isspace()
        (word,) = [word for word in words if word[0] <= span[0] and span[1] <= word[1]]
        assert tuple(box) == words[word]


def test_a_page_of_too_many_tokens_loses_vectors_of_no_text_first(load):
    (embedding,) = load("stanford").encode_pages([page_of("net " * MAX_VECTORS_PER_PAGE)])
    assert len(embedding.vectors) == MAX_VECTORS_PER_PAGE
    assert not embedding.regions.whole_page.any()
    assert (np.diff(embedding.regions.spans, axis=1) == 3).all()


def test_masks_and_markers_of_a_query_belong_to_no_word(load):
    """[CLS] [unused0] net sales ( 2 0 ##2 ##3 ) [SEP] are 11 tokens; [MASK] fills up."""
    query = load("stanford").encode_query("net sales (2023)")
    assert query.words == ("net", "sales", "2023")
    assert query.word_index.tolist() == [
        -1,
        -1,
        0,
        1,
        2,
        2,
        2,
        2,
        2,
        2,
        -1,
        *[-1] * (tiny_text.QUERY_LENGTH - 11),
    ]


@kinds
def test_the_text_of_a_query_that_is_too_long_is_the_part_that_is_searched_for(kind, load):
    query = load(kind).encode_query("Revenue of the committee " * 30)
    assert len(query.vectors) <= tiny_text.QUERY_LENGTH
    assert "Revenue of the committee Revenue".startswith(query.text[:20])
    assert len(query.text) < 250
    assert max(query.word_index) == len(query.words) - 1


def test_a_query_that_is_asked_meanwhile_does_not_cut_a_page(checkpoint, monkeypatch):
    encoder, long = open_folder(checkpoint("stanford")), page_of("Net sales rose. " * 40)
    alone = encoder.encode_pages([long])[0].vectors
    tokenizer = type(encoder._replicas[0]._tokenizer)
    set_limits, asked = tokenizer.set_truncation_and_padding, threading.Event()

    def set_limits_and_wait_for_the_other(self, *args, **kwargs):
        set_limits(self, *args, **kwargs)
        if threading.current_thread() is threading.main_thread():
            query.start()
            asked.wait(timeout=0.3)  # in vain, if one thread waits for the other
        else:
            asked.set()

    query = threading.Thread(target=encoder.encode_query, args=("Net sales",))
    monkeypatch.setattr(tokenizer, "set_truncation_and_padding", set_limits_and_wait_for_the_other)
    beside_a_query = encoder.encode_pages([long])[0].vectors
    query.join()
    np.testing.assert_array_equal(beside_a_query, alone)


def test_a_query_in_an_unknown_script_is_refused(load):
    with pytest.raises(EmptyQueryError, match="knows none of the characters"):
        load("stanford").encode_query("\u042f\u0431\u043b\u043e\u043a\u043e")


@kinds
def test_nothing_is_said_on_the_terminal(kind, checkpoint, capfd):
    encoder = open_folder(checkpoint(kind))
    encoder.encode_pages([page_of("net sales " * 500)])
    encoder.encode_query("net sales " * 500)
    assert capfd.readouterr() == ("", "")


def test_log_levels_and_progress_bars_of_the_libraries_are_restored():
    logger = logging.getLogger("sentence_transformers")
    before = logger.level, transformers.utils.logging.is_progress_bar_enabled()
    with quiet(), quiet():
        assert logger.level == logging.ERROR
    assert (logger.level, transformers.utils.logging.is_progress_bar_enabled()) == before


def test_several_devices_share_the_pages_and_keep_their_order(checkpoint, load):
    both = load_text_encoder(checkpoint("stanford"), "x", "revision", EncoderOptions(("cpu", "cpu")))
    pages = [page_of(f"{text} " * repeats) for repeats in (1, 9, 3) for text in TEXTS]
    for ours, theirs in zip(both.encode_pages(pages), load("stanford").encode_pages(pages), strict=True):
        np.testing.assert_allclose(ours.vectors, theirs.vectors, atol=1e-5)


def test_vectors_of_a_model_in_bfloat16_are_float32_and_of_length_1(checkpoint, load):
    options = EncoderOptions(("cpu",), Precision.BFLOAT16)
    coarse = load_text_encoder(checkpoint("pylate"), "x", "revision", options)
    pages = [page_of(text) for text in TEXTS]
    for ours, theirs in zip(coarse.encode_pages(pages), load("pylate").encode_pages(pages), strict=True):
        assert ours.vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(ours.vectors, axis=1), 1, atol=1e-6)
        assert (ours.vectors * theirs.vectors).sum(axis=1).min() > 0.98


def test_a_batch_that_memory_does_not_hold_is_halved_and_no_window_is_lost(checkpoint, load, monkeypatch):
    forward, tried = TextModel._forward, []

    def scarce(self, features, task):
        tried.append(len(features["input_ids"]))
        if tried[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, features, task)

    monkeypatch.setattr(TextModel, "_forward", scarce)
    options = EncoderOptions(("cpu",), batch_size=8)
    encoder = load_text_encoder(checkpoint("stanford"), "x", "revision", options)
    pages = [page_of(text * 9) for text in TEXTS]
    encoded = encoder.encode_pages(pages)
    assert max(tried) > 2
    monkeypatch.undo()
    for ours, theirs in zip(encoded, load("stanford").encode_pages(pages), strict=True):
        np.testing.assert_allclose(ours.vectors, theirs.vectors, atol=1e-5)


def test_a_single_window_that_memory_does_not_hold_is_an_error_with_the_next_step(load, monkeypatch):
    def none_left(self, features, task):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TextModel, "_forward", none_left)
    with pytest.raises(EncoderOutOfMemoryError) as caught:
        load("stanford").encode_pages([page_of("net sales")])
    assert "--device cpu" in caught.value.hint


def test_a_model_without_a_projection_is_refused(tmp_path):
    with quiet():
        tiny_text.save_backbone(tmp_path, tiny_text.bert(), tiny_text.wordpiece_tokenizer())
    with pytest.raises(ModelNotAvailableError, match="no projection"):
        open_folder(tmp_path)


def test_a_tensor_that_is_called_like_a_projection_does_not_hide_a_random_one(tmp_path):
    with quiet():
        tiny_text.save_backbone(tmp_path, tiny_text.bert(), tiny_text.wordpiece_tokenizer())
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["linear.weight"] = tiny_text.random_matrix(128, tiny_text.HIDDEN)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelNotAvailableError, match="no projection"):
        open_folder(tmp_path)


def test_a_model_of_one_vector_per_text_is_refused(tmp_path):
    with quiet():
        tiny_text.save_backbone(tmp_path / "bert", tiny_text.bert(), tiny_text.wordpiece_tokenizer())
        single = SentenceTransformer(str(tmp_path / "bert"), device="cpu")
        single.save_pretrained(str(tmp_path / "single"), create_model_card=False)
    with pytest.raises(ModelNotAvailableError, match="no projection"):
        open_folder(tmp_path / "single")


def test_a_checkpoint_that_lacks_a_tensor_is_refused_by_name(copied):
    folder = copied("stanford")
    tensors = load_file(folder / "model.safetensors")
    del tensors["bert.encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelNotAvailableError, match=r"lacks encoder\.layer\.1\.output\.dense\.weight"):
        open_folder(folder)


def test_a_checkpoint_that_lacks_its_projections_weights_is_refused(copied):
    folder = copied("pylate")
    (folder / "1_Dense" / "model.safetensors").unlink()
    with pytest.raises(ModelNotAvailableError, match=r"can't be opened: Could not find 'model\.safetensors'"):
        open_folder(folder)


def test_a_checkpoint_that_merges_its_own_vectors_is_refused(copied):
    folder = copied("sentence-transformers")
    kind = "sentence_transformers.multi_vector_encoder.modules.HierarchicalTokenPooling"
    modules = json.loads((folder / "modules.json").read_text())
    modules.append(tiny_text.module(len(modules), "9_Pooling", kind))
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "9_Pooling").mkdir()
    (folder / "9_Pooling" / "config.json").write_text(json.dumps({"pool_factor": 2}))
    with pytest.raises(ModelNotAvailableError, match="merges its vectors"):
        open_folder(folder)


def test_weights_in_a_pickle_are_read_as_tensors(copied, load):
    folder = copied("stanford")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    page = page_of("net sales")
    (ours,), (theirs,) = open_folder(folder).encode_pages([page]), load("stanford").encode_pages([page])
    np.testing.assert_allclose(ours.vectors, theirs.vectors, atol=1e-6)


class Intruder:
    """Runs code when it is unpickled without care."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (self.file, "w")


@pytest.mark.parametrize("place", ["", "1_Dense"])
def test_a_pickle_that_would_run_code_is_refused_and_does_not(place, copied, tmp_path):
    folder = copied("pylate")
    (folder / place / "model.safetensors").unlink()
    torch.save({"linear.weight": Intruder(str(tmp_path / "ran"))}, folder / place / "pytorch_model.bin")
    with pytest.raises(ModelNotAvailableError, match="may run code"):
        open_folder(folder)
    assert not (tmp_path / "ran").exists()
    with (tmp_path / "ran.pickle").open("wb") as file:
        pickle.dump(Intruder(str(tmp_path / "ran")), file)
    pickle.loads((tmp_path / "ran.pickle").read_bytes()).close()
    assert (tmp_path / "ran").exists(), "it would have run"

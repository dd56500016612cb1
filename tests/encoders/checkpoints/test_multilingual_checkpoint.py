"""``multilingual:FOLDER`` opens a checkpoint of e5's kind. A tiny one with random weights stands for it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'colpali' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'colpali' is not installed")

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from maxsight.documents.cleaning import find_words  # noqa: E402
from maxsight.encoders import load_encoder  # noqa: E402
from maxsight.encoders.multilingual.checkpoint import load_multilingual  # noqa: E402
from maxsight.encoders.offline.recipe import blend_window  # noqa: E402
from maxsight.errors import ModelNotAvailableError  # noqa: E402
from maxsight.types import Page, TextSource  # noqa: E402

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "passage",
    "query",
    ":",
    "騒",
    "音",
    "の",
    "▁the",
    "▁sea",
    "。",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("e5")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(PIECES)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_its_vectors_are_its_hidden_states_with_some_of_the_windows_mean(folder):
    encoder = load_encoder(f"multilingual:{folder}")
    text = "the sea 騒音。"
    (page,) = encoder.encode_pages([Page(0, text, find_words(text), TextSource.FILE)])
    assert [text[start:end] for start, end in page.regions.spans] == ["the", "sea", "騒", "音"]
    ids = [0, 4, 5, 7, 11, 12, 4, 8, 9, 13, 2]
    model = transformers.BertModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        hidden = model(torch.tensor([ids])).last_hidden_state[0].numpy()
    frame = encoder._model.page_frame
    assert frame == ((0, 4, 5, 7), (2,))
    expected = blend_window(hidden, np.zeros(16, np.float32), 0.5, frame)[[0, 1, 3, 4]]
    np.testing.assert_allclose(page.vectors, expected, atol=1e-5)
    assert encoder.space.dim == 16
    assert encoder.is_multilingual


def test_a_checkpoint_of_another_kind_or_without_its_tokenizer_is_refused(folder, tmp_path):
    with pytest.raises(ModelNotAvailableError, match=r"lacks tokenizer\.json"):
        transformers.BertModel(
            transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
        ).save_pretrained(tmp_path)
        load_encoder(f"multilingual:{tmp_path}")
    words = Tokenizer(models.WordPiece({"[UNK]": 0, "the": 1, "##s": 2, "sea": 3}, unk_token="[UNK]"))
    words.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelNotAvailableError, match="has another vocabulary than e5"):
        load_encoder(f"multilingual:{tmp_path}")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ModelNotAvailableError, match="'gpt2', expected bert or xlm-roberta"):
        load_multilingual(f"multilingual:{tmp_path}", None)

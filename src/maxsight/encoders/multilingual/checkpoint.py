"""``multilingual:NAME``: the same encoder with the weights of a checkpoint, such as intfloat/multilingual-e5-base.

The weights in `maxsight_multilingual` have 4 bits. A checkpoint has them whole, or is a larger model of the same kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModel

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.batching import BatchLimit, Work, pad
from maxsight.encoders.checkpoints.devices import choose_devices
from maxsight.encoders.checkpoints.fingerprints import fingerprint
from maxsight.encoders.checkpoints.hub import locate
from maxsight.encoders.checkpoints.layouts import read_config, unsuitable
from maxsight.encoders.checkpoints.pipeline import device_errors_translated
from maxsight.encoders.checkpoints.quiet import reading
from maxsight.encoders.checkpoints.weights import broken
from maxsight.encoders.multilingual.encoder import MultilingualEncoder, package_folder
from maxsight.encoders.multilingual.pieces import BEGIN, END, UNKNOWN, PieceTokenizer
from maxsight.encoders.offline.network import MAX_BATCH_TOKENS
from maxsight.encoders.offline.recipe import Recipe
from maxsight.encoders.offline.tokens import Window

PREFIX = "multilingual:"
KINDS = ("bert", "xlm-roberta")
"""Model types of e5: the small one is a BERT, the others are XLM-RoBERTa. All have its vocabulary."""


def load_multilingual(name: str, options: EncoderOptions) -> MultilingualEncoder:
    """Open a checkpoint as the encoder `multilingual`.

    Vectors of a model as wide as multilingual-e5-small are projected as its own. Those of others stay as they are.

    Args:
        name: ``multilingual:`` before a model on the hub or a folder.
        options: How it runs here.

    Raises:
        ModelNotAvailableError: It can't be downloaded or opened, or is of another kind.
    """
    source = locate(name.removeprefix(PREFIX))
    if (kind := read_config(source.folder).get("model_type")) not in KINDS:
        raise unsuitable(source.folder, f"is of the kind {kind!r}, expected {' or '.join(KINDS)} as e5 is")
    if not (source.folder / "tokenizer.json").is_file():
        raise broken(source.folder, "lacks tokenizer.json")
    with reading(source.folder):
        tokenizer = Tokenizer.from_file(str(source.folder / "tokenizer.json"))
        model, report = AutoModel.from_pretrained(
            source.folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    if tuple(map(tokenizer.token_to_id, ("<s>", "</s>", "<unk>"))) != (BEGIN, END, UNKNOWN):
        raise unsuitable(source.folder, "has another vocabulary than e5")
    if missing := [key for key in report["missing_keys"] if "pooler" not in key]:
        raise broken(source.folder, f"lacks {len(missing)} tensors, such as {sorted(missing)[0]}")
    recipe = _recipe(model.config.hidden_size, fingerprint([source.folder]))
    network = TorchNetwork(model.eval(), choose_devices(options.devices)[0])
    return MultilingualEncoder(f"{PREFIX}{source.name}", PieceTokenizer.of(tokenizer), network, recipe)


class TorchNetwork:
    """A model of transformers without its pooling, on one device."""

    def __init__(self, model: torch.nn.Module, device: torch.device) -> None:
        with device_errors_translated():
            self._model, self._device = model.to(device), device

    def hidden_states(self, windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Run windows through the model, as `Network` does. Shape ``(tokens, width)`` each."""
        states: dict[int, NDArray[np.float32]] = {}
        work, limit = Work([len(window) for window in windows]), BatchLimit(MAX_BATCH_TOKENS, len(windows))
        while batch := work.take(limit):
            padded = pad([windows[index] for index in batch], 1)
            with device_errors_translated(), torch.inference_mode():
                ids, mask = (torch.from_numpy(part).to(self._device) for part in padded)
                hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.cpu().numpy()
            states.update({index: hidden[row, : len(windows[index])] for row, index in enumerate(batch)})
        return [states[index] for index in range(len(windows))]


def _recipe(width: int, revision: str) -> Recipe:
    folder: Path | None = package_folder() if find_spec("maxsight_multilingual") else None
    if folder and (own := Recipe.read(folder)).mean.shape == (width,):
        return replace(own, revision=f"{revision}-{own.revision}")
    return Recipe.plain(width, revision)

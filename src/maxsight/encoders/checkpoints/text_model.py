"""A ColBERT on one device: texts to tokens by sentence-transformers, windows of tokens to vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.checkpoints.devices import check_finite
from maxsight.encoders.checkpoints.pipeline import device_errors_translated
from maxsight.encoders.checkpoints.quiet import quiet
from maxsight.encoders.checkpoints.replicas import Replica
from maxsight.encoders.checkpoints.text_tokens import Tokens, Window, text_spans

DOCUMENT, QUERY = "document", "query"

DocumentWindow = tuple[Tokens, Window]
"""The tokens of a document, and which of them are read together."""


class PaddedWindows(NamedTuple):
    """A batch, on the host.

    Attributes:
        features: The inputs of sentence-transformers' modules. Shape ``(windows, longest)`` each.
        windows: The tokens of each window.
    """

    features: dict[str, Any]
    windows: list[Window]


class Scored(NamedTuple):
    """The tokens of a window that the model scores.

    Attributes:
        tokens: Which tokens, in order. Shape ``(scored,)``.
        vectors: Unit norm. Shape ``(scored, dim)``, float32.
    """

    tokens: Window
    vectors: NDArray[np.float32]


class TextModel(Replica[DocumentWindow, PaddedWindows, Scored]):
    """A model on one device."""

    def __init__(self, model: MultiVectorEncoder, device: torch.device, options: EncoderOptions) -> None:
        super().__init__(model, device, options)
        self._model = model
        self._tokenizer = model.tokenizer
        self._one_text_at_a_time = Lock()

    @property
    def max_tokens(self) -> int:
        """The most tokens of a document that are read together, prompt and special tokens included."""
        return int(self._model[0].document_length or self._model.max_seq_length)

    def read_document(self, text: str) -> Tokens:
        """Tokenize a whole text, however long."""
        how = {"truncation": False, "max_length": None, "verbose": False}
        features, spans = self._tokenize(text, DOCUMENT, how)
        inputs = {name: values[0].numpy() for name, values in features.items() if torch.is_tensor(values)}
        return Tokens(inputs, spans)

    def encode_query(self, text: str) -> tuple[Scored, Tokens]:
        """Encode a query, as much of it as the model reads; also return its tokens."""
        with quiet():  # it prints a warning when it cuts a query
            features, spans = self._tokenize(text, QUERY, {})
        tokens = Tokens({"input_ids": features["input_ids"][0].numpy()}, spans)
        with device_errors_translated():
            vectors, scored = self._forward(features, QUERY)
            kept = scored[0].cpu().numpy()
            return Scored(np.flatnonzero(kept), check_finite(vectors[0].cpu().numpy()[kept])), tokens

    def knows(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which tokens are in the vocabulary, and not the one for all others. Shape ``(tokens,)``."""
        unknown = self._tokenizer.unk_token_id
        return np.ones(len(ids), bool) if unknown is None else np.asarray(ids != unknown)

    def _tokenize(
        self, text: str, task: str, how: dict[str, Any]
    ) -> tuple[dict[str, Any], NDArray[np.int32]]:
        prompt = self._model.prompts[task]
        how = {"text": {"return_offsets_mapping": True, **how}}
        # The tokenizer stores its limit. Without the lock, a query meanwhile would cut a page to a query's length.
        with self._one_text_at_a_time:
            features: dict[str, Any] = self._model.preprocess(
                [text], prompt=prompt, task=task, processing_kwargs=how
            )
        offsets = features.pop("offset_mapping")[0].numpy()
        return dict(features), text_spans(offsets, prompt, text)

    def _longest_item(self) -> DocumentWindow:
        return self.read_document("a " * self.max_tokens), np.arange(self.max_tokens)

    def _prepare(self, items: Sequence[DocumentWindow]) -> PaddedWindows:
        paddings = {"input_ids": self._tokenizer.pad_token_id or 0}
        features: dict[str, Any] = {
            name: pad_sequence(
                [torch.from_numpy(tokens.inputs[name][window]) for tokens, window in items],
                batch_first=True,
                padding_value=paddings.get(name, 0),
                padding_side=self._tokenizer.padding_side,
            )
            for name in items[0][0].inputs
        }
        return PaddedWindows(features | {"modality": "text"}, [window for _, window in items])

    def _launch(self, batch: PaddedWindows) -> Callable[[], list[Scored]]:
        vectors, scored = self._forward(batch.features, DOCUMENT)

        def collect() -> list[Scored]:
            rows = zip(
                batch.windows,
                batch.features["attention_mask"].bool().numpy(),
                scored.cpu().numpy(),
                vectors.cpu().numpy(),
                strict=True,
            )
            return [Scored(window[kept[real]], check_finite(row[kept])) for window, real, kept, row in rows]

        return collect

    def _forward(self, features: dict[str, Any], task: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Run a batch through all of the model's modules.

        Returns:
            Unit-norm vectors, shape ``(texts, tokens, dim)``, and which of them are scored, ``(texts, tokens)``.
        """
        moved = {
            name: value.to(self.device) if torch.is_tensor(value) else value
            for name, value in features.items()
        }
        with torch.inference_mode():
            output = self._model(moved, task=task)
            # Norms in half precision are off by 0.4%.
            return normalize(output["token_embeddings"].float(), dim=-1), output["attention_mask"].bool()

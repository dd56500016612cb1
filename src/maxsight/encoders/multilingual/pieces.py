"""Text to the pieces of XLM-R's vocabulary, each with its place in the text.

A piece with a space before it begins with U+2581. Unigram: https://arxiv.org/abs/1804.10959.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from maxsight.encoders.offline.tokens import Tokens
from maxsight.encoders.regions import trim_spans
from maxsight.errors import ModelNotAvailableError

BEGIN, END, UNKNOWN = 0, 2, 3
"""Ids of the tokens around a window, and of the token for all that the vocabulary lacks."""
_CONTROL = Regex(r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]")
_SPACES = Regex(r"[\s\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]+")


class PieceTokenizer:
    """Cuts text into pieces.

    Args:
        file: An archive of ``pieces`` (UTF-8, one a line), ``scores`` and ``punctuation`` (bits). It opens in half the
            time of a ``tokenizer.json``.

    Raises:
        ModelNotAvailableError: It can't be read.
    """

    unknown = UNKNOWN

    def __init__(self, file: Path) -> None:
        try:
            with np.load(file) as arrays:
                pieces = arrays["pieces"].tobytes().decode().split("\n")
                scores = arrays["scores"].tolist()
                self._punctuation = np.unpackbits(arrays["punctuation"], count=len(pieces)).astype(np.bool_)
            model = models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=UNKNOWN)
        except Exception as error:  # tokenizers raises nothing narrower
            raise ModelNotAvailableError(
                f"{file} can't be read: {error}", hint="Reinstall the package it belongs to."
            ) from error
        self._tokenizer = Tokenizer(model)
        self._tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.NFKC(),
                normalizers.Replace(_CONTROL, ""),
                normalizers.Replace(_SPACES, " "),
            ]
        )
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
            replacement="\u2581", prepend_scheme="always", split=False
        )

    def tokenize(self, text: str) -> Tokens:
        """Tokenize a text. White space becomes nothing, or a piece without a place that is no word."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        spans = np.asarray(encoding.offsets, np.int32).reshape(-1, 2)
        return Tokens(np.asarray(encoding.ids, np.int64), trim_spans(spans, text))

    def is_word(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Tell pieces with a letter, digit or symbol from mere punctuation. Shape ``(tokens,)``."""
        return ~self._punctuation[tokens.ids]

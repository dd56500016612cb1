"""Text to word pieces, each with its place in the text. WordPiece: https://arxiv.org/abs/1609.08144."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from maxsight.encoders.offline.tokens import Frame, Tokens
from maxsight.encoders.query_words import is_punctuation
from maxsight.errors import ModelNotAvailableError

UNKNOWN, CLS, SEP = 100, 101, 102
"""Ids in the vocabulary: of the token for all that it lacks, and of those around a window."""
FRAME = Frame((CLS,), (SEP,))
"""``[CLS]`` and ``[SEP]`` stand around each window, as in BERT."""


class WordPieceTokenizer:
    """Cuts text into the word pieces of the English, uncased BERT vocabulary."""

    unknown = UNKNOWN

    def __init__(self, tokenizer_file: Path) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        except Exception as error:  # the library raises nothing narrower
            raise ModelNotAvailableError(
                f"{tokenizer_file} can't be read: {error}", hint="Reinstall maxsight."
            ) from error
        vocabulary = self._tokenizer.get_vocab()
        self._punctuation = np.zeros(len(vocabulary), np.bool_)
        for token, number in vocabulary.items():
            self._punctuation[number] = is_punctuation(token.removeprefix("##"))

    def tokenize(self, text: str) -> Tokens:
        """Tokenize a text. Characters outside the vocabulary become :data:`UNKNOWN`, white space nothing."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Tokens(
            np.asarray(encoding.ids, np.int64), np.asarray(encoding.offsets, np.int32).reshape(-1, 2)
        )

    def is_word(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Tell tokens with a letter, digit or symbol from mere punctuation. Shape ``(tokens,)``."""
        return ~self._punctuation[tokens.ids]

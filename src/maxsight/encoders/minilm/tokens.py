"""Text to word pieces, each with its place in the text, and word pieces to windows that the network reads at once.

WordPiece: https://arxiv.org/abs/1609.08144. ``[CLS]`` and ``[SEP]`` stand around each window, as in BERT.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from maxsight.encoders.query_words import is_punctuation
from maxsight.errors import ModelNotAvailableError

UNKNOWN, CLS, SEP = 100, 101, 102
"""Ids in the vocabulary: of the token for all that it lacks, and of those around a window."""

Window = NDArray[np.int64]
"""Token ids, those of ``[CLS]`` and ``[SEP]`` included."""


class Tokens(NamedTuple):
    """The word pieces of one text, in reading order, without special ones.

    Attributes:
        ids: Their numbers in the vocabulary. Shape ``(tokens,)``, int64.
        spans: Where each stands in the text. Shape ``(tokens, 2)``, int32.
    """

    ids: NDArray[np.int64]
    spans: NDArray[np.int32]


class WordPieceTokenizer:
    """Cuts text into the word pieces of the English, uncased BERT vocabulary."""

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


def cut_windows(ids: NDArray[np.int64], length: int) -> list[Window]:
    """Cut a text's tokens into windows of ``length`` and a shorter last one.

    ``[CLS]`` and ``[SEP]`` are put around each, and count towards ``length``.
    """
    step = length - 2
    return [np.concatenate([[CLS], ids[start : start + step], [SEP]]) for start in range(0, len(ids), step)]

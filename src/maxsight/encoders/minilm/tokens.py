"""Text to word pieces, each with its place in the text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from maxsight.encoders.query_words import is_punctuation
from maxsight.errors import ModelNotAvailableError

UNKNOWN = 100
"""The token that stands for whatever the vocabulary lacks."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The word pieces of one text, in reading order, without special ones.

    Attributes:
        ids: Their numbers in the vocabulary. Shape ``(tokens,)``, int64.
        spans: Where each stands in the text. Shape ``(tokens, 2)``, int32.
    """

    ids: NDArray[np.int64]
    spans: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, part: slice | NDArray[np.bool_]) -> Tokens:
        return Tokens(self.ids[part], self.spans[part])


class WordPieceTokenizer:
    """Cuts text into the word pieces of the English, uncased BERT vocabulary."""

    def __init__(self, tokenizer_file: Path) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        except Exception as error:  # the library raises nothing narrower
            raise ModelNotAvailableError(
                f"{tokenizer_file} can't be read: {error}", hint="Reinstall maxsight."
            ) from error
        self._punctuation = np.zeros(self._tokenizer.get_vocab_size(), np.bool_)
        self._punctuation[
            [
                number
                for token, number in self._tokenizer.get_vocab().items()
                if is_punctuation(token.removeprefix("##"))
            ]
        ] = True

    def tokenize(self, text: str) -> Tokens:
        """Tokenize a text. Characters outside the vocabulary become :data:`UNKNOWN`, white space nothing."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Tokens(
            np.asarray(encoding.ids, np.int64), np.asarray(encoding.offsets, np.int32).reshape(-1, 2)
        )

    def meaningful(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Tell tokens with a letter, digit or symbol from mere punctuation. Shape ``(tokens,)``."""
        return ~self._punctuation[tokens.ids]

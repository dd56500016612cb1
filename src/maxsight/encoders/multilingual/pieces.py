"""Text to the pieces of XLM-R's vocabulary, each with its place in the text.

A piece with a space before it begins with U+2581. Unigram: https://arxiv.org/abs/1804.10959.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from maxsight.encoders.offline.tokens import Tokens
from maxsight.encoders.query_words import is_punctuation
from maxsight.encoders.regions import trim_spans
from maxsight.errors import ModelNotAvailableError

BEGIN, END, UNKNOWN = 0, 2, 3
"""Ids of the tokens around a window, and of the token for all that the vocabulary lacks."""
_CONTROL = Regex(r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]")
_SPACES = Regex(r"[\s\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]+")


class PieceTokenizer:
    """Cuts text into pieces.

    Args:
        tokenizer: Cuts text, and knows where each piece stands.
        punctuation: The pieces that are mere punctuation. Shape ``(pieces,)``.
    """

    unknown = UNKNOWN

    def __init__(self, tokenizer: Tokenizer, punctuation: NDArray[np.bool_]) -> None:
        self._tokenizer, self._punctuation = tokenizer, punctuation

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read an archive of ``pieces`` (UTF-8, one a line), ``scores`` and ``punctuation`` (bits).

        It opens in half the time of a ``tokenizer.json``.

        Raises:
            ModelNotAvailableError: It can't be read.
        """
        try:
            with file.open("rb") as opened, np.load(opened) as arrays:
                pieces = arrays["pieces"].tobytes().decode().split("\n")
                scores = arrays["scores"].tolist()
                punctuation = np.unpackbits(arrays["punctuation"], count=len(pieces)).astype(np.bool_)
            tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=UNKNOWN))
        except Exception as error:  # tokenizers raises nothing narrower
            raise ModelNotAvailableError(
                f"{file} can't be read: {error}", hint="Reinstall the package it belongs to."
            ) from error
        tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.NFKC(),
                normalizers.Replace(_CONTROL, ""),
                normalizers.Replace(_SPACES, " "),
            ]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
            replacement="\u2581", prepend_scheme="always", split=False
        )
        return cls(tokenizer, punctuation)

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        """Take the tokenizer of a checkpoint, without the cuts and paddings that it sets."""
        tokenizer.no_truncation()
        tokenizer.no_padding()
        pieces = [tokenizer.id_to_token(number) or "" for number in range(tokenizer.get_vocab_size())]
        return cls(tokenizer, np.array(punctuation_of(pieces)))

    def tokenize(self, text: str) -> Tokens:
        """Tokenize a text. White space becomes nothing, or a piece without a place that is no word."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        spans = np.asarray(encoding.offsets, np.int32).reshape(-1, 2)
        return Tokens(np.asarray(encoding.ids, np.int64), trim_spans(spans, text))

    def is_word(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Tell pieces with a letter, digit or symbol from mere punctuation. Shape ``(tokens,)``."""
        return ~self._punctuation[tokens.ids]


def punctuation_of(pieces: Sequence[str]) -> list[bool]:
    """Say of each piece whether it is mere punctuation, or only the mark of a space."""
    return [is_punctuation(piece.replace("\u2581", "")) for piece in pieces]

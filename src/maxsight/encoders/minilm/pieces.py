"""Text to word pieces, each with its place in the text and on the page."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from maxsight.errors import ModelNotAvailableError
from maxsight.types import Regions, Words

UNKNOWN = 100
"""The piece that stands for whatever the vocabulary lacks."""

WHOLE_PAGE = np.array([0, 0, 1, 1], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The word pieces of one text, in reading order, without special ones.

    Attributes:
        ids: Their numbers in the vocabulary. Shape ``(pieces,)``, int64.
        spans: Where each stands in the text. Shape ``(pieces, 2)``, int32.
    """

    ids: NDArray[np.int64]
    spans: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, part: slice | NDArray[np.bool_]) -> Pieces:
        return Pieces(self.ids[part], self.spans[part])


class PieceCutter:
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
            [number for piece, number in self._tokenizer.get_vocab().items() if _is_punctuation(piece)]
        ] = True

    def cut(self, text: str) -> Pieces:
        """Cut a text. Characters outside the vocabulary become :data:`UNKNOWN`, white space nothing."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Pieces(
            np.asarray(encoding.ids, np.int64), np.asarray(encoding.offsets, np.int32).reshape(-1, 2)
        )

    def meaningful(self, pieces: Pieces) -> NDArray[np.bool_]:
        """Tell pieces with a letter, digit or symbol from mere punctuation. Shape ``(pieces,)``."""
        return ~self._punctuation[pieces.ids]


def _is_punctuation(piece: str) -> bool:
    return all(unicodedata.category(character).startswith("P") for character in piece.removeprefix("##"))


def word_of(spans: NDArray[np.int32], words: NDArray[np.int32]) -> NDArray[np.intp]:
    """Find the word each span starts in: the last one that starts no later, else the first.

    Args:
        spans: Shape ``(spans, 2)``.
        words: At least one, ascending. Shape ``(words, 2)``.
    """
    return np.maximum(np.searchsorted(words[:, 0], spans[:, 0], side="right") - 1, 0)


def regions_of(spans: NDArray[np.int32], words: Words) -> Regions:
    """Give each piece its own span and the box of its word.

    A page with a picture but no word boxes gives its pieces the whole page.
    """
    if words.boxes is None:
        return Regions(boxes=None, spans=spans)
    if len(words) == 0:
        return Regions(boxes=np.tile(WHOLE_PAGE, (len(spans), 1)), spans=spans)
    return Regions(boxes=words.boxes[word_of(spans, words.spans)], spans=spans)

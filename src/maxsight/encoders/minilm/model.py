"""all-MiniLM-L6-v2, from the files in this folder. It learned English."""

from __future__ import annotations

from pathlib import Path

from maxsight.encoders.base import Encoder
from maxsight.encoders.minilm.language import language_notice
from maxsight.encoders.minilm.tokens import FRAME, WordPieceTokenizer
from maxsight.encoders.offline.encoder import OfflineModel
from maxsight.encoders.offline.network import Network
from maxsight.encoders.offline.recipe import Recipe

FOLDER = Path(__file__).parent
"""The folder of the model files."""


def open_model(threads: int | None = None) -> OfflineModel:
    """Open the tokenizer, the network and the recipe.

    Raises:
        ModelNotAvailableError: The model files are missing or damaged.
    """
    tokenizer = WordPieceTokenizer(FOLDER / "tokenizer.json")
    network = Network(FOLDER / "model.onnx", threads)
    return OfflineModel(tokenizer, network, Recipe.read(FOLDER), FRAME, FRAME, query_end="?")


class English(Encoder):
    """The common part of the encoders of all-MiniLM-L6-v2: it learned English alone."""

    def notice(self, text: str) -> str | None:
        """Warn of text that is mostly not English, the only language the model has learned."""
        return language_notice(text)

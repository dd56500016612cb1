"""all-MiniLM-L6-v2, from the files in this folder. It learned English."""

from __future__ import annotations

from pathlib import Path

from maxsight.encoders.base import Encoder
from maxsight.encoders.minilm.tokens import FRAME, WordPieceTokenizer
from maxsight.encoders.offline.encoder import OfflineModel
from maxsight.encoders.offline.network import Network
from maxsight.encoders.offline.recipe import Recipe
from maxsight.language import foreign_language, foreign_script

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


def language_notice(text: str) -> str | None:
    """Warn that a text is mostly in another language than English, else return None."""
    found = foreign_script(text) or foreign_language(text)
    if found is None:
        return None
    return (
        f"The text is mostly in {found}. The minilm encoder has learned English only: "
        "it will find little beyond words that are spelt alike. A new library with --encoder multilingual finds it."
    )

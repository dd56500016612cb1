"""``--encoder multilingual``: pieces of multilingual-e5-small, about 100 languages, offline, on a CPU."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from maxsight.encoders.multilingual.pieces import BEGIN, END, PieceTokenizer
from maxsight.encoders.offline.encoder import OfflineModel, TokenEncoder
from maxsight.encoders.offline.network import HiddenStates, Network
from maxsight.encoders.offline.recipe import Recipe
from maxsight.encoders.offline.tokens import Frame

PACKAGE = "maxsight_multilingual"
PAGE_PROMPT, QUERY_PROMPT = "passage:", "query:"
"""What e5 was trained to see before a passage and a query: https://arxiv.org/abs/2402.05672."""


class MultilingualEncoder(TokenEncoder):
    """One vector per piece of a word, in the same space for all languages: a question finds pages of any of them.

    Args:
        name: The encoder's name in a library.
        tokenizer: Cuts text into pieces.
        network: Makes a hidden state of each.
        recipe: Makes vectors of these.
    """

    def __init__(self, name: str, tokenizer: PieceTokenizer, network: HiddenStates, recipe: Recipe) -> None:
        page_frame, query_frame = (
            Frame((BEGIN, *tokenizer.tokenize(prompt).ids.tolist()), (END,))
            for prompt in (PAGE_PROMPT, QUERY_PROMPT)
        )
        model = OfflineModel(tokenizer, network, recipe, page_frame, query_frame)
        super().__init__(name, model, "Ask in words of a language, not in signs.")

    @property
    def is_multilingual(self) -> bool:
        """It knows about 100 languages."""
        return True


class Multilingual(MultilingualEncoder):
    """The encoder with the weights of the package `maxsight_multilingual`.

    Args:
        threads: Threads of the network; None takes every core.
        folder: The folder of the model files; None takes that of the package.

    Raises:
        ModelNotAvailableError: The model files are missing or damaged.
    """

    def __init__(self, threads: int | None = None, folder: Path | None = None) -> None:
        folder = folder or package_folder()
        recipe = Recipe.read(folder)
        recipe.check_files(folder)
        tokenizer = PieceTokenizer.read(folder / "pieces.npz")
        super().__init__("multilingual", tokenizer, Network(folder / "model.onnx", threads), recipe)


def package_folder() -> Path:
    """Find the folder of the package's files."""
    return Path(str(files(PACKAGE)))

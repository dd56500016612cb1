"""The default encoder: contextual word pieces of all-MiniLM-L6-v2, offline, on a CPU."""

from __future__ import annotations

from maxsight.encoders.minilm.model import English, open_model
from maxsight.encoders.offline.encoder import TokenEncoder


class MiniLM(English, TokenEncoder):
    """One vector per word piece, each with its word's box.

    A page is read in windows of at most 128 tokens. A query is read with a question mark at its end: questions then
    find more.

    Args:
        threads: Threads of the network; None takes every core.

    Raises:
        ModelNotAvailableError: The model files are missing or damaged.
    """

    def __init__(self, threads: int | None = None) -> None:
        super().__init__("minilm", open_model(threads), "It has learned English only: try English words.")

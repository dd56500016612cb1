"""Encoders by name, as given to ``--encoder`` and written to a library's manifest."""

from __future__ import annotations

from maxsight.encoders.base import Encoder
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import ModelNotAvailableError

DEFAULT_ENCODER = "minilm"
ENCODER_NAMES = ("minilm", "fake")


def load_encoder(name: str) -> Encoder:
    """Load an encoder; its heavy libraries are imported only now.

    Raises:
        ModelNotAvailableError: There is no encoder of this name, or its files can't be read.
    """
    if name == "minilm":
        from maxsight.encoders.minilm.encoder import MiniLM

        return MiniLM()
    if name == "fake":
        return FakeEncoder()
    raise ModelNotAvailableError(
        f"no encoder is called {name!r}", hint=f"The encoder that comes with maxsight is {DEFAULT_ENCODER}."
    )

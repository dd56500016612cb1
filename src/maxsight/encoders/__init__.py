"""Pages and queries in, vectors out.

Importing this loads no model and no inference runtime; :func:`load_encoder` does.
"""

from maxsight.encoders.base import Encoder, EncoderOptions, HiddenStateEncoder, Precision
from maxsight.encoders.fake import FakeEncoder
from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.precomputed import Precomputed, is_precomputed
from maxsight.encoders.registry import (
    DEFAULT_ENCODER,
    ENCODER_NAMES,
    is_checkpoint,
    load_encoder,
)

__all__ = [
    "DEFAULT_ENCODER",
    "ENCODER_NAMES",
    "PARAGRAPHS",
    "Encoder",
    "EncoderOptions",
    "FakeEncoder",
    "HiddenStateEncoder",
    "Precision",
    "Precomputed",
    "is_checkpoint",
    "is_precomputed",
    "load_encoder",
]

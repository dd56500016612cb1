"""Pages and queries in, vectors out.

Importing this loads no model and no inference runtime; :func:`load_encoder` does.
"""

from maxsight.encoders.base import Encoder
from maxsight.encoders.fake import FakeEncoder
from maxsight.encoders.registry import DEFAULT_ENCODER, ENCODER_NAMES, load_encoder

__all__ = ["DEFAULT_ENCODER", "ENCODER_NAMES", "Encoder", "FakeEncoder", "load_encoder"]

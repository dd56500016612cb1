"""Files in, a file of vectors out: what an encoder makes of pages, for those who train on it."""

from maxsight.embedding.events import Embedded, EmbeddingEvent, EmbeddingReport, GoingOn, NotEmbedded
from maxsight.embedding.formats import FORMATS
from maxsight.embedding.kinds import EmbeddingType
from maxsight.embedding.run import EmbeddingRequest, EmbeddingRun
from maxsight.encoders.pooling import Pooling

__all__ = [
    "FORMATS",
    "Embedded",
    "EmbeddingEvent",
    "EmbeddingReport",
    "EmbeddingRequest",
    "EmbeddingRun",
    "EmbeddingType",
    "GoingOn",
    "NotEmbedded",
    "Pooling",
]

"""One feature vector of fixed length per page: what a model of quality is trained on and predicts from.

An encoder makes one vector per patch, and pooling turns them into one per page. A model belongs to a `FeatureSpace`:
the encoder with its revision, which of its vectors, and the pooling.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.encoders.base import Encoder
from maxsight.encoders.patches import STATISTICS, PatchEncoder
from maxsight.encoders.pooling import Pooling, pool_vectors
from maxsight.encoders.registry import PATCHES, load_encoder
from maxsight.errors import InputError
from maxsight.pictures import PictureFit, fit_picture, fitted_size
from maxsight.quality.ocr_features import OCR_FEATURES
from maxsight.quality.text_pooling import TEXT_PARTS, pool_by_text
from maxsight.types import Floats, Page, TextSource, Words

MIN_SIDE_PX = 128
_NO_WORDS = Words(np.zeros((0, 2), np.int32), None)


class PagePooling(StrEnum):
    """How a page's vectors become one."""

    MEAN = "mean"
    MAX = "max"
    STD = "std"
    CONCAT = "concat"
    """Mean, maximum and standard deviation."""
    CONCAT_TEXT = "concat-text"
    """The same, and means, deviation and quantiles weighted by text. For ``patches`` only."""


class Layer(StrEnum):
    """Which of an encoder's vectors are pooled."""

    VECTORS = "vectors"
    """The vectors for search: 128 components for ColPali."""
    HIDDEN = "hidden"
    """The language model's last hidden states: 2048 components for ColPali."""


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """What two feature vectors must share to be compared.

    Attributes:
        encoder: Its id: ``patches``, or a checkpoint's.
        revision: Fingerprint of the encoder's weights and settings.
        dim: Length of one of its vectors.
        layer: Which of its vectors are pooled.
        pooling: How they are pooled.
        with_ocr: Whether `OCR_FEATURES` follow.
    """

    encoder: str
    revision: str
    dim: int
    layer: Layer
    pooling: PagePooling
    with_ocr: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """One name per feature, such as ``mean of sharpness``."""
        single = STATISTICS if self.encoder == PATCHES else tuple(f"component {n}" for n in range(self.dim))
        parts = {
            PagePooling.CONCAT: ("mean", "max", "std"),
            PagePooling.CONCAT_TEXT: ("mean", "max", "std", *TEXT_PARTS),
        }.get(self.pooling, (self.pooling.value,))
        pooled = tuple(f"{part} of {name}" for part in parts for name in single)
        return pooled + (OCR_FEATURES if self.with_ocr else ())

    def __str__(self) -> str:
        after = ", after OCR" if self.with_ocr else ""
        return f"{self.encoder} (revision {self.revision}, {self.dim}-d {self.layer}, {self.pooling} pooling{after})"


@dataclass(frozen=True, slots=True, eq=False)
class PageVectors:
    """A page before pooling.

    Attributes:
        vectors: Shape ``(vectors, dim)``, float32. A blank page has none.
        boxes: Their places, in fractions of the page. Shape ``(vectors, 4)``.
    """

    vectors: NDArray[np.float32]
    boxes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.vectors)


class FeatureExtractor:
    """Turns pictures of pages into feature vectors of one space.

    Args:
        encoder: Makes the vectors.
        layer: Which of its vectors are pooled.
        pooling: How they are pooled.

    Attributes:
        space: The space of the features.
        picture: The size of picture that the encoder takes.

    Raises:
        InputError: The encoder does not look at pages, has no hidden states, or does not go with the pooling.
    """

    def __init__(self, encoder: Encoder, layer: Layer, pooling: PagePooling) -> None:
        space = encoder.space
        if encoder.picture is None:
            raise InputError(
                f"{space.encoder} reads words and does not look at pages",
                hint="Take patches, or a checkpoint of the ColPali family.",
            )
        _check_pooling(space.encoder, pooling)
        if layer is Layer.HIDDEN and encoder.hidden_states is None:
            raise InputError(f"{space.encoder} has no hidden states", hint="Take its vectors.")
        self.picture = encoder.picture
        self._encoder = encoder
        self._hidden = encoder.hidden_states if layer is Layer.HIDDEN else None
        dim = self._hidden.hidden_dim if self._hidden else space.dim
        self.space = FeatureSpace(space.encoder, space.revision, dim, layer, pooling)

    def vectors(self, picture: NDArray[np.uint8]) -> PageVectors:
        """Encode one page.

        Args:
            picture: Grey ``(height, width)`` or RGB ``(height, width, 3)``, uint8.

        Raises:
            InputError: The picture is too small to hold a line of text.
        """
        check_size(picture)
        page = Page(0, "", _NO_WORDS, TextSource.NONE, picture=_fit(picture, self.picture))
        if self._hidden:
            ((embedding, vectors),) = self._hidden.encode_pages_with_hidden([page])
        else:
            (embedding,) = self._encoder.encode_pages([page])
            vectors = embedding.vectors
        boxes = embedding.regions.boxes
        assert boxes is not None  # it has a picture
        return PageVectors(np.asarray(vectors, np.float32), boxes)

    def pool(self, vectors: Floats) -> NDArray[np.float32]:
        """Make one feature vector of a page's vectors, or of some of them.

        Raises:
            InputError: ``vectors`` is empty.
        """
        if self.space.pooling is not PagePooling.CONCAT_TEXT:
            return pool_vectors(vectors, Pooling(self.space.pooling.value))
        concat = pool_vectors(vectors, Pooling.CONCAT)
        return np.concatenate([concat, pool_by_text(vectors)]).astype(np.float32)


def _check_pooling(encoder: str, pooling: PagePooling) -> None:
    if pooling is PagePooling.CONCAT_TEXT and encoder != PATCHES:
        raise InputError(f"the pooling {pooling} is for patches only", hint="Take concat.")


def load_extractor(features: str, pooling: PagePooling | None = None) -> FeatureExtractor:
    """Make an extractor by the name given to ``--features``.

    Args:
        features: ``patches``, or a checkpoint with the length of its vectors or hidden states:
            ``vidore/colpali-v1.3-hf:128dim``, ``vidore/colpali-v1.3-hf:2048dim``.
        pooling: How vectors are pooled; the richest way that the features have, if not given.

    Raises:
        InputError: The checkpoint has no vectors of that length, or the pooling is not for checkpoints.
        ModelNotAvailableError: There is no such encoder.
    """
    if features == PATCHES:
        return FeatureExtractor(PatchEncoder(), Layer.VECTORS, pooling or PagePooling.CONCAT_TEXT)
    name, _, length = features.rpartition(":")
    if not name or not length.removesuffix("dim").isdecimal():
        raise InputError(
            f"features are patches or a checkpoint with a length, not {features!r}",
            hint="For example vidore/colpali-v1.3-hf:128dim or vidore/colpali-v1.3-hf:2048dim.",
        )
    pooling = pooling or PagePooling.CONCAT
    _check_pooling(name, pooling)  # before minutes of loading
    encoder, dim = load_encoder(name), int(length.removesuffix("dim"))
    lengths = {encoder.space.dim: Layer.VECTORS}
    if encoder.hidden_states:
        lengths.setdefault(encoder.hidden_states.hidden_dim, Layer.HIDDEN)
    if dim not in lengths:
        known = " and ".join(f"{each}dim" for each in lengths)
        raise InputError(f"{name} has no vectors of length {dim}", hint=f"It has {known}.")
    return FeatureExtractor(encoder, lengths[dim], pooling)


def check_size(picture: NDArray[np.uint8]) -> None:
    """Refuse pictures that can't hold text.

    Raises:
        InputError: The picture is smaller than a line of text with its margins.
    """
    height, width = picture.shape[:2]
    if min(height, width) < MIN_SIDE_PX:
        raise InputError(
            f"the picture is {width} x {height} pixels; less than {MIN_SIDE_PX} on a side is no page",
            hint="Give the page in the resolution it is to be read in, such as 150 dpi.",
        )


def _fit(picture: NDArray[np.uint8], fit: PictureFit) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if picture.ndim == 3 and fitted_size(width, height, fit) == (width, height):
        return picture
    return fit_picture(Image.fromarray(picture).convert("RGB"), fit)

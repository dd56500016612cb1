"""The frozen values of pages and vectors that cross rooms. Each checks itself when it is made.

Coordinates are fractions of the page as a person sees it (rotation and crop applied): ``x0, y0, x1, y1``
in [0, 1], origin top left. Spans are character offsets ``start, end`` into the page's text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import DimensionMismatchError, InputError, UnreadableDocumentError
from maxsight.segmentation import UNSPACED

Floats = NDArray[np.floating[Any]]
Scalar = str | int | float | bool

MAX_VECTORS_PER_PAGE = 4096
MAX_TEXT_RUNS = 16
"""So that the stored sources of a page fit a column of Milvus, which has 512 bytes."""
WHOLE_PAGE = (0.0, 0.0, 1.0, 1.0)
"""The box of a vector without a place on its page, such as those of a prompt."""
_HALF_EXPONENT = np.uint16(0x7C00)
"""The exponent bits of a float16, all set if it is NaN or infinite (IEEE 754)."""


class TextSource(StrEnum):
    """Where a page's text came from."""

    LAYER = "layer"
    """The PDF's own text."""
    TESSERACT = "tesseract"
    RAPIDOCR = "rapidocr"
    FILE = "file"
    """A plain text file."""
    NONE = "none"
    """No text was found, or OCR is off."""


class SourceReason(StrEnum):
    """Why words of a page with a text layer come from OCR."""

    GARBLED = "garbled"
    """The layer says something else than the page shows."""
    DRAWN = "drawn"
    """They are in a picture, or drawn as outlines."""
    ASKED = "asked"
    """The user wants OCR for every page."""


@dataclass(frozen=True, slots=True)
class TextRun:
    """Consecutive words of a page that come from one source.

    Of a page with more than `MAX_TEXT_RUNS`, each holds all words of one source and reason.

    Attributes:
        source: Where they come from.
        words: How many they are.
        reason: Why OCR read them; None where it is the page's only source.
    """

    source: TextSource
    words: int
    reason: SourceReason | None = None

    def __str__(self) -> str:
        return " ".join(map(str, filter(None, (self.source, self.words, self.reason))))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote."""
        source, words, *reason = text.split(" ")
        return cls(TextSource(source), int(words), SourceReason(reason[0]) if reason else None)


def main_source(runs: Sequence[TextRun]) -> TextSource:
    """Return the source of most words."""
    words = Counter[TextSource]()
    for run in runs:
        words[run.source] += run.words
    return words.most_common(1)[0][0]


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """Identifies what made vectors. Only vectors of one space are comparable, and a library has one space.

    Attributes:
        encoder: The encoder's id, as given to ``--encoder``.
        revision: Fingerprint of its weights and recipe.
        dim: Length of every vector.
        query_format: How queries are written for the model.
    """

    encoder: str
    revision: str
    dim: int
    query_format: str = "plain"

    def matches(self, other: EmbeddingSpace) -> bool:
        """Whether vectors of both are comparable: the same weights under another name or path are the same space."""
        return (self.revision, self.dim, self.query_format) == (
            other.revision, other.dim, other.query_format
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.encoder} (revision {self.revision}, {self.dim}-d, {self.query_format} queries)"


@dataclass(frozen=True, slots=True)
class Document:
    """One source file at one path.

    Attributes:
        path: Its identity in the library, with forward slashes: relative to the folder that holds the library if it
            is below that, else absolute.
        content_hash: SHA-256 of the file's bytes, hex.
        size_bytes: Size when it was indexed.
        modified_ns: Modification time when it was indexed, nanoseconds since the epoch.
        page_count: Pages in the file, whether indexed or not.
    """

    path: str
    content_hash: str
    size_bytes: int
    modified_ns: int
    page_count: int

    @property
    def file(self) -> str:
        """The file's name without its folders."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of a page in reading order. A word that is divided between two lines is two: their spans touch.

    Attributes:
        spans: Place of each word in the page's text. Shape ``(words, 2)``, int32.
        boxes: Place of each word on the page. Shape ``(words, 4)``, float32; None for plain text.
    """

    spans: NDArray[np.int32]
    boxes: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        check_shape("spans", self.spans, (len(self.spans), 2))
        if self.boxes is not None:
            check_shape("boxes", self.boxes, (len(self.spans), 4))
            check_boxes(self.boxes)

    def __len__(self) -> int:
        return len(self.spans)


@dataclass(frozen=True, slots=True, eq=False)
class Paragraphs:
    """The paragraphs of a page, for encoders that make one vector of each.

    Attributes:
        spans: Place of each paragraph in the page's text. Shape ``(paragraphs, 2)``, int32.
        vectors: Vectors that came with the data, unit norm; None if the encoder makes them. Shape
            ``(paragraphs, dim)``, float32.
    """

    spans: NDArray[np.int32]
    vectors: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        check_shape("spans", self.spans, (len(self.spans), 2))
        if self.vectors is not None and len(self.vectors) != len(self.spans):
            raise DimensionMismatchError(
                f"expected one vector per paragraph, got {len(self.vectors)} vectors and {len(self.spans)} paragraphs"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page as read from its file, before any encoder.

    Attributes:
        page_index: From 0.
        text: Its text in reading order. May be empty.
        words: The words of ``text``.
        text_source: Where the text, or most of it, came from.
        width_pt: Width as a person sees the page, in 1/72 inch; 0 for plain text.
        height_pt: Height, likewise.
        picture: Its picture, in the size that the encoder asked for; None unless it did. Never stored. Shape
            ``(height, width, 3)``, uint8, RGB.
        paragraphs: Its paragraphs, if the data says what they are; else blank lines separate them. Never stored.
        unread: What of the page, or of its file, was not read, or not as it says: a sentence each, for people. Never
            stored.
        text_runs: The sources of its words in their order, where they differ or have a reason; else none.
    """

    page_index: int
    text: str
    words: Words
    text_source: TextSource
    width_pt: float = 0.0
    height_pt: float = 0.0
    picture: NDArray[np.uint8] | None = None
    paragraphs: Paragraphs | None = None
    unread: tuple[str, ...] = ()
    text_runs: tuple[TextRun, ...] = ()

    @property
    def page_number(self) -> int:
        """From 1, for people."""
        return self.page_index + 1

    @property
    def whole_words(self) -> NDArray[np.intp]:
        """Which whole word each of ``words`` is of, from 0. A word that is divided between two lines has two parts.

        Parts touch. So do the words of scripts without spaces, and the pieces that long runs of plain text are cut
        into. These stand for themselves. Shape ``(words,)``.
        """
        starts, ends = self.words.spans[1:, 0], self.words.spans[:-1, 1]
        begins = np.ones(len(self.words), bool)
        begins[1:] = (starts != ends) | (self.words.boxes is None)
        for word in np.flatnonzero(~begins):
            at = self.words.spans[word, 0]
            begins[word] = UNSPACED.match(self.text, at - 1) or UNSPACED.match(self.text, at)
        return begins.cumsum() - 1


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The place of each vector of a page: a box on the page, a span of its text, or both.

    Attributes:
        boxes: Shape ``(vectors, 4)``, float32, or None if the page has no picture.
        spans: Shape ``(vectors, 2)``, int32, or None if the vectors are not of text.
    """

    boxes: NDArray[np.float32] | None
    spans: NDArray[np.int32] | None

    def __post_init__(self) -> None:
        if self.boxes is None and self.spans is None:
            raise InputError("regions need boxes, spans, or both")
        if self.boxes is not None:
            check_shape("boxes", self.boxes, (len(self), 4))
            check_boxes(self.boxes)
        if self.spans is not None:
            check_shape("spans", self.spans, (len(self), 2))

    @property
    def whole_page(self) -> NDArray[np.bool_]:
        """Which vectors have no place on the page, such as those of a prompt. Shape ``(vectors,)``.

        Their box is the whole page; without boxes, their span is empty.
        """
        if self.boxes is not None:
            return np.asarray((self.boxes == WHOLE_PAGE).all(axis=1))
        assert self.spans is not None  # checked in __post_init__
        return np.asarray(self.spans[:, 0] == self.spans[:, 1])

    def of(self, vectors: NDArray[np.intp]) -> Regions:
        """Return the regions of some vectors."""
        return Regions(
            None if self.boxes is None else self.boxes[vectors],
            None if self.spans is None else self.spans[vectors],
        )

    def __len__(self) -> int:
        first = self.boxes if self.boxes is not None else self.spans
        assert first is not None  # checked in __post_init__
        return len(first)


@dataclass(frozen=True, slots=True, eq=False)
class PageEmbedding:
    """A page as vectors, each with its region.

    Attributes:
        vectors: Unit norm. Shape ``(vectors, dim)``, float32, or float16 as stored. A page with nothing to encode has
            no vectors; it is stored and never found.
        regions: One per vector.
    """

    vectors: Floats
    regions: Regions

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.regions):
            raise DimensionMismatchError(
                f"expected one region per vector, got vectors of shape {self.vectors.shape} "
                f"and {len(self.regions)} regions"
            )
        if len(self.vectors) > MAX_VECTORS_PER_PAGE:
            raise InputError(f"a page holds at most {MAX_VECTORS_PER_PAGE} vectors, got {len(self.vectors)}")
        if not _all_finite(self.vectors):
            raise InputError("a page's vectors must be finite, got NaN or infinity")


class Similarity(StrEnum):
    """How two vectors are compared. More is better. Libraries of maxsight use the inner product of unit vectors."""

    INNER_PRODUCT = "inner-product"
    INNER_PRODUCT_OF_ANY_LENGTH = "inner-product-of-any-length"
    SQUARED_DISTANCE = "squared-distance"
    """Less than zero: of a collection that another program made for the squared Euclidean distance."""

    def compare(self, query: Floats, vectors: Floats) -> NDArray[np.float32]:
        """Compare every two vectors of a query and a page. Shape ``(query_tokens, vectors)``."""
        stored = vectors.astype(np.float32)
        similarities = query @ stored.T
        if self is Similarity.SQUARED_DISTANCE:
            lengths = (query**2).sum(axis=1)[:, None] + (stored**2).sum(axis=1)
            similarities = np.minimum(2 * similarities - lengths, 0)
        return similarities.astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class QueryEmbedding:
    """A query as vectors.

    Attributes:
        text: The part of the query that is searched for: an encoder may cut a long one.
        vectors: Unit norm. Shape ``(query_tokens, dim)``, float32.
        words: The query's words, for people.
        word_index: Which of ``words`` each vector belongs to, -1 for none. Shape ``(query_tokens,)``.
        tokens: The text of each vector's token: a word or a part of one, empty for a token that a model adds. No
            tokens at all where they are not known.
        similarity: How its vectors are compared with those of pages.
    """

    text: str
    vectors: NDArray[np.float32]
    words: tuple[str, ...]
    word_index: NDArray[np.int32]
    tokens: tuple[str, ...] = ()
    similarity: Similarity = Similarity.INNER_PRODUCT

    def __post_init__(self) -> None:
        check_shape("word_index", self.word_index, (len(self.vectors),))
        if self.tokens and len(self.tokens) != len(self.vectors):
            raise InputError(f"expected one token per vector, got {len(self.tokens)} of {len(self.vectors)}")
        if len(self.vectors) == 0:
            raise InputError("a query needs at least one vector")

    def compare(self, vectors: Floats) -> NDArray[np.float32]:
        """Compute the similarity of each token and each of a page's vectors. Shape ``(query_tokens, vectors)``."""
        return self.similarity.compare(self.vectors, vectors)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or page that a run left out.

    Attributes:
        path: The file as found on disk.
        page_number: From 1; None for the whole file.
        reason: Why.
        hint: What to do next, or None.
    """

    path: str
    page_number: int | None
    reason: str
    hint: str | None = None

    @classmethod
    def of(cls, error: UnreadableDocumentError) -> Self:
        """Make one of the error that says what could not be read."""
        return cls(error.path, error.page_number, error.reason, error.hint)


def check_shape(name: str, array: NDArray[np.generic], expected: tuple[int, ...]) -> None:
    """Refuse an array of another shape.

    Raises:
        DimensionMismatchError: The shape differs.
    """
    if array.shape != expected:
        raise DimensionMismatchError(f"{name} must have shape {expected}, got {array.shape}")


def _all_finite(values: Floats) -> bool:
    """Whether no value is NaN or infinite. For float16, a look at the exponents is ten times as fast as numpy."""
    if values.dtype != np.float16:
        return bool(np.isfinite(values).all())
    return bool(((values.view(np.uint16) & _HALF_EXPONENT) != _HALF_EXPONENT).all())


def check_boxes(boxes: NDArray[np.float32]) -> None:
    """Refuse boxes that are not ordered fractions of the page.

    Raises:
        InputError: A box is outside [0, 1], or its corners are swapped.
    """
    if not boxes.size:
        return
    ordered = (boxes[:, 0] <= boxes[:, 2]).all() and (boxes[:, 1] <= boxes[:, 3]).all()
    if not ordered or boxes.min() < 0 or boxes.max() > 1:
        raise InputError("boxes must be x0 <= x1, y0 <= y1, all within [0, 1]")

"""What a query can be (a text, phrases, vectors), and how it becomes vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from maxsight.encoders import Encoder
from maxsight.errors import DimensionMismatchError, InputError
from maxsight.identity import composed
from maxsight.types import EmbeddingSpace, Floats, QueryEmbedding

Query = str | Sequence[str] | Floats
"""A text; phrases, each searched for as a whole; or vectors of shape ``(query_tokens, dim)``."""


def embed_query(encoder: Callable[[], Encoder], space: EmbeddingSpace, query: Query) -> QueryEmbedding:
    """Encode a query.

    Args:
        encoder: Gives the library's encoder. It is not called for vectors.
        space: The embedding space of the library.
        query: A text, phrases or vectors. A phrase becomes one vector if the encoder can make one; else all its vectors
            count as one word.

    Raises:
        InputError: A text is not valid, or a vector has no direction.
        DimensionMismatchError: The vectors have another length than the library's.
        EmptyQueryError: Nothing in it can be searched for.
    """
    if isinstance(query, np.ndarray):
        return _embed_vectors(query, space.dim)
    if isinstance(query, str):
        return encoder().encode_query(_checked(query))
    phrases = list(query) if isinstance(query, Iterable) else [query]
    for phrase in phrases:
        if not isinstance(phrase, str):
            got = "None" if phrase is None else type(phrase).__name__
            raise InputError(
                f"a query is a text, phrases or an array of vectors, got {got}",
                hint='For example: library.search("how much did revenue grow?")',
            )
    if not phrases:
        raise InputError("a query needs at least one phrase, got none")
    return encoder().encode_phrases(list(map(_checked, phrases)))


def text_of(query: Query) -> str:
    """Write a query for people: phrases with commas between them, nothing for vectors."""
    if isinstance(query, np.ndarray):
        return ""
    return query if isinstance(query, str) else ", ".join(query)


def load_vectors(file: Path) -> Floats:
    """Read a query's vectors from a ``.npy`` file.

    Raises:
        InputError: It can't be read, or does not hold floats.
    """
    try:
        vectors = np.load(file, allow_pickle=False)
    except OSError as error:
        raise InputError(f"{file}: vectors can't be read: {error}") from error
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{file}: vectors can't be read: it is not a whole .npy file of numbers",
            hint="numpy.save writes such a file.",
        ) from error
    if not isinstance(vectors, np.ndarray) or not np.issubdtype(vectors.dtype, np.floating):
        raise InputError(f"{file}: expected an array of floats", hint="numpy.save writes such a file.")
    return vectors


def _embed_vectors(query: Floats, dim: int) -> QueryEmbedding:
    vectors = np.atleast_2d(query).astype(np.float64)
    if vectors.ndim != 2 or vectors.shape[1] != dim or not len(vectors):
        raise DimensionMismatchError(f"query vectors must have shape (vectors, {dim}), got {query.shape}")
    with np.errstate(over="ignore"):  # infinity is refused below
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms) & (norms > 0)).all():
        raise InputError("query vectors must be finite and not zero")
    names = tuple(f"vector {number}" for number in range(1, len(vectors) + 1))
    return QueryEmbedding(
        "", np.asarray(vectors / norms, np.float32), names, np.arange(len(names), dtype=np.int32)
    )


def _checked(query: str) -> str:
    """Return a text in Unicode NFC, as pages are stored.

    Lone surrogates are refused: no encoder can read them. Bytes of a command line that are not UTF-8 become those.
    """
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the query is not valid UTF-8 text at character {error.start + 1}",
            hint="Type it again, or convert it: iconv -t UTF-8",
        ) from error
    return composed(query)

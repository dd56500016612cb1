"""Cohere's embedding models over their API: one vector for each paragraph, one for each word or phrase of a query.

Texts leave this machine. The official client waits and tries again when the service says so (429, with
``Retry-After``) or fails. Errors that remain become encoder errors here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import httpx
import numpy as np
from cohere import ClientV2
from cohere.core.api_error import ApiError
from numpy.typing import NDArray

from maxsight.encoders.paragraphs import ParagraphEncoder
from maxsight.errors import EncoderError, ModelNotAvailableError
from maxsight.settings import cohere_key, cohere_url
from maxsight.types import EmbeddingSpace

PREFIX = "cohere:"
INPUT_TYPES = ("search_query", "classification", "clustering", "search_document")
"""What Cohere may be told a query is. Vectors of all of them can be compared."""
TIMEOUT_S = 120.0
MAX_RETRIES = 8
"""Waits double from 1 to 60 s where the service names none: four minutes in all."""
DIMS = {
    "embed-multilingual-v3.0": 1024,
    "embed-english-v3.0": 1024,
    "embed-multilingual-light-v3.0": 384,
    "embed-english-light-v3.0": 384,
    "embed-v4.0": 1536,
}
"""Vector lengths of known models. Another model is asked for its own."""


class CohereEncoder(ParagraphEncoder):
    """One vector per paragraph or phrase, made by Cohere.

    The key comes from ``CO_API_KEY`` or ``COHERE_API_KEY``. It is never stored or shown. A paragraph longer than the
    model reads is cut at its end.

    Args:
        name: ``cohere:MODEL``, such as ``cohere:embed-multilingual-v3.0``. ``?input_type=classification`` after it says
            what queries are, one of ``INPUT_TYPES``; the first of these unless given.
        max_retries: How often a failed request is repeated.

    Raises:
        ModelNotAvailableError: There is no key, no model is named, or there is no such type.
    """

    encodes_remotely = True
    texts_at_once = 96
    """The most that the API takes in one request."""

    def __init__(self, name: str, *, max_retries: int = MAX_RETRIES) -> None:
        self._name = name
        self._model, _, option = name.removeprefix(PREFIX).partition("?")
        self._query_type = option.removeprefix("input_type=") if option else INPUT_TYPES[0]
        if not self._model:
            raise ModelNotAvailableError(
                "no model of Cohere is named", hint=f"For example {PREFIX}embed-multilingual-v3.0"
            )
        if self._query_type not in INPUT_TYPES:
            raise ModelNotAvailableError(
                f"{name}: {option!r} is no option of Cohere's models",
                hint=f"Name the type of queries: ?input_type= and one of {', '.join(INPUT_TYPES)}.",
            )
        key = cohere_key()
        if key is None:
            raise ModelNotAvailableError(
                f"{name} needs a key for Cohere's API",
                hint="Set CO_API_KEY, or CO_API_KEY=... in a .env file.",
            )
        self._client = ClientV2(
            key,
            base_url=cohere_url(),
            client_name="maxsight",
            timeout=TIMEOUT_S,
            max_retries=max_retries,
            log_warning_experimental_features=False,
        )

    @cached_property
    def space(self) -> EmbeddingSpace:
        """The space of the model. Its name stands for its revision too."""
        dim = DIMS.get(self._model) or self._request(["dimension"], "search_document").shape[1]
        return EmbeddingSpace(self._name, self._model, dim, query_format="phrases")

    def _embed(self, texts: Sequence[str], *, are_queries: bool) -> NDArray[np.float32]:
        vectors = self._request(texts, self._query_type if are_queries else "search_document")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if vectors.shape[1] != self.space.dim or not (np.isfinite(norms) & (norms > 0)).all():
            raise EncoderError(
                f"{self.space.encoder} gave vectors that can't be used, of shape {vectors.shape}; "
                f"{(len(texts), self.space.dim)} were expected"
            )
        return np.asarray(vectors / norms, np.float32)

    def _request(self, texts: Sequence[str], kind: str) -> NDArray[np.float32]:
        with _translated(self._model):
            answer = self._client.embed(
                model=self._model,
                input_type=kind,
                texts=list(texts),
                embedding_types=["float"],
                truncate="END",
            )
        vectors = answer.embeddings.float_ or []
        if len(vectors) != len(texts):
            raise EncoderError(
                f"{PREFIX}{self._model} answered {len(texts)} texts with {len(vectors)} vectors"
            )
        return np.array(vectors, np.float32)


@contextmanager
def _translated(model: str) -> Iterator[None]:
    """Translate the client's errors. Their headers are left out, since a key might be there."""
    try:
        yield
    except ApiError as error:
        said = error.body.get("message") if isinstance(error.body, dict) else None
        reason = f"{PREFIX}{model}: Cohere answered {error.status_code}{f', {said}' if said else ''}"
        match error.status_code:
            case 401 | 403:
                raise ModelNotAvailableError(reason, hint="Check the key in CO_API_KEY.") from None
            case 404:
                raise ModelNotAvailableError(reason, hint="Check the model's name.") from None
            case 429:
                hint = (
                    "The key's rate limit is used up. The same command goes on later from where it stopped."
                )
                raise EncoderError(reason, hint=hint) from None
        raise EncoderError(reason, hint="Try again later. The pages that are indexed stay.") from None
    except httpx.HTTPError as error:
        raise EncoderError(
            f"{PREFIX}{model}: Cohere can't be reached: {error or type(error).__name__}",
            hint="Check the connection. The pages that are indexed stay.",
        ) from None

"""The model that answers: any service with OpenAI's chat completions API, called by OpenAI's client library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import openai
from openai.types.chat import ChatCompletionMessageParam

from maxsight import settings
from maxsight.answers.bounded_http import BoundedClient
from maxsight.answers.chunks import Cut, Ended, read_chunks
from maxsight.errors import EndpointError, EndpointNotConfiguredError, EndpointUnavailableError

OPENAI_URL = "https://api.openai.com/v1"
MAX_ANSWER_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which model answers, and where.

    Attributes:
        model: The model's name at the service.
        base_url: Address of the service, up to ``/v1``.
        api_key: Key of the service; empty if it needs none.
        stall_s: Seconds without data.
        time_limit_s: Seconds of one answer.
        retries: How often to retry a temporarily refused request.
    """

    model: str
    base_url: str = OPENAI_URL
    api_key: str = field(default="", repr=False)
    stall_s: float = 120.0
    time_limit_s: float = 600.0
    retries: int = 2

    def __post_init__(self) -> None:
        if urlsplit(self.base_url).scheme not in ("http", "https"):
            raise EndpointNotConfiguredError(
                f"OPENAI_BASE_URL is {self.base_url!r}, which is not an HTTP address",
                hint="Set it like http://127.0.0.1:11434/v1, or leave it out for OpenAI.",
            )

    @classmethod
    def configured(cls, model: str | None = None) -> Self:
        """Read the endpoint from the environment.

        Args:
            model: By default ``MAXSIGHT_MODEL``.

        Raises:
            EndpointNotConfiguredError: A model or a service is not set. There is no default, so that nothing is sent
                without the user's decision.
        """
        model = model or settings.answering_model()
        key, url = settings.openai_key(), settings.openai_url()
        if not model or not (key or url):
            missing = [] if model else ["Name a model: MAXSIGHT_MODEL, or --model of `maxsight ask`."]
            if not (key or url):
                missing.append(
                    "Set OPENAI_API_KEY for OpenAI, or OPENAI_BASE_URL for another service, as "
                    "http://127.0.0.1:11434/v1."
                )
            raise EndpointNotConfiguredError(
                f"no {'service' if model else 'model'} is configured to answer questions",
                hint=f"{' '.join(missing)} The pages that were found are sent there.",
            )
        return cls(model, url or OPENAI_URL, key or "")


async def stream_reply(
    endpoint: Endpoint, messages: Iterable[ChatCompletionMessageParam]
) -> AsyncGenerator[str | Ended]:
    """Ask a model, and give its answer as it comes, with ``Ended`` at last. Closing it early ends the request.

    One deadline holds for connecting, repeated requests, silence and the answer.

    Raises:
        EndpointUnavailableError: It can't be reached, is busy, or takes too long.
        EndpointError: It refuses the key, the model or the pictures, or the answer is empty, too long or no answer.
    """
    deadline = asyncio.get_running_loop().time() + endpoint.time_limit_s
    said_chars = 0
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                client = await stack.enter_async_context(
                    openai.AsyncOpenAI(
                        api_key=endpoint.api_key
                        or "none",  # the client needs one, even if the service does not
                        base_url=endpoint.base_url,
                        timeout=endpoint.stall_s,
                        max_retries=endpoint.retries,
                        http_client=BoundedClient(),
                    )
                )
                asking = client.chat.completions.with_streaming_response
                response = await stack.enter_async_context(
                    asking.create(model=endpoint.model, messages=messages, stream=True)
                )
            chunks = read_chunks(response.iter_bytes())
            while True:
                async with asyncio.timeout_at(deadline):
                    said = await _next(chunks, endpoint)
                if isinstance(said, str):
                    said_chars += len(said)
                if said_chars > MAX_ANSWER_CHARS:
                    raise EndpointError(
                        f"the answer of {endpoint.model} has more than {MAX_ANSWER_CHARS:,} characters"
                    )
                if isinstance(said, Ended) and not said_chars and said.cut is not Cut.CONTENT_FILTER:
                    raise EndpointError(
                        f"{endpoint.model} at {endpoint.base_url} gave an empty answer",
                        hint="Check that OPENAI_BASE_URL ends in /v1, or ask another model.",
                    )
                yield said
                if isinstance(said, Ended):
                    return
    except TimeoutError as error:
        raise EndpointUnavailableError(
            f"{endpoint.model} has not finished its answer in {endpoint.time_limit_s:g} s"
        ) from error
    except openai.OpenAIError as error:
        raise _translated(endpoint, error) from error


async def _next(chunks: AsyncIterator[str | Ended], endpoint: Endpoint) -> str | Ended:
    """Return the next chunk. What the HTTP client raises in the middle of an answer depends on its version."""
    try:
        return await anext(chunks)
    except EndpointError:
        raise
    except Exception as error:
        where = f"{endpoint.model} at {endpoint.base_url}"
        if "Timeout" in type(error).__name__:
            raise EndpointUnavailableError(f"{where} has sent nothing for {endpoint.stall_s:g} s") from error
        raise EndpointError(f"{where} broke off: {_message_of(error)}", hint="Try again.") from error


def _translated(endpoint: Endpoint, error: openai.OpenAIError) -> EndpointError:
    """Translate an error of the client, with a shortened message of the service."""
    where = f"{endpoint.model} at {endpoint.base_url}"
    if isinstance(error.__cause__, EndpointError):  # of the bounded client
        return error.__cause__
    match error:
        case openai.APITimeoutError():
            return EndpointUnavailableError(f"{where} has sent nothing for {endpoint.stall_s:.0f} s")
        case openai.APIConnectionError():
            return EndpointUnavailableError(
                f"{endpoint.base_url} can't be reached", hint="Check OPENAI_BASE_URL and the network."
            )
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return EndpointError(f"{endpoint.base_url} refuses the key", hint="Check OPENAI_API_KEY.")
        case openai.RateLimitError():
            return EndpointUnavailableError(
                f"{where} accepts no more requests for now: {_message_of(error)}",
                hint="Wait a little, or check the quota.",
            )
        case openai.NotFoundError():
            return EndpointError(
                f"{endpoint.base_url} has no model {endpoint.model!r}: {_message_of(error)}",
                hint="Check --model (MAXSIGHT_MODEL), and that OPENAI_BASE_URL ends in /v1.",
            )
        case openai.APIStatusError() if 300 <= error.status_code < 400:
            return EndpointError(
                f"{endpoint.base_url} leads to another address, which is not followed",
                hint="Set OPENAI_BASE_URL to the service's own address.",
            )
        case openai.APIStatusError() if error.status_code >= 500:
            return EndpointUnavailableError(f"{where} fails ({error.status_code})", hint="Try again later.")
        case openai.APIStatusError():
            return EndpointError(
                f"{where} refuses the request ({error.status_code}): {_message_of(error)}",
                hint="For a model without vision use --text-only. If the request is too long, ask for fewer pages.",
            )
        case _:
            return EndpointError(f"{where} broke off: {_message_of(error)}", hint="Try again.")


def _message_of(error: Exception, max_chars: int = 300) -> str:
    message = " ".join(str(getattr(error, "message", error)).split())
    return message if len(message) <= max_chars else message[:max_chars] + " …"

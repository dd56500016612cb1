"""The model that answers: any endpoint that speaks OpenAI's chat completions, over its own client library."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import openai
from openai.types.chat import ChatCompletionMessageParam

from maxsight import settings
from maxsight.errors import EndpointError, EndpointNotConfiguredError, EndpointUnavailableError

OPENAI_URL = "https://api.openai.com/v1"
ANSWER_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which model answers, and where.

    Attributes:
        model: Its name there.
        base_url: Where, up to ``/v1``.
        api_key: What the endpoint wants to be shown; empty for one that wants nothing.
        stall_s: Seconds it may be silent.
        time_limit_s: Seconds an answer may take.
        retries: How often a request is tried again that was turned down for the moment.
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
                f"OPENAI_BASE_URL is {self.base_url!r}, which is no address of HTTP",
                hint="Set it like http://127.0.0.1:11434/v1, or leave it out for OpenAI's own.",
            )

    @classmethod
    def configured(cls, model: str | None = None) -> Self:
        """The endpoint that the environment names.

        Args:
            model: Instead of ``MAXSIGHT_MODEL``.

        Raises:
            EndpointNotConfiguredError: It names none. Nothing is sent anywhere unless someone has said where.
        """
        model = model or settings.answering_model()
        key, url = settings.openai_key(), settings.openai_url()
        if not model or not (key or url):
            missing = [] if model else ["MAXSIGHT_MODEL (or give `maxsight ask` --model)"]
            if not (key or url):
                missing.append(
                    "OPENAI_API_KEY, or OPENAI_BASE_URL for another service than OpenAI's: "
                    "http://127.0.0.1:11434/v1"
                )
            raise EndpointNotConfiguredError(
                f"no {'service' if model else 'model'} is configured to answer questions",
                hint=f"Set {'; and '.join(missing)}. The pages that are found are sent there.",
            )
        return cls(model, url or OPENAI_URL, key or "")


async def stream_reply(
    endpoint: Endpoint, messages: Iterable[ChatCompletionMessageParam]
) -> AsyncGenerator[str]:
    """Ask a model, and give what it says as it says it. Closing it early hangs up.

    Raises:
        EndpointUnavailableError: It can't be reached, is busy, or takes too long.
        EndpointError: It refuses the key, the model or the pictures, or says nothing, or says too much.
    """
    deadline = time.monotonic() + endpoint.time_limit_s
    said_chars = 0
    try:
        async with openai.AsyncOpenAI(
            api_key=endpoint.api_key or "none",  # the client wants one, whatever the endpoint wants
            base_url=endpoint.base_url,
            timeout=endpoint.stall_s,
            max_retries=endpoint.retries,
        ) as client:
            reply = await client.chat.completions.create(model=endpoint.model, messages=messages, stream=True)
            async with reply:
                async for chunk in reply:
                    if time.monotonic() > deadline:
                        raise EndpointUnavailableError(
                            f"{endpoint.model} has not come to an end in {endpoint.time_limit_s:.0f} s"
                        )
                    for choice in chunk.choices[:1]:
                        if said := choice.delta.content:
                            said_chars += len(said)
                            yield said
                    if said_chars > ANSWER_CHARS:
                        raise EndpointError(f"{endpoint.model} said more than {ANSWER_CHARS:,} characters")
    except openai.OpenAIError as error:
        raise _translated(endpoint, error) from error
    except ValueError as error:  # what came is no JSON
        raise _speaks_otherwise(endpoint) from error
    if not said_chars:
        raise EndpointError(
            f"{endpoint.model} at {endpoint.base_url} gave an empty answer",
            hint="Check that OPENAI_BASE_URL ends in /v1, or ask another model.",
        )


def _translated(endpoint: Endpoint, error: openai.OpenAIError) -> EndpointError:
    """What happened and what to do, in our words. What the endpoint itself says comes along, shortened."""
    where = f"{endpoint.model} at {endpoint.base_url}"
    match error:
        case openai.APITimeoutError():
            return EndpointUnavailableError(f"{where} has been silent for {endpoint.stall_s:.0f} s")
        case openai.APIConnectionError():
            return EndpointUnavailableError(
                f"{endpoint.base_url} can't be reached", hint="Check OPENAI_BASE_URL and the network."
            )
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return EndpointError(f"{endpoint.base_url} refuses the key", hint="Check OPENAI_API_KEY.")
        case openai.RateLimitError():
            return EndpointUnavailableError(
                f"{where} takes no more requests for now: {_said(error)}",
                hint="Wait a little, or check the quota.",
            )
        case openai.NotFoundError():
            return EndpointError(
                f"{endpoint.base_url} knows no model {endpoint.model!r}: {_said(error)}",
                hint="Check --model (MAXSIGHT_MODEL), and that OPENAI_BASE_URL ends in /v1.",
            )
        case openai.APIStatusError() if error.status_code >= 500:
            return EndpointUnavailableError(f"{where} fails ({error.status_code})", hint="Try again later.")
        case openai.APIStatusError():
            return EndpointError(
                f"{where} refuses the request ({error.status_code}): {_said(error)}",
                hint="If it does not look at pictures, ask with --text-only; if there is too much to read, with "
                "fewer pages.",
            )
        case openai.APIResponseValidationError():
            return _speaks_otherwise(endpoint)
        case _:
            return EndpointError(f"{where} broke off: {_said(error)}", hint="Try again.")


def _said(error: openai.OpenAIError, most: int = 300) -> str:
    message = " ".join(str(getattr(error, "message", error)).split())
    return message if len(message) <= most else message[:most] + " …"


def _speaks_otherwise(endpoint: Endpoint) -> EndpointError:
    return EndpointError(
        f"what answers at {endpoint.base_url} does not speak OpenAI's chat completions",
        hint="Check that OPENAI_BASE_URL ends in /v1.",
    )

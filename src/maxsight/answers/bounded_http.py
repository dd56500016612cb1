"""OpenAI's HTTP client for a service that is not trusted: no redirects, no compression, errors of bounded size."""

from __future__ import annotations

from typing import Any

import openai

from maxsight.errors import EndpointError

MAX_ERROR_BYTES = 2**16


class BoundedClient(openai.DefaultAsyncHttpxClient):
    """An HTTP client. Its answers are read step by step, so that the caller bounds them."""

    def __init__(self) -> None:
        super().__init__(follow_redirects=False)

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request.

        Raises:
            EndpointError: The answer is compressed: a few bytes could become gigabytes.
        """
        request.headers["Accept-Encoding"] = "identity"
        response = await super().send(request, **{**options, "stream": True})
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise EndpointError("the service sent a compressed answer, which was not asked for")
        if response.status_code < 300:
            return response
        body = b""
        async for part in response.aiter_raw():
            body += part[: MAX_ERROR_BYTES - len(body)]
            if len(body) == MAX_ERROR_BYTES:
                break
        await response.aclose()
        headers = {name: value for name, value in response.headers.items() if name != "transfer-encoding"}
        return type(response)(response.status_code, headers=headers, content=body, request=request)

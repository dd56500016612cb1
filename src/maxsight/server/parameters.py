"""Parameters that an address does not take are refused by name: one that is misspelt would go unnoticed.

Those behind the question mark, and the fields of a body in JSON. The fields of a form are looked at as they come
(`uploads`).
"""

from __future__ import annotations

from typing import Any

from fastapi import Request

from maxsight.server.problems import RefusedError
from maxsight.server.security import media_type_of
from maxsight.spelling import check_parameters

JSON = "application/json"


async def only_known_parameters(request: Request) -> None:
    """Check what a request brings against the API's description of its address.

    Raises:
        UnknownParameterError: Nothing there goes by that name.
        RefusedError: What it brings is not said to be JSON, and has to be.
    """
    path, method = request.scope["route"].path, request.method
    api = request.app.openapi()
    described = api["paths"].get(path, {}).get(method.lower())
    if described is None:
        return  # it is no part of the API, but a page for people
    address = f"{method} {path}"
    known = [one["name"] for one in described.get("parameters", ()) if one["in"] == "query"]
    check_parameters(request.query_params, known, address)
    taken = described.get("requestBody", {}).get("content", {})
    given = media_type_of(request.headers)
    if JSON in taken and given not in taken:
        raise RefusedError(
            415,
            "unsupported-media-type",
            f"{address} takes {' or '.join(taken)}, not {given or 'what has no type'}",
            f"Send JSON with the header Content-Type: {JSON}.",
        )
    if JSON in taken and given == JSON and isinstance(body := await _json_of(request), dict):
        check_parameters(body, _properties(taken[JSON]["schema"], api), address)


async def _json_of(request: Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError):
        return None  # the route says what is wrong with it


def _properties(schema: dict[str, Any], api: dict[str, Any]) -> list[str]:
    """The names that a model's description has; models of the API are described in one place."""
    if "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema["properties"])

"""What a request brings, compared with the API's description of its address.

Unknown names are refused: otherwise a misspelt parameter would do nothing, without notice. Pydantic's models refuse the
fields of JSON bodies; here they get an answer that names what the address takes. The fields of forms are checked as
they come (`receiving`).
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from maxsight.errors import MaxSightError, UnknownParameterError
from maxsight.server.problems import RefusedError, wrong_media_type
from maxsight.server.security import media_type_of
from maxsight.spelling import check_parameters

JSON = "application/json"
MAX_FAULTS, MAX_CHARS = 5, 2_000


async def check_request(request: Request) -> None:
    """Check the query parameters and the media type of a request.

    Raises:
        UnknownParameterError: The address does not take such a parameter.
        RefusedError: The body should be JSON, and its header does not say so.
    """
    described = _description(request)
    if described is None:
        return  # a page for people
    known = [one["name"] for one in described.get("parameters", ()) if one["in"] == "query"]
    check_parameters(request.query_params, known, _address(request))
    accepted = described.get("requestBody", {}).get("content", {})
    given = media_type_of(request.headers)
    if JSON in accepted and given not in accepted:
        raise wrong_media_type(
            f"{_address(request)} takes {' or '.join(accepted)}, got {given or 'no content type'}",
            f"Send JSON with the header Content-Type: {JSON}.",
        )


def translate_faults(request: Request, error: RequestValidationError) -> MaxSightError:
    """Describe the mistakes in a request. If a name is unknown, only report that, with a similar known name."""
    faults = error.errors()
    unknown = [fault["loc"][-1] for fault in faults if fault["type"] == "extra_forbidden"]
    try:
        check_parameters(unknown, _fields_of_body(request) if unknown else [], _address(request))
    except UnknownParameterError as unknown_name:
        return unknown_name
    detail = "; ".join(map(_describe, faults[:MAX_FAULTS]))[:MAX_CHARS]
    return RefusedError(422, "invalid-request", detail, "See /docs for what the API takes.")


def _address(request: Request) -> str:
    return f"{request.method} {request.scope['route'].path}"


def _description(request: Request) -> dict[str, Any] | None:
    """What OpenAPI says of an address; None where it is no part of the API."""
    paths: dict[str, Any] = request.app.openapi()["paths"]
    described: dict[str, Any] | None = paths.get(request.scope["route"].path, {}).get(request.method.lower())
    return described


def _fields_of_body(request: Request) -> list[str]:
    schema = (_description(request) or {})["requestBody"]["content"][JSON]["schema"]
    if "$ref" in schema:
        schema = request.app.openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema["properties"])


def _describe(fault: Any) -> str:
    place = [part for part in fault["loc"] if part != "body"]
    if fault["type"] == "json_invalid":
        # FastAPI gives the place as a number of characters, pydantic with the reason.
        at = f" from character {place[0] + 1} on" if place else ""
        return f"the body is not JSON{at}: {fault['ctx']['error']}"
    return f"{'.'.join(map(str, place)) or 'body'}: {fault['msg']}"

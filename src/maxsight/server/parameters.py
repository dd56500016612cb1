"""Parameters that an address does not take are refused by name: one that is misspelt would go unnoticed."""

from __future__ import annotations

from fastapi import Request

from maxsight.spelling import check_parameters


async def only_known_parameters(request: Request) -> None:
    """Check what stands behind the question mark of an address against the API's description.

    Raises:
        UnknownParameterError: Nothing there goes by that name.
    """
    if not request.query_params:
        return
    path, method = request.scope["route"].path, request.method
    described = request.app.openapi()["paths"].get(path, {}).get(method.lower())
    if described is not None:  # else it is no part of the API, but a page for people
        known = [one["name"] for one in described.get("parameters", ()) if one["in"] == "query"]
        check_parameters(request.query_params, known, f"{method} {path}")

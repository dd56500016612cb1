"""One line of a file of JSON Lines, and what is wrong with one that is none."""

from __future__ import annotations

import json
from typing import Any

from maxsight.errors import InputError


def json_object(line: str) -> dict[str, Any]:
    """Read a line.

    Raises:
        InputError: It is not an object in JSON. It says where in the line; who calls says in which.
    """
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON from character {error.colno} on: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"can't be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"expected a JSON object, got {type(values).__name__}")
    return values

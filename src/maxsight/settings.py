"""What the environment says, apart from options that declare a variable of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from maxsight.errors import InputError

DEFAULT_LIBRARY = "maxsight.library"
DEFAULT_HUB = "https://huggingface.co"


def default_library() -> str:
    """Where the library lies when nobody says: ``MAXSIGHT_LIBRARY``, else ``./maxsight.library``."""
    return os.environ.get("MAXSIGHT_LIBRARY") or DEFAULT_LIBRARY


def library_token() -> str | None:
    """What opens a library on a server when nobody says: ``MAXSIGHT_TOKEN``."""
    return os.environ.get("MAXSIGHT_TOKEN", "").strip() or None


def default_devices() -> tuple[str, ...]:
    """Where encoders run when nobody says: ``MAXSIGHT_DEVICE`` (``cuda:1``, ``0,1``), else ``auto``."""
    return tuple(filter(None, device_names(os.environ.get("MAXSIGHT_DEVICE", "")))) or ("auto",)


def device_names(text: str) -> tuple[str, ...]:
    """Read names of devices with commas between them; a number is that GPU."""
    return tuple(f"cuda:{name}" if name.isdecimal() else name for name in map(str.strip, text.split(",")))


def hub_token() -> str | None:
    """The token for the hub: ``HF_TOKEN``, here or in a ``.env`` file.

    None leaves it to the hub's client, which knows of a saved login.

    Raises:
        InputError: The ``.env`` file can't be read.
    """
    return _secret("HF_TOKEN")


def cohere_key() -> str | None:
    """The key for Cohere's API: ``CO_API_KEY`` or ``COHERE_API_KEY``, else the same from a ``.env`` file.

    Raises:
        InputError: The ``.env`` file can't be read.
    """
    return _secret("CO_API_KEY", "COHERE_API_KEY")


def cohere_url() -> str | None:
    """Where Cohere's API is, for a private deployment or a proxy: ``CO_API_URL``; None for the public one."""
    return os.environ.get("CO_API_URL") or None


def api_token() -> str | None:
    """What a server of ours wants to be shown: ``MAXSIGHT_API_TOKEN``."""
    return os.environ.get("MAXSIGHT_API_TOKEN") or None


def openai_key() -> str | None:
    """The key of the service that answers questions: ``OPENAI_API_KEY``, here or in a ``.env`` file.

    Raises:
        InputError: The ``.env`` file can't be read.
    """
    return _secret("OPENAI_API_KEY")


def openai_url() -> str | None:
    """Where the service is that answers questions: ``OPENAI_BASE_URL``."""
    return os.environ.get("OPENAI_BASE_URL", "").strip().rstrip("/") or None


def answering_model() -> str | None:
    """The model that answers questions when nobody names one: ``MAXSIGHT_MODEL``."""
    return os.environ.get("MAXSIGHT_MODEL", "").strip() or None


def _secret(*names: str) -> str | None:
    """What the environment says, else a ``.env`` file in the working folder.

    A line break that came along is left off: no request can carry it, and the client's error would show the secret.
    """
    from dotenv import dotenv_values  # most commands need no secret

    if found := _first_of(os.environ, names):
        return found
    try:
        return _first_of(dotenv_values(".env"), names)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{Path('.env').absolute()} can't be read: {error}",
            hint=f"Save it as UTF-8, or set {names[0]} in the environment.",
        ) from error


def _first_of(values: Mapping[str, str | None], names: Sequence[str]) -> str | None:
    return next(filter(None, ((values.get(name) or "").strip() for name in names)), None)


def hub_url() -> str:
    """Where models are downloaded from: ``HF_ENDPOINT``, else the public hub."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_HUB).rstrip("/")


def cache_folder() -> Path:
    """Where what can be worked out again is kept between runs: the user's cache folder, each system has its own."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "maxsight"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "maxsight"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maxsight"


def kernels() -> str:
    """What scores pages: ``MAXSIGHT_KERNELS``, ``numba`` or ``numpy``; else ``auto``, whichever is done earlier."""
    return os.environ.get("MAXSIGHT_KERNELS") or "auto"

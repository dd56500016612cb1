"""The environment variables that maxsight reads, except those that command-line options declare."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from maxsight.errors import InputError

DEFAULT_LIBRARY = "maxsight.library"
DEFAULT_HUB = "https://huggingface.co"


def default_library() -> str:
    """Read the default library: ``MAXSIGHT_LIBRARY``, else ``./maxsight.library``."""
    return os.environ.get("MAXSIGHT_LIBRARY") or DEFAULT_LIBRARY


def library_token() -> str | None:
    """Read the default token of a library on a server: ``MAXSIGHT_TOKEN``."""
    return os.environ.get("MAXSIGHT_TOKEN", "").strip() or None


def default_devices() -> tuple[str, ...]:
    """Read the default devices of encoders: ``MAXSIGHT_DEVICE`` (``cuda:1``, ``0,1``), else ``auto``."""
    return tuple(filter(None, device_names(os.environ.get("MAXSIGHT_DEVICE", "")))) or ("auto",)


def device_names(text: str) -> tuple[str, ...]:
    """Split names of devices at commas. A number is the GPU of that number."""
    return tuple(f"cuda:{name}" if name.isdecimal() else name for name in map(str.strip, text.split(",")))


def hub_token() -> str | None:
    """Read the token for the hub: ``HF_TOKEN``, from the environment or a ``.env`` file.

    None means that the hub's client may use a saved login.

    Raises:
        InputError: The ``.env`` file can't be read.
    """
    return _secret("HF_TOKEN")


def cohere_key() -> str | None:
    """Read the key for Cohere's API: ``CO_API_KEY`` or ``COHERE_API_KEY``, else the same from a ``.env`` file.

    Raises:
        InputError: The ``.env`` file can't be read.
    """
    return _secret("CO_API_KEY", "COHERE_API_KEY")


def cohere_url() -> str | None:
    """Read the address of Cohere's API, if it is a private deployment or a proxy: ``CO_API_URL``."""
    return os.environ.get("CO_API_URL") or None


def api_token() -> str | None:
    """Read the token that clients of ``maxsight serve`` must send: ``MAXSIGHT_API_TOKEN``."""
    return os.environ.get("MAXSIGHT_API_TOKEN") or None


def openai_key() -> str | None:
    """Read the key of the service that answers questions: ``OPENAI_API_KEY``, from the environment or a ``.env`` file.

    Raises:
        InputError: The ``.env`` file can't be read.
    """
    return _secret("OPENAI_API_KEY")


def openai_url() -> str | None:
    """Read the address of the service that answers questions: ``OPENAI_BASE_URL``."""
    return os.environ.get("OPENAI_BASE_URL", "").strip().rstrip("/") or None


def answering_model() -> str | None:
    """Read the default model that answers questions: ``MAXSIGHT_MODEL``."""
    return os.environ.get("MAXSIGHT_MODEL", "").strip() or None


def _secret(*names: str) -> str | None:
    """Read a secret from the environment, else from the ``.env`` file in the working folder or the next one above it.

    White space around it is removed: no request can carry a line break, and the client's error would show the secret.
    """
    from dotenv import dotenv_values, find_dotenv  # most commands need no secret

    if found := _first_of(os.environ, names):
        return found
    file = find_dotenv(usecwd=True)
    try:
        return _first_of(dotenv_values(file), names) if file else None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} can't be read: {error}",
            hint=f"Save it as UTF-8, or set {names[0]} in the environment.",
        ) from error


def _first_of(values: Mapping[str, str | None], names: Sequence[str]) -> str | None:
    return next(filter(None, ((values.get(name) or "").strip() for name in names)), None)


def hub_url() -> str:
    """Read the address that models are downloaded from: ``HF_ENDPOINT``, else the public hub."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_HUB).rstrip("/")


def cache_folder() -> Path:
    """Find the user's cache folder, for data that can be computed again. Each system has its own."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "maxsight"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "maxsight"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maxsight"


def kernels() -> str:
    """Read which kernels score pages: ``MAXSIGHT_KERNELS``, ``numba`` or ``numpy``; else ``auto``, the faster ones."""
    return os.environ.get("MAXSIGHT_KERNELS") or "auto"

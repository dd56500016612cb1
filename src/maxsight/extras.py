"""Optional parts of the installation, and what to do when one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from maxsight.errors import MissingExtraError

EXTRAS = {
    "colpali": ("torch", "transformers", "sentence_transformers", "peft", "safetensors"),
}
"""What each extra must bring, by the names its packages are imported as."""


def missing(extra: str) -> list[str]:
    """Name the packages of an extra that are not installed. Imports none of them."""
    return [name for name in EXTRAS[extra] if find_spec(name) is None]


def require(extra: str) -> None:
    """Make sure that an extra is installed.

    Raises:
        MissingExtraError: It is not, or not as a whole.
    """
    if lacking := missing(extra):
        raise MissingExtraError(extra, lacking)

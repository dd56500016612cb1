"""Optional parts of the installation, and what to do when one is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from maxsight.errors import MissingExtraError

EXTRAS = {
    "colpali": ("torch", "transformers", "sentence_transformers", "peft", "safetensors"),
    "quality": ("jiwer", "lightgbm", "matplotlib", "scipy", "sklearn"),
}
"""What each extra must bring, by the names its packages are imported as."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that an extra needs.

    Attributes:
        name: As it is installed.
        version: The one that is here; None if it is not installed.
        minimum: The oldest that serves; None if any does.
    """

    name: str
    version: str | None
    minimum: str | None

    @property
    def serves(self) -> bool:
        """Whether it is here and new enough."""
        if self.version is None:
            return False
        return self.minimum is None or _numbers(self.version) >= _numbers(self.minimum)


def packages(extra: str) -> list[Package]:
    """Describe the packages of an extra. Imports none of them."""
    return [_package(name.replace("_", "-"), extra) for name in EXTRAS[extra]]


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


def _package(name: str, extra: str) -> Package:
    try:
        here = version(name)
    except PackageNotFoundError:
        here = None
    wanted = re.compile(rf"{name}\s*>=\s*([\d.]+).*extra == ['\"]{extra}['\"]")
    minimums = [match[1] for requirement in _requirements() if (match := wanted.match(requirement))]
    return Package(name, here, minimums[0] if minimums else None)


def _requirements() -> list[str]:
    try:
        return requires("maxsight") or []
    except PackageNotFoundError:  # run from its source, not installed
        return []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.split("+")[0])))

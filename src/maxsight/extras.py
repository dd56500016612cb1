"""Optional parts of the installation, and what to do when one is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from maxsight.errors import MissingExtraError

EXTRAS = {
    "multilingual": ("maxsight-multilingual",),
    "bucket": ("obstore",),
    "ray": ("ray",),
    "cohere": ("cohere",),
    "colpali": ("torch", "transformers", "sentence-transformers", "peft", "safetensors", "huggingface-hub"),
    "fast": ("numba",),
    "gpu": ("torch",),
    "milvus": ("pymilvus", "milvus-lite", "grpcio"),
    "client": ("httpx",),
    "mcp": ("mcp",),
    "ask": ("openai",),
    "langchain": ("langchain-core",),
    "llama-index": ("llama-index-core",),
    "haystack": ("haystack-ai",),
    "mteb": ("mteb",),
    "heic": ("pillow-heif",),
    "plots": ("matplotlib",),
    "server": ("fastapi", "mcp", "prometheus-client", "python-multipart", "uvicorn"),
    "quality-training": ("jiwer", "lightgbm", "matplotlib", "scikit-learn", "scipy"),
}
"""The packages of each extra."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that an extra needs.

    Attributes:
        name: As it is installed.
        version: The installed version; None if it is not installed.
        minimum: The oldest version that works; None if any does.
    """

    name: str
    version: str | None
    minimum: str | None

    @property
    def serves(self) -> bool:
        """Whether it is installed and new enough."""
        if self.version is None:
            return False
        return self.minimum is None or _numbers(self.version) >= _numbers(self.minimum)

    def __str__(self) -> str:
        """Name the package, and the versions needed and installed where they differ."""
        if self.serves or self.version is None:
            return self.name
        return f"{self.name} >={self.minimum} ({self.version} is installed)"


def packages(extra: str) -> list[Package]:
    """Describe the packages of an extra. Imports none of them."""
    return [_package(name, extra) for name in EXTRAS[extra]]


def require(extra: str) -> None:
    """Check that an extra is installed.

    Raises:
        MissingExtraError: A package of it is missing or too old.
    """
    if lacking := [str(package) for package in packages(extra) if not package.serves]:
        raise MissingExtraError(extra, lacking, hint=f"Install it: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Say how to install an extra."""
    from_checkout = ", or in a checkout: make multilingual" if extra == "multilingual" else ""
    return f"pip install 'maxsight[{extra}]'{from_checkout}"


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
    except PackageNotFoundError:  # maxsight runs from its source
        return []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.split("+")[0])))

"""Which encoders can be used on this machine, and what the others need. Loads none of them.

torch is imported only where the extra that brings it is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.minilm.encoder import FOLDER
from maxsight.encoders.minilm.paragraphs import DIM
from maxsight.encoders.minilm.recipe import Recipe
from maxsight.encoders.registry import CHECKPOINT_EXTRA
from maxsight.errors import MaxSightError
from maxsight.extras import Package, packages
from maxsight.settings import cohere_key, default_devices

if TYPE_CHECKING:
    from maxsight.encoders.checkpoints.devices import Device
    from maxsight.encoders.checkpoints.downloads import DownloadedCheckpoint


@dataclass(frozen=True, slots=True)
class Offline:
    """The encoder that comes along.

    Attributes:
        name: As given to ``--encoder``.
        dim: Length of its vectors.
        device: Where it runs.
    """

    name: str
    dim: int
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """What there is for late-interaction checkpoints.

    Attributes:
        packages: What they need.
        install: How to get what is missing or too old; None if nothing is.
        problem: Why they can't be used though all is installed, or None.
        runs_on: The devices they would run on unless told otherwise.
        devices: All there are.
        downloaded: Those in the hub's cache.
    """

    packages: tuple[Package, ...]
    install: str | None = None
    problem: str | None = None
    runs_on: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    downloaded: tuple[DownloadedCheckpoint, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether one can be loaded."""
        return self.install is None and self.problem is None


@dataclass(frozen=True, slots=True)
class Cohere:
    """What there is for Cohere's models.

    Attributes:
        packages: What they need.
        install: How to get what is missing or too old; None if nothing is.
        has_key: Whether a key is set.
    """

    packages: tuple[Package, ...]
    install: str | None
    has_key: bool

    @property
    def is_ready(self) -> bool:
        """Whether one can be asked."""
        return self.install is None and self.has_key


@dataclass(frozen=True, slots=True)
class Inventory:
    """Which encoders can be used here."""

    offline: Offline
    paragraphs: Offline
    checkpoints: Checkpoints
    cohere: Cohere


def take_inventory() -> Inventory:
    """Look around."""
    return Inventory(
        Offline("minilm", Recipe.read(FOLDER).dim), Offline(PARAGRAPHS, DIM), _checkpoints(), _cohere()
    )


def _cohere() -> Cohere:
    needed = tuple(packages("cohere"))
    ready = all(package.serves for package in needed)
    return Cohere(needed, None if ready else "pip install 'maxsight[cohere]'", cohere_key() is not None)


def _checkpoints() -> Checkpoints:
    needed = tuple(packages(CHECKPOINT_EXTRA))
    if not all(package.serves for package in needed):
        return Checkpoints(needed, install=f"pip install 'maxsight[{CHECKPOINT_EXTRA}]'")
    try:
        from maxsight.encoders.checkpoints.devices import choose_devices, describe_devices
        from maxsight.encoders.checkpoints.downloads import downloaded_checkpoints

        runs_on = tuple(map(str, choose_devices(default_devices())))
    except (
        ImportError,
        AttributeError,
        OSError,
        RuntimeError,
    ) as error:  # such as builds of torch and torchvision that clash
        return Checkpoints(needed, problem=f"they can't be imported: {error}")
    except MaxSightError as error:
        return Checkpoints(needed, problem=str(error), devices=tuple(describe_devices()))
    return Checkpoints(
        needed, runs_on=runs_on, devices=tuple(describe_devices()), downloaded=tuple(downloaded_checkpoints())
    )

"""Which encoders can be used on this machine, and what the others need. It loads none of them.

torch is imported only where its extra is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.minilm.model import FOLDER
from maxsight.encoders.minilm.paragraphs import DIM
from maxsight.encoders.offline.recipe import Recipe
from maxsight.encoders.registry import CHECKPOINT_EXTRA, DEFAULT_ENCODER, IMPORT_ERRORS, MULTILINGUAL
from maxsight.errors import MaxSightError
from maxsight.extras import Package, install_command, packages
from maxsight.settings import cohere_key, default_devices

if TYPE_CHECKING:
    from maxsight.encoders.checkpoints.devices import Device
    from maxsight.encoders.checkpoints.downloads import DownloadedCheckpoint


@dataclass(frozen=True, slots=True)
class Offline:
    """An encoder that ships with maxsight.

    Attributes:
        name: As given to ``--encoder``.
        dim: Length of its vectors.
        device: The device it runs on.
    """

    name: str
    dim: int
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Extra:
    """Encoders that need an extra.

    Attributes:
        packages: The packages they need.
        install: The command that installs missing and outdated packages; None if all are there.
    """

    packages: tuple[Package, ...]
    install: str | None


@dataclass(frozen=True, slots=True)
class Checkpoints(Extra):
    """The state of late-interaction checkpoints.

    Attributes:
        problem: Why they can't be used though all is installed, or None.
        runs_on: The devices they run on by default.
        devices: All devices of this machine.
        downloaded: The checkpoints in the hub's cache.
    """

    problem: str | None = None
    runs_on: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    downloaded: tuple[DownloadedCheckpoint, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether one can be loaded."""
        return self.install is None and self.problem is None


@dataclass(frozen=True, slots=True)
class Cohere(Extra):
    """The state of Cohere's models.

    Attributes:
        has_key: Whether a key is set.
    """

    has_key: bool

    @property
    def is_ready(self) -> bool:
        """Whether one can be asked."""
        return self.install is None and self.has_key


@dataclass(frozen=True, slots=True)
class Inventory:
    """Which encoders can be used here.

    Attributes:
        offline: The default encoder.
        paragraphs: The one that makes a vector of each paragraph.
        multilingual: The state of the one for about 100 languages.
        checkpoints: Late-interaction checkpoints.
        cohere: Cohere's models.
    """

    offline: Offline
    paragraphs: Offline
    multilingual: Extra
    checkpoints: Checkpoints
    cohere: Cohere


def take_inventory() -> Inventory:
    """Look at installed packages, devices, downloads and keys."""
    return Inventory(
        offline=Offline(DEFAULT_ENCODER, Recipe.read(FOLDER).dim),
        paragraphs=Offline(PARAGRAPHS, DIM),
        multilingual=Extra(*_packages(MULTILINGUAL)),
        checkpoints=_checkpoints(),
        cohere=Cohere(*_packages("cohere"), has_key=cohere_key() is not None),
    )


def _packages(extra: str) -> tuple[tuple[Package, ...], str | None]:
    """Describe the packages of an extra, and the command that installs it where one is missing."""
    needed = tuple(packages(extra))
    ready = all(package.serves for package in needed)
    return needed, None if ready else install_command(extra)


def _checkpoints() -> Checkpoints:
    needed, install = _packages(CHECKPOINT_EXTRA)
    if install:
        return Checkpoints(needed, install)
    try:
        from maxsight.encoders.checkpoints.devices import choose_devices, describe_devices
        from maxsight.encoders.checkpoints.downloads import downloaded_checkpoints

        runs_on = tuple(map(str, choose_devices(default_devices())))
    except IMPORT_ERRORS as error:
        return Checkpoints(needed, None, f"they can't be imported: {error}")
    except MaxSightError as error:
        return Checkpoints(needed, None, str(error), devices=tuple(describe_devices()))
    devices, downloaded = tuple(describe_devices()), tuple(downloaded_checkpoints())
    return Checkpoints(needed, None, None, runs_on, devices, downloaded)

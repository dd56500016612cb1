"""Damages pages as scanners, copiers and cameras do.

A degradation takes a grey picture (0 black, 255 white), a severity in [0, 1] and a seed; the same three give the same
pixels. `Degraded.to_source` maps points back, so that words read after a move compare with the original's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from maxsight.encoders.patches.grid import Grey
from maxsight.errors import InputError
from maxsight.quality.training import geometric_damage, level_damage
from maxsight.quality.training.geometric_damage import ToSource
from maxsight.quality.training.level_damage import Random
from maxsight.types import Floats

CLEAN = "clean"
MIXED = "mixed"
# Two degradations at full strength leave nothing to read.
MIXTURE_STRENGTH = 0.7


class Degradation(StrEnum):
    """One way for a page to be hard to read; the name of a function in `level_damage` or `geometric_damage`."""

    BLUR = "blur"
    MOTION = "motion"
    NOISE = "noise"
    SALT_PEPPER = "salt-pepper"
    JPEG = "jpeg"
    LOW_RESOLUTION = "low-resolution"
    CONTRAST = "contrast"
    BRIGHTNESS = "brightness"
    FADING = "fading"
    SHADOW = "shadow"
    STAINS = "stains"
    BLEED_THROUGH = "bleed-through"
    SKEW = "skew"
    WARP = "warp"


@dataclass(frozen=True, slots=True, eq=False)
class Degraded:
    """A damaged page.

    Attributes:
        picture: Shape ``(height, width)``, uint8; smaller than the original after a loss of resolution.
        to_source: Maps points ``x, y`` of ``picture`` to pixels of the original. Shape ``(points, 2)``.
    """

    picture: Grey
    to_source: ToSource


def degrade(picture: Grey, name: str, severity: float, seed: int) -> Degraded:
    """Damage a page.

    Args:
        picture: The page. Shape ``(height, width)``.
        name: ``clean``, the name of a `Degradation`, or several joined by ``+``, applied in that order.
        severity: From 0, hardly visible, to 1, the worst that archives still hold.
        seed: Fixes everything random.

    Raises:
        InputError: There is no such degradation, or the severity is not in [0, 1].
    """
    if not 0 <= severity <= 1:
        raise InputError(f"a severity lies in [0, 1], got {severity}")
    random = np.random.default_rng(seed)
    parts = split_name(name)
    if len(parts) > 1:
        severity *= MIXTURE_STRENGTH
    steps: list[ToSource] = []
    for part in parts:
        name = part.name.lower()
        if hasattr(geometric_damage, name):
            picture, to_source = getattr(geometric_damage, name)(picture, severity, random)
            steps.append(to_source)
        else:
            levels = getattr(level_damage, name)(picture.astype(np.float32), severity, random)
            picture = np.clip(levels, 0, 255).astype(np.uint8)

    def back(points: Floats) -> Floats:
        for step in reversed(steps):
            points = step(points)
        return points

    return Degraded(picture, back)


def split_name(name: str) -> tuple[Degradation, ...]:
    """Split a name into its degradations; ``clean`` has none.

    Raises:
        InputError: There is no such degradation.
    """
    if name == CLEAN:
        return ()
    try:
        return tuple(Degradation(part) for part in name.split("+"))
    except ValueError as error:
        raise InputError(
            f"no degradation is called {name!r}", hint=f"There are {', '.join((CLEAN, *Degradation))}."
        ) from error


def name_kind(name: str) -> str:
    """Return ``clean``, the degradation's own name, or ``mixed``."""
    return MIXED if len(split_name(name)) > 1 else name


def draw_mixture(random: Random, kinds: Iterable[Degradation] = Degradation) -> str:
    """Draw two different degradations; return their names joined by ``+``."""
    return "+".join(random.choice([kind.value for kind in kinds], 2, replace=False))

"""``maxsight encoders``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from maxsight.cli.options import json_option
from maxsight.cli.output import print_json, size

if TYPE_CHECKING:
    from maxsight.encoders.checkpoints.devices import Device
    from maxsight.encoders.inventory import Checkpoints
    from maxsight.extras import Package

LABEL = 13


@click.command()
@json_option
def encoders(as_json: bool) -> None:
    """Show which encoders can be used here, and what others need.

    It also shows where they would run, and loads none.
    """
    from maxsight.encoders.inventory import take_inventory

    inventory = take_inventory()
    if as_json:
        print_json(inventory)
        return
    offline, checkpoints = inventory.offline, inventory.checkpoints
    _line(offline.name, f"ready: the words of a page, English, {offline.dim} dims, on the {offline.device}")
    _line("", f"{inventory.paragraphs.name}: whole paragraphs, for records, {inventory.paragraphs.dim} dims")
    multilingual = inventory.multilingual
    _line(
        "multilingual",
        f"{'not ready' if multilingual.install else 'ready'}: the words of a page, 100 languages",
    )
    if multilingual.install:
        _lines("install", [multilingual.install])
    ready = "ready" if checkpoints.is_ready else "not ready"
    _line("checkpoints", f"{ready}: the look of a page (as ColPali) or its text (as ColBERT)")
    _show(checkpoints)
    cohere = inventory.cohere
    _line("cohere", f"{'ready' if cohere.is_ready else 'not ready'}: whole paragraphs, over Cohere's API")
    _lines("needs", map(_described, cohere.packages))
    if cohere.install:
        _lines("install", [cohere.install])
    if not cohere.has_key:
        _lines("key", ["none: set CO_API_KEY"])


def _show(checkpoints: Checkpoints) -> None:
    _lines("needs", map(_described, checkpoints.packages))
    if checkpoints.install:
        _lines("install", [checkpoints.install])
    if checkpoints.problem:
        _lines("problem", [checkpoints.problem])
    _lines(
        "device",
        (
            f"{device.name}: {device.hardware}{_memory(device)}, {device.dtype}"
            f"{', chosen' if device.name in checkpoints.runs_on else ''}"
            for device in checkpoints.devices
        ),
    )
    _lines(
        "downloaded",
        (f"{found.name}: {found.kind}, {size(found.size_bytes)}" for found in checkpoints.downloaded),
    )


def _described(package: Package) -> str:
    if package.version is None:
        return f"{package.name}: not installed"
    too_old = "" if package.serves else f", too old: at least {package.minimum} is needed"
    return f"{package.name} {package.version}{too_old}"


def _memory(device: Device) -> str:
    return "" if device.memory_bytes is None else f", {size(device.memory_bytes)}"


def _lines(label: str, texts: Iterable[str]) -> None:
    """Print texts one below the other, the label before the first."""
    for text in texts:
        _line(f"  {label}", text)
        label = ""


def _line(label: str, text: str) -> None:
    click.echo(f"{label:<{LABEL}}{text}")

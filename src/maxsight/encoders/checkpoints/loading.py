"""Loading a checkpoint by its name."""

from __future__ import annotations

from maxsight.encoders.base import Encoder, EncoderOptions
from maxsight.encoders.checkpoints.devices import choose_devices, choose_dtype
from maxsight.encoders.checkpoints.fingerprints import fingerprint
from maxsight.encoders.checkpoints.hub import locate
from maxsight.encoders.checkpoints.layouts import (
    AdapterLayout,
    TextLayout,
    VisualLayout,
    read_layout,
    visual_layout,
)
from maxsight.encoders.checkpoints.opening import open_checkpoint
from maxsight.encoders.checkpoints.text import load_text_encoder
from maxsight.encoders.checkpoints.visual import VisualEncoder
from maxsight.errors import ModelNotAvailableError


def load_checkpoint(name: str, options: EncoderOptions) -> Encoder:
    """Load a late-interaction checkpoint, downloading it if need be.

    Args:
        name: A model on the hub (``vidore/colpali-v1.3``, ``owner/name@revision``), or a folder.
        options: How it runs here.

    Raises:
        ModelNotAvailableError: It can't be downloaded or opened, is of an unknown kind, damaged or incomplete.
        EncoderOutOfMemoryError: The device does not hold it.
    """
    source = locate(name, trust_remote_code=options.trust_remote_code)
    layout = read_layout(source.folder)
    if isinstance(layout, TextLayout):
        if layout.runs_code:
            refuse_code(name, options)
        return load_text_encoder(layout.folder, source.name, fingerprint([layout.folder]), options)
    dtype = choose_dtype(options.precision, choose_devices(options.devices)[0])
    base, adapter = _base_of(layout)
    return VisualEncoder(open_checkpoint(source.name, base, adapter, dtype), options)


def refuse_code(name: str, options: EncoderOptions) -> None:
    """Refuse a checkpoint that comes with Python code, unless the user trusts it.

    Raises:
        ModelNotAvailableError: The user does not.
    """
    if not options.trust_remote_code:
        raise ModelNotAvailableError(
            f"{name} comes with Python code that must run to open it",
            hint="Read that code; if you trust it, say so with --trust-remote-code.",
        )


def _base_of(layout: VisualLayout | AdapterLayout) -> tuple[VisualLayout, AdapterLayout | None]:
    """Find the model under an adapter, if it is one."""
    if isinstance(layout, VisualLayout):
        return layout, None
    return visual_layout(locate(layout.base).folder), layout

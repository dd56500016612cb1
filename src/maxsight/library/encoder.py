"""The encoder of a library: how it reads files, and is found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.encoders import Encoder
from maxsight.encoders.matching import has_moved, load_own_encoder
from maxsight.encoders.token_pooling import PoolingEncoder
from maxsight.stores.base import Store
from maxsight.stores.manifest import Manifest
from maxsight.version import __version__


def default_settings(encoder: Encoder) -> ReadSettings:
    """Choose how files are read for a new library: no OCR for an encoder that looks at the page itself."""
    return ReadSettings(ocr=OcrChoice.NONE if encoder.picture else OcrChoice.AUTO)


def new_manifest(encoder: Encoder, settings: ReadSettings | None = None, pool_factor: int = 1) -> Manifest:
    """Describe a new library, for the store that is to hold it.

    Args:
        encoder: Makes its vectors.
        settings: How its files are read; ``default_settings``, if not given.
        pool_factor: As for ``Library.create``.

    Raises:
        InputError: The pool factor is less than 1.
    """
    settings = settings or default_settings(encoder)
    return Manifest(
        encoder.space,
        dpi=settings.dpi,
        ocr=settings.ocr,
        created_by=__version__,
        pool_factor=pool_factor,
        ocr_languages="+".join(settings.ocr_languages),
    )


def page_encoder(encoder: Encoder, pool_factor: int) -> Encoder:
    """Return the encoder for pages: it pools their vectors if the library's are pooled."""
    if pool_factor == 1:
        return encoder
    return PoolingEncoder(encoder, pool_factor)


def load_page_encoder(manifest: Manifest) -> Encoder:
    """Load the encoder for pages of a library, in a process that has only the manifest.

    Raises:
        ModelNotAvailableError: It can't be loaded here.
    """
    return page_encoder(load_own_encoder(manifest.space), manifest.pool_factor)


def store_encoder_folder(store: Store, encoder: Callable[[], Encoder]) -> None:
    """Store the new place of an encoder's folder that has moved, so that users give it only once."""
    manifest = store.manifest
    if has_moved(manifest.space) and encoder().space.encoder != manifest.space.encoder:
        store.store_manifest(replace(manifest, space=encoder().space))

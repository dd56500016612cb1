"""Matching encoders to stored vectors: only the encoder that made them may add to them, under any name or folder."""

from __future__ import annotations

from pathlib import Path

from maxsight.encoders.base import Encoder, EncoderOptions
from maxsight.encoders.precomputed import Precomputed, is_precomputed
from maxsight.encoders.registry import load_encoder
from maxsight.errors import (
    EncoderMismatchError,
    MaxSightError,
    ModelNotAvailableError,
    UnknownEncoderError,
)
from maxsight.types import EmbeddingSpace


def load_own_encoder(space: EmbeddingSpace, options: EncoderOptions | None = None) -> Encoder:
    """Load the encoder that made the vectors of a space.

    Raises:
        ModelNotAvailableError: It can't be loaded here, for example because its folder has moved.
        EncoderMismatchError: The encoder of this name now makes vectors of another space.
    """
    if is_precomputed(space.encoder):
        return Precomputed(space.dim, space.encoder)
    if has_moved(space):
        raise ModelNotAvailableError(
            f"the library was indexed with the checkpoint in {space.encoder}, and there is no such folder any more",
            hint="Say where it is now: --encoder FOLDER (encoder= in Python).",
        )
    encoder = load_encoder(space.encoder, options)
    _check_same_space(
        space,
        encoder,
        hint="Bring back the version that made the library, of the checkpoint or of maxsight, or index the files "
        "into a new one.",
    )
    return encoder


def has_moved(space: EmbeddingSpace) -> bool:
    """Whether the space's encoder is a checkpoint whose folder is gone."""
    folder = Path(space.encoder)
    return folder.is_absolute() and not folder.is_dir()


def find_same_encoder(
    space: EmbeddingSpace, asked: str | Encoder, options: EncoderOptions | None = None
) -> Encoder | None:
    """Check that the encoder a user names is the one that made the vectors of a space.

    The encoder of vectors that came with the data is unknown. Then we trust the user and compare only the
    dimension.

    Args:
        space: The space of the stored vectors.
        asked: A name, or an encoder.
        options: How it runs here, if it must be loaded for the check.

    Returns:
        The encoder, or None where the name alone says that it is the space's own.

    Raises:
        UnknownEncoderError: There is no encoder of this name.
        EncoderMismatchError: It makes vectors of another space, or can't be loaded for the check.
    """
    if isinstance(asked, str) and _is_name_of(space, asked):
        return None
    name = asked if isinstance(asked, str) else asked.space.encoder
    hint = f"Leave the encoder out, or make another library: --library {Path(name).name}.library"
    try:
        encoder = load_encoder(asked, options) if isinstance(asked, str) else asked
    except UnknownEncoderError:
        raise
    except MaxSightError as error:
        raise EncoderMismatchError(
            str(space), f"{name}, which can't be loaded here: {error}", hint=hint
        ) from error
    _check_same_space(space, encoder, hint=hint)
    return encoder


def _is_name_of(space: EmbeddingSpace, name: str) -> bool:
    """Whether the space's encoder has this name, or lies in the folder of this name."""
    folder, home = Path(name).expanduser(), Path(space.encoder)
    return name == space.encoder or (folder.is_dir() and home.is_dir() and folder.samefile(home))


def _check_same_space(space: EmbeddingSpace, encoder: Encoder, *, hint: str) -> None:
    if is_precomputed(space.encoder) and encoder.space.dim == space.dim:
        return
    if not encoder.space.matches(space):
        raise EncoderMismatchError(str(space), str(encoder.space), hint=hint)

"""Encoders by name, as given to ``--encoder`` and written to a library's manifest."""

from __future__ import annotations

from pathlib import Path

from maxsight.encoders.base import Encoder, EncoderOptions
from maxsight.encoders.fake import FakeEncoder
from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.precomputed import is_precomputed
from maxsight.errors import InputError, ModelNotAvailableError, UnknownEncoderError
from maxsight.extras import require
from maxsight.settings import default_devices
from maxsight.spelling import suggest_similar

DEFAULT_ENCODER = "minilm"
ENCODER_NAMES = ("minilm", "fake")
CHECKPOINT_EXTRA = "colpali"
PATCHES = "patches"
"""Image statistics of a page's patches, for `embed` and for judging quality: no query can be asked of them."""


def load_encoder(name: str, options: EncoderOptions | None = None) -> Encoder:
    """Load an encoder; its heavy libraries are imported only now.

    Args:
        name: ``minilm``, ``minilm:paragraphs``, ``patches``, a late-interaction checkpoint's model id
            (``vidore/colpali-v1.3-hf``) or its folder, or a model of Cohere (``cohere:embed-multilingual-v3.0``).
        options: How it runs here.

    Raises:
        UnknownEncoderError: There is no encoder of this name.
        ModelNotAvailableError: Its files can't be read, or what it needs can't be imported.
        MissingExtraError: It needs an extra that is not installed.
        InputError: It is to run on a device that it makes no use of.
    """
    if options and not is_checkpoint(name):
        _check_devices(name, options.devices)
    if name == "minilm":
        from maxsight.encoders.minilm.encoder import MiniLM

        return MiniLM()
    if name == PARAGRAPHS:
        from maxsight.encoders.minilm.paragraphs import MiniLMParagraphs

        return MiniLMParagraphs()
    if name == "fake":
        return FakeEncoder()
    if name == PATCHES:
        from maxsight.encoders.patches import PatchEncoder

        return PatchEncoder()
    if name.startswith("cohere:"):
        require("cohere")
        from maxsight.encoders.cohere import CohereEncoder

        return CohereEncoder(name)
    if is_precomputed(name):
        raise ModelNotAvailableError(
            f"{name} says that vectors come with the data, and there are none",
            hint="Index records that have them: --group-by FIELD --text-field FIELD --vector-field FIELD",
        )
    if is_checkpoint(name):
        require(CHECKPOINT_EXTRA)
        try:
            from maxsight.encoders.checkpoints.loading import load_checkpoint
        except (ImportError, AttributeError, OSError, RuntimeError) as error:
            # Such as builds of torch and torchvision that clash, or versions that are too old.
            raise ModelNotAvailableError(
                f"what checkpoints need is installed and can't be imported: {error}",
                hint="`maxsight encoders` names the versions that are too old. A torchvision of another build than "
                "torch is not needed: pip uninstall torchvision",
            ) from error
        return load_checkpoint(name, options or EncoderOptions())
    own = (DEFAULT_ENCODER, PARAGRAPHS, PATCHES)
    raise UnknownEncoderError(
        f"no encoder is called {name!r}{suggest_similar(name, own)}",
        hint=f"With maxsight come {', '.join(own)}. Models of the ColPali and ColBERT family are named as on the hub "
        "(vidore/colpali-v1.3-hf) or by their folder, those of Cohere cohere:embed-multilingual-v3.0 and so on.",
    )


def _check_devices(name: str, devices: tuple[str, ...]) -> None:
    """Refuse a GPU that nothing would run on. What the environment says holds for the encoders that can follow."""
    if devices == default_devices() or set(devices) <= {"auto", "cpu"}:
        return
    place = "at Cohere" if name.startswith("cohere:") else "on the CPU"
    raise InputError(
        f"{name} runs {place}, not on {', '.join(devices)}",
        hint="Leave the device out; checkpoints (ColPali, ColBERT and their kin) can use one.",
    )


def is_checkpoint(name: str) -> bool:
    """Whether a name is a model id, or a folder, rather than an encoder that comes with maxsight."""
    return name not in (*ENCODER_NAMES, PARAGRAPHS, PATCHES) and (
        "/" in name or "\\" in name or Path(name).is_dir()
    )

"""Encoders by name, as given to ``--encoder`` and written to a library's manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name

from maxsight.encoders.base import Encoder, EncoderOptions
from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.precomputed import is_precomputed
from maxsight.errors import InputError, ModelNotAvailableError, UnknownEncoderError
from maxsight.extras import require
from maxsight.settings import default_devices
from maxsight.spelling import suggest_similar

DEFAULT_ENCODER = "minilm"
ENCODER_NAMES = ("minilm", "fake")
CHECKPOINT_EXTRA = "colpali"
MULTILINGUAL = "multilingual"
"""Token vectors of about 100 languages. Its weights are the extra of the same name."""
AUTO = "auto"
"""The offline encoder that knows the languages of the documents, as `library.choosing` finds it."""
PATCHES = "patches"
"""Image statistics of a page's patches, for `embed` and for judging quality. It takes no queries."""
_SHIPPED = {
    "minilm": "minilm.encoder:MiniLM",
    PARAGRAPHS: "minilm.paragraphs:MiniLMParagraphs",
    "fake": "fake:FakeEncoder",
    PATCHES: "patches:PatchEncoder",
}
"""Encoders that need no extra. Each is imported when it is loaded."""
IMPORT_ERRORS = (ImportError, AttributeError, OSError, RuntimeError)
"""Raised by an import of builds of torch and torchvision that clash, or of versions that are too old."""


def load_encoder(name: str, options: EncoderOptions | None = None) -> Encoder:
    """Load an encoder, and import the libraries that it needs.

    Args:
        name: ``minilm``, ``multilingual``, ``minilm:paragraphs``, ``patches``, a late-interaction checkpoint's model id
            (``vidore/colpali-v1.3-hf``) or folder, or a model of Cohere (``cohere:embed-multilingual-v3.0``).
        options: How it runs here.

    Raises:
        UnknownEncoderError: There is no encoder of this name.
        ModelNotAvailableError: Its files can't be read, or a library can't be imported.
        MissingExtraError: It needs an extra that is not installed.
        InputError: It can't run on the given device.
    """
    if options and not is_checkpoint(name):
        _check_devices(name, options.devices)
    if name in _SHIPPED:
        encoder: Encoder = resolve_name(f"maxsight.encoders.{_SHIPPED[name]}")()
        return encoder
    if name == MULTILINGUAL:
        require(MULTILINGUAL)
        from maxsight.encoders.multilingual.encoder import Multilingual

        return Multilingual()
    if name.startswith(f"{MULTILINGUAL}:"):
        require(CHECKPOINT_EXTRA)
        from maxsight.encoders.multilingual.checkpoint import load_multilingual

        return load_multilingual(name, options or EncoderOptions())
    if name.startswith("cohere:"):
        require("cohere")
        from maxsight.encoders.cohere import CohereEncoder

        return CohereEncoder(name)
    if is_precomputed(name):
        raise ModelNotAvailableError(
            f"{name} means that vectors come with the data, and there are none",
            hint="Index records that have them: --group-by FIELD --text-field FIELD --vector-field FIELD",
        )
    if is_checkpoint(name):
        require(CHECKPOINT_EXTRA)
        with importing_for_checkpoints():
            from maxsight.encoders.checkpoints.loading import load_checkpoint
        return load_checkpoint(name, options or EncoderOptions())
    if name == AUTO:
        raise InputError(
            "the encoder auto is chosen for documents, and none are named",
            hint="maxsight index PATH... --encoder auto; in Python: encoder=choose_encoder(paths).name, "
            "from maxsight.library.choosing",
        )
    own = (DEFAULT_ENCODER, MULTILINGUAL, PARAGRAPHS, PATCHES)
    raise UnknownEncoderError(
        f"no encoder is called {name!r}{suggest_similar(name, own)}",
        hint=f"{', '.join(own)} ship with maxsight. Models like ColPali and ColBERT are named as on the hub "
        "(vidore/colpali-v1.3-hf) or by their folder, those of Cohere like cohere:embed-multilingual-v3.0.",
    )


@contextmanager
def importing_for_checkpoints() -> Iterator[None]:
    """Let the libraries of checkpoints be imported.

    Raises:
        ModelNotAvailableError: One can't be.
    """
    try:
        yield
    except IMPORT_ERRORS as error:
        raise ModelNotAvailableError(
            f"a library that checkpoints need can't be imported: {error}",
            hint="`maxsight encoders` names versions that are too old. A torchvision that clashes with torch is "
            "not needed: pip uninstall torchvision",
        ) from error


def _check_devices(name: str, devices: tuple[str, ...]) -> None:
    """Refuse a GPU for an encoder that can't use one. The default of the environment is never refused."""
    if devices == default_devices() or set(devices) <= {"auto", "cpu"}:
        return
    place = "at Cohere" if name.startswith("cohere:") else "on the CPU"
    raise InputError(
        f"{name} runs {place}, not on {', '.join(devices)}",
        hint="Leave the device out. Checkpoints (ColPali, ColBERT and models like them) can use one.",
    )


def is_checkpoint(name: str) -> bool:
    """Whether a name is a model id or a folder, not an encoder that ships with maxsight."""
    return name not in (*_SHIPPED, MULTILINGUAL) and ("/" in name or "\\" in name or Path(name).is_dir())

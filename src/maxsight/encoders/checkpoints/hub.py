"""Finding a checkpoint's folder: a folder as it is, a model on the hub downloaded once.

Only the needed files are downloaded. Every failure becomes one error with the next step.
"""

from __future__ import annotations

import errno
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import constants, get_token, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import tqdm

from maxsight.encoders.checkpoints.fingerprints import SETTINGS
from maxsight.encoders.checkpoints.layouts import module_folders
from maxsight.errors import ModelNotAvailableError
from maxsight.settings import hub_token, hub_url

_HUB_NAME = re.compile(r"(?P<model>[\w.-]+/[\w.-]+)(?:@(?P<revision>(?!.*\.\.)\w[\w./-]*))?")
"""No git revision starts with a slash or has two dots: those would lead out of the folder in the hub's cache."""
_BAR_DELAY_S = 1.0
_MODULE = "[0-9]_*/"
"""The folders in which sentence-transformers saves the parts of a model."""
_FILES = [
    *(f"{folder}{name}" for folder in ("", _MODULE) for name in SETTINGS),
    *(f"{folder}model*.safetensors" for folder in ("", _MODULE)),
    *("model.safetensors.index.json", "adapter_model.safetensors"),
    *("chat_template.jinja", "chat_template.json"),
]


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint on this machine.

    Attributes:
        name: Its name in a library: as given, or the absolute path of a folder.
        folder: The folder of its files.
    """

    name: str
    folder: Path


class DownloadBar(tqdm):  # type: ignore[misc]
    """A progress bar that appears after a second: files that are there already need none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._hidden_until_s = time.monotonic() + _BAR_DELAY_S
        super().__init__(*args, **{"delay": _BAR_DELAY_S, **kwargs})

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        """Draw the bar, unless it is too early."""
        return super().refresh(*args, **kwargs) if time.monotonic() >= self._hidden_until_s else False


def locate(name: str, *, trust_remote_code: bool = False) -> Source:
    """Find the folder of a checkpoint. Download missing files.

    Args:
        name: A folder, or a model on the hub: ``owner/name``, or ``owner/name@revision``.
        trust_remote_code: Whether to download its Python code too.

    Raises:
        ModelNotAvailableError: It is neither, or can't be downloaded: gated, private, no network, no space.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Source(str(folder.resolve()), folder.resolve())
    named = _HUB_NAME.fullmatch(name)
    if not named:
        raise _no_name(name)
    wanted = [*_FILES, "*.py"] if trust_remote_code else list(_FILES)
    folder = _download(named["model"], named["revision"], wanted)
    if pickles := _pickles_wanted(folder):
        folder = _download(named["model"], named["revision"], [*wanted, *pickles])
    return Source(name, folder)


def _pickles_wanted(folder: Path) -> list[str]:
    """Name the pickled weights of parts that have no others."""
    parts = {folder, *module_folders(folder)}
    bare = [
        part for part in parts if (part / "config.json").is_file() and not any(part.glob("*.safetensors"))
    ]
    if (folder / "adapter_config.json").is_file() and not any(folder.glob("*.safetensors")):
        bare.append(folder)
    return [
        (part / pickle).relative_to(folder).as_posix()
        for part in bare
        for pickle in ("pytorch_model*.bin", "pytorch_model.bin.index.json", "adapter_model.bin")
    ]


def _download(model: str, revision: str | None, files: list[str]) -> Path:
    token = hub_token() or get_token()
    try:
        folder = snapshot_download(
            model,
            revision=revision,
            allow_patterns=files,
            endpoint=hub_url(),
            token=token,
            tqdm_class=DownloadBar,
        )
    except HFValidationError as error:
        raise _no_name(model) from error
    except (HTTPError, OSError) as error:
        raise _translated(error, model, revision, has_token=token is not None) from error
    return Path(folder)


def _translated(
    error: BaseException, model: str, revision: str | None, *, has_token: bool
) -> ModelNotAvailableError:
    """Say what a failed download means, and what to do next."""
    cache, page = constants.HF_HUB_CACHE, f"{hub_url()}/{model}"
    match error:
        case LocalEntryNotFoundError() if constants.HF_HUB_OFFLINE:
            reason = f"{model} is not in {cache}, or not as a whole, and HF_HUB_OFFLINE is set"
            hint = "Unset HF_HUB_OFFLINE for one run, or name a folder with a copy of the model."
        case LocalEntryNotFoundError(__cause__=HfHubHTTPError() as cause):
            return _translated(cause, model, revision, has_token=has_token)
        case GatedRepoError():
            reason = f"{model} is gated: its owner wants its licence accepted first"
            hint = f"Accept it at {page}, " + (
                "with the account that your token belongs to."
                if has_token
                else "then put a token of yours (from the hub's settings) into HF_TOKEN, or into a .env file here."
            )
        case RevisionNotFoundError():
            reason = f"{model} has no version {revision} on the hub"
            hint = f"See {page}/commits/main for the versions it has."
        case RepositoryNotFoundError():
            return _no_model(model)
        case HfHubHTTPError() if error.response is not None:
            return _refused(error.response.status_code, model, has_token=has_token)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            reason = f"{model} does not fit on the disk: no space is left in {cache}"
            hint = "Free some, or set HF_HUB_CACHE to a folder on a larger disk. Downloaded files stay."
        case OSError(errno=int()):
            reason = f"{model} can't be written to {cache}: {error.strerror}"
            hint = "Set HF_HUB_CACHE to a folder that you may write to."
        case _:
            reason = f"{model} is not on this machine yet, and {hub_url()} can't be reached"
            hint = (
                "Check the network. Without one, copy the model's files from a machine that has them into a folder, "
                f"and name that folder; or copy that machine's {cache}."
            )
    return ModelNotAvailableError(reason, hint=hint)


def _refused(status: int, model: str, *, has_token: bool) -> ModelNotAvailableError:
    """Say what a status of the hub means."""
    tokens = f"{hub_url()}/settings/tokens"
    match status:
        case 401 if not has_token:
            return _no_model(model)
        case 401:
            reason = "the hub does not know the token that it was given"
            hint = f"Make a new one at {tokens} and put it into HF_TOKEN, or leave HF_TOKEN unset."
        case 403:
            reason = f"the token does not allow downloading {model}"
            hint = f"Give it the right to read this model at {tokens}."
        case _:
            reason = f"the hub can't give {model} now: it answered {status}"
            hint = "Try again in a few minutes."
    return ModelNotAvailableError(reason, hint=hint)


def _no_name(name: str) -> ModelNotAvailableError:
    return ModelNotAvailableError(
        f"there is no folder {name}, and a model on the hub can't be called so",
        hint="Name a folder with a checkpoint, or a model as owner/name, or owner/name@revision.",
    )


def _no_model(model: str) -> ModelNotAvailableError:
    return ModelNotAvailableError(
        f"there is no model {model} on the hub, or it is private; there is no folder of this name either",
        hint="Check the spelling. For a private model, put a token that may read it into HF_TOKEN.",
    )

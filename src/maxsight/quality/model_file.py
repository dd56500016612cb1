"""A model as a file: a zip of JSON, LightGBM's text format and plain arrays. Nothing in it is executable.

::

    model.json         format, feature space, versions, scores, intervals, SHA-256 of the other members
    familiarity.npz    samples to compare pages with
    cer/support.npz    a support vector machine
    cer/trees.txt      boosted trees
    wer/...
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from maxsight.errors import InputError
from maxsight.quality.conformal import Conformal
from maxsight.quality.familiarity import Familiarity
from maxsight.quality.features import FeatureSpace, Layer, PagePooling
from maxsight.quality.prediction import Target
from maxsight.quality.predictor import FittedTarget, QualityPredictor
from maxsight.quality.support_vectors import SupportVectors
from maxsight.quality.trees import Trees
from maxsight.writing import moved_when_whole

FORMAT = 3
"""Changes also with the pooled features and the OCR features."""
SUFFIX = ".quality"
MAX_BYTES = 200_000_000
DEFAULT_MODEL = "patches" + SUFFIX
MODELS = Path(__file__).parent / "models"
"""Models that come with maxsight."""
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same model gives the same bytes

Value = TypeVar("Value", SupportVectors, Familiarity)


def save_predictor(predictor: QualityPredictor, file: Path) -> None:
    """Write a model.

    Raises:
        InputError: The file can't be written.
    """
    members = {"familiarity.npz": _arrays(predictor.familiarity)}
    for target, fitted in predictor.targets.items():
        if fitted.support is not None:
            members[f"{target}/support.npz"] = _arrays(fitted.support)
        if fitted.trees is not None:
            members[f"{target}/trees.txt"] = fitted.trees.text.encode()
    described = {
        "format": FORMAT,
        "space": asdict(predictor.space),
        "about": predictor.about,
        "conformal": {
            target.value: {
                **asdict(fitted.conformal),
                "factor": str(fitted.conformal.factor),
            }  # JSON has no infinity
            for target, fitted in predictor.targets.items()
        },
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    with moved_when_whole(file) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        for name, content in {"model.json": json.dumps(described, indent=1).encode(), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED, 9)


def load_predictor(file: Path | None = None) -> QualityPredictor:
    """Read a model, by default the one that comes with maxsight.

    Raises:
        InputError: The file is not a model, is damaged, or has another format or other features.
    """
    if file is None:
        file = MODELS / DEFAULT_MODEL
    try:
        members = _members(file)
        described = json.loads(members["model.json"])
        if described["format"] != FORMAT:
            raise InputError(
                f"{file} is a model of format {described['format']}; this version of maxsight reads {FORMAT}",
                hint="Train it again: maxsight quality train.",
            )
        for name, digest in described["sha256"].items():
            if hashlib.sha256(members[name]).hexdigest() != digest:
                raise InputError(f"{file} is damaged: {name} is not what was written")
        return _assemble(described, members)
    except InputError:
        raise
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{file} is not a model of quality ({error})", hint="maxsight quality train makes one."
        ) from error


def _members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > MAX_BYTES:
            raise InputError(f"{file} unpacks to {size:,} bytes, more than the limit of {MAX_BYTES:,}")
        return {member.filename: archive.read(member) for member in archive.infolist()}


def _assemble(described: dict[str, Any], members: dict[str, bytes]) -> QualityPredictor:
    space = described["space"]
    space = FeatureSpace(
        **{**space, "layer": Layer(space["layer"]), "pooling": PagePooling(space["pooling"])}
    )
    targets = {}
    for name, conformal in described["conformal"].items():
        support, trees = members.get(f"{name}/support.npz"), members.get(f"{name}/trees.txt")
        targets[Target(name)] = FittedTarget(
            None if support is None else _from_arrays(SupportVectors, support),
            None if trees is None else Trees(trees.decode()),
            Conformal(**{**conformal, "factor": float(conformal["factor"])}),
        )
    familiarity = _from_arrays(Familiarity, members["familiarity.npz"])
    return QualityPredictor(space, targets, familiarity, described["about"])


def _arrays(value: SupportVectors | Familiarity) -> bytes:
    packed = io.BytesIO()
    arrays = {field.name: getattr(value, field.name) for field in fields(value)}
    np.savez(packed, allow_pickle=False, **arrays)
    return packed.getvalue()


def _from_arrays(kind: type[Value], packed: bytes) -> Value:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        values: dict[str, Any] = {field.name: arrays[field.name] for field in fields(kind)}
    numbers = {name: float(array) for name, array in values.items() if not array.ndim}
    return kind(**{**values, **numbers})

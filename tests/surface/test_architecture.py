"""The architecture as the imports show it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import maxsight
import maxsight.errors

SOURCE = Path(maxsight.__file__).parent
FOUNDATION = {
    "errors",
    "types",
    "settings",
    "threads",
    "extras",
    "pictures",
    "notices",
    "spelling",
    "json_lines",
    "csv_tables",
}
ALLOWED = {
    "errors": set(),
    "types": {"errors"},
    "settings": {"errors"},
    "threads": {"settings"},
    "extras": {"errors"},
    "pictures": {"types", "errors"},
    "notices": set(),
    "spelling": {"errors"},
    "json_lines": {"errors"},
    "csv_tables": set(),
    "documents": FOUNDATION,
    "encoders": FOUNDATION,
    "stores": FOUNDATION | {"identity"},
    "retrieval": FOUNDATION | {"stores"},
    "heatmaps": FOUNDATION,
    "quality": FOUNDATION | {"documents", "encoders"},
    "evaluation": FOUNDATION | {"identity", "retrieval", "stores"},
    "identity": FOUNDATION,
    "metadata": FOUNDATION | {"stores"},
    "exporting": FOUNDATION | {"stores"},
    "drawing": FOUNDATION | {"documents", "identity", "stores"},
    "status": FOUNDATION | {"stores"},
    "hits": FOUNDATION | {"drawing", "heatmaps", "identity", "retrieval", "stores"},
}
ABOVE = {
    "embedding": {"answers", "client", "server", "cli"},
    "indexing": {"answers", "client", "server", "cli"},
    "answers": {"client", "server", "cli"},
    "client": {"library", "answers", "server", "cli"},
    "server": {"client", "cli"},
    "cli": set(),
    "__init__": set(),
    "__main__": set(),
}
COMPOSITION = ("auditing", "library", "opened", "places", "queries", "searching", "transfer", "upkeep")
ABOVE |= {part: {"answers", "client", "server", "cli"} for part in COMPOSITION}


def imports_of(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("maxsight"):
            if node.module == "maxsight":
                yield from (alias.name for alias in node.names)
            else:
                yield node.module.removeprefix("maxsight.")
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.removeprefix("maxsight.")
                for alias in node.names
                if alias.name.startswith("maxsight.")
            )


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_point_one_way(file):
    room = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    if room in ABOVE:
        assert not [name for name in imports_of(file) if name.split(".")[0] in ABOVE[room]]
        return
    for name in imports_of(file):
        other = name.split(".")[0]
        if room == "retrieval" and other == "stores":
            seam = ("stores.base", "stores.conditions", "stores.ragged")
            assert name in seam, "only the protocol and its values, never a store"
        assert other == room or other in ALLOWED[room], f"{room} must not import {name}"


def test_importing_maxsight_loads_nothing_heavy():
    code = "import sys, maxsight, maxsight.cli.app; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "torch",
        "onnxruntime",
        "lance",
        "pyarrow",
        "pymilvus",
        "rapidocr",
        "cv2",
        "numba",
        "numpy",
        "PIL",
        "sqlglot",
        "httpx",
        "openai",
        "mcp",
        "fastapi",
    }
    assert not heavy & set(loaded)


def test_the_public_names_are_listed_sorted_and_can_be_had():
    assert maxsight.__all__ == sorted(maxsight.__all__)
    for name in maxsight.__all__:
        assert getattr(maxsight, name).__doc__


def every_error():
    for kind in vars(maxsight.errors).values():
        if isinstance(kind, type) and issubclass(kind, maxsight.errors.MaxSightError):
            yield kind


@pytest.mark.parametrize("kind", sorted(every_error(), key=lambda kind: kind.__name__))
def test_every_error_has_an_exit_code_and_a_status_and_is_drawn(kind):
    assert 1 <= kind.exit_code < 126
    assert 400 <= kind.http_status < 600
    assert kind.__name__ in maxsight.errors.__doc__

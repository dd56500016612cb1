"""The architecture as the imports show it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import maxsight
import maxsight.errors

SOURCE = Path(maxsight.__file__).parent
# From the ground up: a room may import those on lower floors, and none on its own.
FOUNDATION = (
    ("errors", "version", "segmentation", "language"),
    (
        "types",
        "settings",
        "extras",
        "spelling",
        "tables",
        "characters",
        "pictures",
        "lettering",
        "threads",
        "writing",
    ),
    ("notebook",),
    ("notices", "identity", "results"),
)
FLOORS = (
    *FOUNDATION,
    ("documents", "encoders", "stores"),
    ("retrieval",),
    ("heatmaps", "quality", "evaluation", "reranking"),
    ("indexing", "embedding"),
    ("library",),
    ("answers", "client"),
    ("integrations",),
    ("server",),
    ("cli",),
    ("__init__", "__main__"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
LIBRARY = {
    part: floor
    for floor, parts in enumerate(
        (
            (
                "naming",
                "choosing",
                "opening",
                "drawing",
                "queries",
                "quoting",
                "exporting",
                "status",
                "encoder",
                "background",
            ),
            ("listing", "hits", "boosting"),
            ("searching",),
            ("opened",),
            ("upkeep", "copying", "encoding", "explaining"),
            ("reranking", "similar"),
            ("auditing",),
            ("runs",),
            ("library",),
        )
    )
    for part in parts
}
# The seam between the ranking and whatever keeps the pages: protocols and values, never a store.
STORE_SEAM = {"stores.base", "stores.conditions", "stores.ragged"}


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


def name_of(file):
    return ".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


FILES = sorted(SOURCE.rglob("*.py"))
MODULES = {name_of(file) for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_one_way(file):
    room = name_of(file).split(".")[0]
    for name in imports_of(file):
        other = name.split(".")[0]
        if other not in FLOOR:  # a public name of the package itself, which stands for its home
            other = maxsight._HOMES[other].split(".")[1]
        if other == room:
            continue
        assert FLOOR[other] < FLOOR[room], f"{room} must not import {name}"
        if room == "retrieval" and other == "stores":
            assert name in STORE_SEAM, "only the protocol and its values, never a store"


@pytest.mark.parametrize("file", sorted((SOURCE / "library").glob("*.py")), ids=name_of)
def test_the_parts_of_the_library_build_on_one_another_in_one_order(file):
    part = file.stem
    others = [name.split(".")[1] for name in imports_of(file) if name.startswith("library.")]
    assert all(LIBRARY[other] < LIBRARY[part] for other in others), f"library.{part} imports {others}"


@pytest.mark.parametrize("file", sorted((SOURCE / "quality").glob("*.py")), ids=name_of)
def test_what_predicts_the_quality_of_ocr_needs_nothing_that_trains(file):
    assert not [name for name in imports_of(file) if name.startswith("quality.training")]


def modules_imported_by(file):
    """Modules that an import statement names: the longest part of a dotted name that is a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("maxsight"):
            package = node.module.removeprefix("maxsight").removeprefix(".")
            for alias in node.names:
                inside = f"{package}.{alias.name}" if package else alias.name
                yield inside if inside in MODULES else package


def test_no_import_leads_in_a_circle():
    imports = {name_of(file): {n for n in modules_imported_by(file) if n in MODULES} for file in FILES}
    while leaves := {name for name, others in imports.items() if not others & imports.keys() - {name}}:
        imports = {name: others for name, others in imports.items() if name not in leaves}
    assert not imports, "these modules import one another, or build on some that do"


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


def test_using_the_library_loads_nothing_of_evaluation_and_adds_no_log_handler():
    code = """
import logging, sys
from maxsight import Library
loggers = [logging.root, *map(logging.getLogger, logging.root.manager.loggerDict)]
ours = {name.rpartition(".")[0] for name in sys.modules if name.startswith("maxsight.evaluation.")}
print(sorted(ours), "scipy" in sys.modules, [one.handlers for one in loggers if any(
    not isinstance(handler, logging.NullHandler) for handler in one.handlers)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] False []\n"


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

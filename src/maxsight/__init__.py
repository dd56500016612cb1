"""maxsight finds the page and shows why.

::

    from maxsight import Library

    with Library.create("papers.library") as library:
        library.index(["papers/"])
        for hit in library.search("how is attention scaled?"):
            print(hit.file, hit.page_number, hit.snippet)
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from maxsight.version import __version__

if TYPE_CHECKING:
    from maxsight.documents import ImageFields, RecordFields
    from maxsight.errors import MaxSightError
    from maxsight.heatmaps.explanation import Explanation
    from maxsight.indexing import IndexReport
    from maxsight.library.library import Library
    from maxsight.results import Hit, Match, Region

__all__ = [
    "Explanation",
    "Hit",
    "ImageFields",
    "IndexReport",
    "Library",
    "Match",
    "MaxSightError",
    "RecordFields",
    "Region",
    "__version__",
]

# onnxruntime 1.32 looks up Microsoft's event collector and writes a device id into the user's cache, unless this is
# set before it is imported. Its function disable_telemetry_events() does not stop that. The others are for
# huggingface_hub and ray. A user's own values stay.
for _name, _value in (
    ("ORT_DISABLE_TELEMETRY", "1"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
    ("RAY_USAGE_STATS_ENABLED", "0"),
):
    os.environ.setdefault(_name, _value)

_HOMES = {
    "Explanation": "maxsight.heatmaps.explanation",
    "Hit": "maxsight.results",
    "IndexReport": "maxsight.indexing",
    "Library": "maxsight.library.library",
    "Match": "maxsight.results",
    "MaxSightError": "maxsight.errors",
    "ImageFields": "maxsight.documents",
    "RecordFields": "maxsight.documents",
    "Region": "maxsight.results",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``maxsight --help`` does not wait for numpy."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

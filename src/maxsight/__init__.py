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
    from maxsight.library.listing import Documents
    from maxsight.library.status import Status
    from maxsight.results import Boost, Hit, Hits, Match, Region
    from maxsight.stores.base import DocumentEntry

__all__ = [
    "Boost",
    "DocumentEntry",
    "Documents",
    "Explanation",
    "Hit",
    "Hits",
    "ImageFields",
    "IndexReport",
    "Library",
    "Match",
    "MaxSightError",
    "RecordFields",
    "Region",
    "Status",
    "__version__",
]

# onnxruntime 1.32 looks up Microsoft's event collector and writes a device id into the user's cache, unless this is
# set before it is imported. Its function disable_telemetry_events() does not stop that. The others are for
# huggingface_hub, ray and haystack. A user's own values stay.
for _name, _value in (
    ("ORT_DISABLE_TELEMETRY", "1"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
    ("RAY_USAGE_STATS_ENABLED", "0"),
    ("HAYSTACK_TELEMETRY_ENABLED", "False"),
):
    os.environ.setdefault(_name, _value)

_HOMES = {
    "Boost": "maxsight.results",
    "DocumentEntry": "maxsight.stores.base",
    "Documents": "maxsight.library.listing",
    "Explanation": "maxsight.heatmaps.explanation",
    "Hit": "maxsight.results",
    "Hits": "maxsight.results",
    "IndexReport": "maxsight.indexing",
    "Library": "maxsight.library.library",
    "Match": "maxsight.results",
    "MaxSightError": "maxsight.errors",
    "ImageFields": "maxsight.documents",
    "RecordFields": "maxsight.documents",
    "Region": "maxsight.results",
    "Status": "maxsight.library.status",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``maxsight --help`` does not wait for numpy."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

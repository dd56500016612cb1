"""Indexing: find new and missing pages, then read, encode and commit them."""

from maxsight.indexing.events import (
    Building,
    Found,
    Indexed,
    IndexEvent,
    IndexReport,
    Judged,
    NotIndexed,
    Planned,
    Progress,
    Removed,
    Skipped,
)
from maxsight.indexing.image_rows import ImageRun
from maxsight.indexing.judges import Judges, PageJudge, judges_of, load_judge
from maxsight.indexing.options import Cluster, IndexOptions
from maxsight.indexing.placement import Placement
from maxsight.indexing.records import RecordRun
from maxsight.indexing.run import IndexRun
from maxsight.notices import Noticed

__all__ = [
    "Building",
    "Cluster",
    "Found",
    "ImageRun",
    "IndexEvent",
    "IndexOptions",
    "IndexReport",
    "IndexRun",
    "Indexed",
    "Judged",
    "Judges",
    "NotIndexed",
    "Noticed",
    "PageJudge",
    "Placement",
    "Planned",
    "Progress",
    "RecordRun",
    "Removed",
    "Skipped",
    "judges_of",
    "load_judge",
]

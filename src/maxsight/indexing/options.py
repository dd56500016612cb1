"""What a caller may say about an indexing run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from maxsight.documents import ImageFields, ReadSettings, RecordFields
from maxsight.errors import InputError
from maxsight.indexing.judges import PageJudge
from maxsight.indexing.metadata import MetadataTable


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray cluster, and the workers to have on it.

    Attributes:
        address: ``auto`` for the one that this machine belongs to, ``local`` for one on this machine alone that ends
            with the run, or ``ray://HOST:10001``.
        workers: How many; as many as have room if None.
        cpus_per_worker: CPUs of each worker, and processes that read in it.
        gpus_per_worker: GPUs of each worker; 0.5 lets two share one.
    """

    address: str = "auto"
    workers: int | None = None
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0

    def __post_init__(self) -> None:
        if self.cpus_per_worker <= 0 or self.gpus_per_worker < 0:
            raise InputError("a worker needs more than 0 CPUs, and 0 GPUs or more")


class IndexOptions(TypedDict, total=False):
    """How to index. Every option may be left out.

    Attributes:
        include: Globs. In folders, only files that match one are read.
        exclude: Globs. In folders, files and folders that match one are skipped.
        follow_symlinks: In folders, also follow links that lead out of them.
        metadata: The user's fields, by file.
        prune: Remove documents whose files are gone from the given folders, or are found under another name. Those
            below an empty folder stay: its disk may not be mounted.
        settings: How files are read; by default as when the library was made.
        cluster: Read and encode on a Ray cluster instead of here. ``workers`` is ignored then. For documents only.
        workers: Reading processes; by default one per CPU, at most four where they run OCR.
        again: Read unchanged files again, for example with another OCR engine.
        records: The paths are data files. With ``RecordFields``, each group of records becomes a document; with
            ``ImageFields``, each row is a page, and the paths may be folders.
        quality: Judge pages by their pictures and store the expected OCR errors as fields of each page. True takes the
            model that comes with maxsight; or give a judge, such as a `QualityPredictor`. Stored pages that lack the
            fields are judged too. None, the default, judges new pages only where the model that comes with maxsight
            has judged the library's pages, and no other model has.
        wait: Wait until a server has indexed the vectors. True by default. Searches before that are slower.
    """

    include: Sequence[str]
    exclude: Sequence[str]
    follow_symlinks: bool
    metadata: MetadataTable | None
    prune: bool
    settings: ReadSettings
    cluster: Cluster | None
    workers: int | None
    again: bool
    records: RecordFields | ImageFields
    quality: bool | PageJudge | None
    wait: bool

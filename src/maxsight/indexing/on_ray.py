"""Reading and encoding on a Ray cluster. This is the only module that imports ray.

A worker is an actor that holds its encoder. It reads and encodes a piece of the work, and writes the pages into the
library's dataset itself. It hands back names and events: no page goes through Ray. Only this process commits.
"""

from __future__ import annotations

import os
import platform
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from maxsight.documents import ReadSettings
from maxsight.encoders.base import Encoder
from maxsight.errors import InputError, MaxSightError, ModelNotAvailableError, StoreError
from maxsight.indexing.events import Indexed, IndexEvent, Meter, NotIndexed, Progress
from maxsight.indexing.options import Cluster
from maxsight.indexing.placement import Here, index_documents
from maxsight.indexing.work import Work
from maxsight.notices import Noticed, Notices
from maxsight.stores.base import Shared, Store, WorkerWriter, Written
from maxsight.version import __version__

FIRST_FILES = 8
"""Files that are indexed here in a new library: their pages settle the mean that all codes depend on."""
FILES_PER_PIECE, BYTES_PER_PIECE, PIECES_PER_WORKER = 64, 32 * 2**20, 4
MAX_KILLS = 3
SECONDS_PER_COMMIT, FRAGMENTS_PER_COMMIT = 5.0, 64
WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a worker hands back of a piece."""

    written: list[Written]
    events: list[IndexEvent]
    pages: int
    notices: dict[Noticed, list[str]]


class _Worker:
    """One worker, in a process of the cluster."""

    def __init__(
        self, load: Callable[[], Encoder], writer: WorkerWriter, settings: ReadSettings, readers: int
    ) -> None:
        self._encoder, self._writer, self._settings, self._readers = load(), writer, settings, readers

    def versions(self) -> tuple[str, str]:
        return __version__, platform.python_version()

    def index(self, piece: list[Work]) -> _Outcome:
        self._writer.written = []
        notices = Notices(self._encoder.notice)
        due = {work.file: work for work in piece}
        meter = Meter(1)
        events = list(
            index_documents(self._writer, self._encoder, due, self._settings, self._readers, notices, meter)
        )
        pages = sum(isinstance(event, Progress) for event in events)
        kept: list[IndexEvent] = [event for event in events if not isinstance(event, Progress)]
        return _Outcome(self._writer.written, kept, pages, notices.found())


class OnRay:
    """On the workers of a Ray cluster."""

    def __init__(self, cluster: Cluster, load: Callable[[], Encoder]) -> None:
        """Connect later.

        Args:
            cluster: Which, and its workers.
            load: Loads the encoder in a worker. Can be pickled.
        """
        self._cluster = cluster
        self._load = load

    def index(
        self,
        store: Store,
        encoder: Encoder,
        due: dict[Path, Work],
        settings: ReadSettings,
        notices: Notices,
    ) -> Iterator[IndexEvent]:
        """Index documents; see ``Placement.index``.

        Raises:
            InputError: The store does not take pages of workers, or the cluster lacks what was asked for.
            StoreError: The cluster can't be reached.
        """
        if not isinstance(store, Shared):
            raise InputError(
                "workers can't write into this library",
                hint="Use a folder or a bucket that all machines see.",
            )
        metadata = [work.metadata for work in due.values()]
        writer = store.worker_writer(metadata)
        if writer is None:
            first = {file: due[file] for file in list(due)[:FIRST_FILES]}
            for file in first:
                del due[file]
            yield from Here(None).index(store, encoder, first, settings, notices)
            writer = store.worker_writer(metadata)
        if not due or writer is None:
            return
        with _connected(self._cluster):
            run = _Run(self._cluster, self._load, writer, settings, store, notices, due)
            try:
                yield from run.events()
            finally:
                run.close()


class _Run:
    """The pieces of one run, and the workers that have them."""

    def __init__(
        self,
        cluster: Cluster,
        load: Callable[[], Encoder],
        writer: WorkerWriter,
        settings: ReadSettings,
        store: Shared,
        notices: Notices,
        due: dict[Path, Work],
    ) -> None:
        self._cluster, self._store, self._notices, self._due = cluster, store, notices, due
        most = _most_workers(cluster)
        workers = min(cluster.workers or most, most)
        self._worker = load, writer, settings, max(1, int(cluster.cpus_per_worker))
        self._pieces = deque(_pieces(list(due.values()), workers))
        self._count = min(workers, len(self._pieces))
        self._meter = Meter(sum(work.document.size_bytes for work in due.values()))
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, list[Work]]] = {}
        self._kills: Counter[Path] = Counter()
        self._uncommitted: list[Written] = []
        self._waiting: list[IndexEvent] = []
        self._committed_at = time.monotonic()

    def events(self) -> Iterator[IndexEvent]:
        """Give pieces to workers, and commit what they wrote."""
        for _ in range(self._count):
            self._idle.append(self._make())
        _check([worker.versions.remote() for worker in self._idle])
        while self._pieces or self._busy:
            while self._pieces and self._idle:
                worker, piece = self._idle.pop(), self._pieces.popleft()
                self._busy[worker.index.remote(piece)] = worker, piece
            done, _ = ray.wait(list(self._busy), timeout=WAIT_S)
            for answer in done:
                yield from self._take(answer)
            fragments = sum(len(written.fragments) for written in self._uncommitted)
            late = time.monotonic() - self._committed_at > SECONDS_PER_COMMIT
            if fragments >= FRAGMENTS_PER_COMMIT or late:
                yield from self._commit()
        yield from self._commit()

    def _make(self) -> Any:
        resources = {"num_cpus": self._cluster.cpus_per_worker, "num_gpus": self._cluster.gpus_per_worker}
        kind: Any = ray.remote(**resources)(_Worker)
        return kind.remote(*self._worker)

    def close(self) -> None:
        """Commit what is written, and end the workers."""
        for _ in self._commit():
            pass
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            ray.kill(worker)

    def _take(self, answer: Any) -> Iterator[IndexEvent]:
        worker, piece = self._busy.pop(answer)
        try:
            outcome: _Outcome = ray.get(answer)
        except RayActorError as error:
            yield from self._lost(piece, str(error).partition("\n")[0])
            return
        except RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, MaxSightError) else error from None
        self._idle.append(worker)
        self._uncommitted += outcome.written
        self._notices.take(outcome.notices)
        for work in piece:
            del self._due[work.file]
        self._meter.add_all(outcome.pages, sum(work.document.size_bytes for work in piece))
        for event in outcome.events:
            if isinstance(event, Indexed):
                self._waiting.append(event)  # reported after its commit
            else:
                yield event
        yield self._meter.progress(piece[-1].document.path)

    def _lost(self, piece: list[Work], why: str) -> Iterator[IndexEvent]:
        """Try the files of a lost worker again, one by one, and leave out one that has taken three workers down."""
        self._idle.append(self._make())
        for work in piece:
            self._kills[work.file] += 1 if len(piece) == 1 else 0
            if self._kills[work.file] < MAX_KILLS:
                self._pieces.append([work])
                continue
            del self._due[work.file]
            reason = f"{MAX_KILLS} workers ended while they read it ({why})"
            yield NotIndexed(str(work.file), None, reason, "Look at the file, or give workers more memory.")

    def _commit(self) -> Iterator[IndexEvent]:
        written, self._uncommitted = self._uncommitted, []
        if written:
            self._store.commit(written)
        events, self._waiting = self._waiting, []
        self._committed_at = time.monotonic()
        yield from events


def _pieces(works: list[Work], workers: int) -> Iterator[list[Work]]:
    """Divide work into pieces of neighbouring files: several for each worker, none too large."""
    total = sum(work.document.size_bytes for work in works)
    most = min(BYTES_PER_PIECE, max(1, total // (workers * PIECES_PER_WORKER)))
    piece: list[Work] = []
    size = 0
    for work in works:
        if piece and (size + work.document.size_bytes > most or len(piece) >= FILES_PER_PIECE):
            yield piece
            piece, size = [], 0
        piece.append(work)
        size += work.document.size_bytes
    if piece:
        yield piece


def _check(answers: list[Any]) -> None:
    """Wait until workers have loaded their encoders.

    Raises:
        ModelNotAvailableError: One could not start.
        InputError: One runs another version.
    """
    ours = __version__, platform.python_version()
    try:
        found = set(ray.get(answers))
    except RayActorError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = [line.partition(": ")[2] for line in lines if line.startswith("maxsight.errors.")]
        raise ModelNotAvailableError(
            f"a worker can't start: {told[0] if told else lines[-1]}",
            hint="Install maxsight with the same extras, and the model, on every machine of the cluster.",
        ) from error
    if others := found - {ours}:
        version, python = others.pop()
        raise InputError(
            f"a worker has maxsight {version} on Python {python}; here it is {ours[0]} on Python {ours[1]}",
            hint="Install the same versions on every machine of the cluster.",
        )


def _most_workers(cluster: Cluster) -> int:
    has = ray.cluster_resources()
    counts = [
        int(has.get(name, 0) // each)
        for name, each in (("CPU", cluster.cpus_per_worker), ("GPU", cluster.gpus_per_worker))
        if each
    ]
    if not counts or min(counts) < 1:
        raise InputError(
            f"the cluster has {has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs, and no room for a worker with "
            f"{cluster.cpus_per_worker:g} and {cluster.gpus_per_worker:g}",
            hint="Change --cpus-per-worker and --gpus-per-worker, or add machines.",
        )
    return min(counts)


class _connected:
    """Connect to a cluster, or start one on this machine; and leave it as it was."""

    def __init__(self, cluster: Cluster) -> None:
        self._address = None if cluster.address == "local" else cluster.address
        self._is_ours = False

    def __enter__(self) -> None:
        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options = {} if self._address else {"include_dashboard": False}
        try:
            ray.init(address=self._address or "local", log_to_driver=False, logging_level="ERROR", **options)
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            raise StoreError(
                f"there is no Ray cluster at {self._address}: {str(error).partition(chr(10))[0]}",
                hint="Start one with `ray start --head`, or give --ray local.",
            ) from error
        self._is_ours = True

    def __exit__(self, *error: object) -> None:
        if self._is_ours:
            ray.shutdown()

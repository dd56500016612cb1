"""The process that opens documents. `process` starts it, and `pool` sends it requests.

It answers each request frame on standard input with one frame on standard output. It ends when its input ends, even in
the middle of a page: the process that started it no longer runs.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from maxsight.documents.base import PageSource, ReadSettings
from maxsight.documents.formats import open_source
from maxsight.documents.workers.frames import (
    Frame,
    error_to_frame,
    image_to_frame,
    page_to_frame,
    read_frame,
    settings_from_fields,
    write_frame,
)
from maxsight.errors import InputError, UnreadableDocumentError

if sys.platform != "win32":
    import resource

_MAX_OPEN_FILES = 3
_LONG_S = 2**31
CORES_PER_PAGE = 2
"""Processor time of a page, by its limit on time: OCR may use more than one core."""


def main() -> None:
    """Answer requests until standard input ends."""
    requests_in, replies_out = _take_pipes()
    _be_first_out_of_memory()
    Image.MAX_IMAGE_PIXELS = None  # The limits of the settings apply instead.
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests_in, requests), daemon=True).start()
    answers = Answers()
    write_frame(replies_out, Frame({"ready": True}))
    while True:
        write_frame(replies_out, answers.answer(requests.get()))


class Answers:
    """Answers requests, and leaves the last few files open."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Path, ReadSettings], PageSource] = OrderedDict()

    def answer(self, request: Frame) -> Frame:
        """Answer one request. An error is an answer too."""
        path, page_index = Path(request.fields["path"]), request.fields["page_index"]
        try:
            settings = settings_from_fields(request.fields["settings"])
            _limit_processor_time(settings.limits.page_timeout_s)
            source = self._source(path, settings)
            match request.fields["ask"]:
                case "count":
                    return Frame({"page_count": source.page_count})
                case "read":
                    return page_to_frame(source.read_page(page_index))
                case _:
                    return image_to_frame(source.render_page(page_index))
        except UnreadableDocumentError as error:
            return error_to_frame(error)
        except InputError as error:
            failure, hint = str(error), error.hint
        except MemoryError:
            failure, hint = "it needs more memory than there is", "Lower --dpi or --max-pixels."
        except Exception as error:  # libraries that open foreign files raise nearly anything
            failure, hint = f"it could not be read ({type(error).__name__}: {error})", None
        page_number = None if page_index is None else page_index + 1
        return error_to_frame(UnreadableDocumentError(path, failure, page_number=page_number, hint=hint))

    def _source(self, path: Path, settings: ReadSettings) -> PageSource:
        key = (path, settings)
        if key not in self._open:
            while len(self._open) >= _MAX_OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            self._open[key] = open_source(path, settings)
        self._open.move_to_end(key)
        return self._open[key]


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take the two pipes, and send what libraries print to standard error."""
    requests_in, replies_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return requests_in, replies_out


def _listen(stream: BinaryIO, requests: queue.SimpleQueue[Frame]) -> None:
    try:
        while (frame := read_frame(stream)) is not None:
            requests.put(frame)
    finally:
        _end()


def _end() -> None:
    """End at once, together with an OCR program that may run."""
    if sys.platform != "win32" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _limit_processor_time(page_timeout_s: float) -> None:
    """Let the system end this process when this page takes too much processor time, on however many cores."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        most_s = used.ru_utime + used.ru_stime + CORES_PER_PAGE * page_timeout_s + 1
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        most = int(min(most_s, _LONG_S if hard == resource.RLIM_INFINITY else hard))
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _be_first_out_of_memory() -> None:
    """Ask Linux to end this process first if memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")

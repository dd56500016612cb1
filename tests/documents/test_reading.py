from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

import maxsight
from maxsight.documents import (
    Done,
    Failed,
    Limits,
    OcrChoice,
    Opened,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    default_workers,
    discover,
    read_documents,
    render_page,
)
from maxsight.documents.reading import MAX_LOST_IN_A_ROW
from maxsight.documents.workers import process
from maxsight.documents.workers.frames import Frame, read_frame, write_frame
from maxsight.documents.workers.pool import LostPageError, WorkerPool
from maxsight.errors import InputError, UnreadableDocumentError, UnsupportedFormatError
from maxsight.types import Page
from pdf_files import raw_pdf, stream, write_pdf

SETTINGS = ReadSettings(ocr=OcrChoice.NONE)
SOURCE_ROOT = Path(maxsight.__file__).parents[1]

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"
)


def numbered_pdf(path: Path, pages: int) -> Path:
    return write_pdf(path, [[(72, 144, f"Page {number} of {path.stem}")] for number in range(1, pages + 1)])


def endless_pdf(path: Path, endless: set[int], pages: int) -> Path:
    """A PDF some of whose pages hold a form drawn ten times by a form drawn ten times by ... (20 levels)."""
    first_form = 3 + 2 * pages
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>"
        % (b" ".join(b"%d 0 R" % (3 + 2 * index) for index in range(pages)), pages),
    ]
    font = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    for index in range(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents %d 0 R"
            b" /Resources << %s /XObject << /X %d 0 R >> >> >>" % (4 + 2 * index, font, first_form)
        )
        text = b"BT /F1 24 Tf 20 100 Td (Page %d) Tj ET" % (index + 1)
        objects.append(stream(b"/X Do " * 10 if index in endless else text))
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 300 200] /Resources << %s /XObject << /X %d 0 R >> >> "
    for level in range(20):
        objects.append(stream(b"/X Do " * 10, form % (font, first_form + level + 1)))
    objects.append(stream(b"BT /F1 24 Tf 20 100 Td (x) Tj ET", form % (font, first_form + 20)))
    path.write_bytes(raw_pdf(*objects))
    return path


def told(events) -> list[str]:
    """Events as short strings."""
    lines = []
    for event in events:
        match event:
            case Opened(job, count):
                lines.append(f"{job.path.name}: {count} pages")
            case PageRead(_, page):
                lines.append(page.text)
            case PageFailed(_, error):
                lines.append(f"page {error.page_number} failed: {error.reason}")
            case Failed(job, error):
                lines.append(f"{job.path.name} failed: {error.reason}")
            case Done(job):
                lines.append(f"{job.path.name} done")
    return lines


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition: Callable[[], object], timeout_s: float = 60) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_events_come_in_the_order_of_files_and_pages(tmp_path, workers):
    jobs = [
        ReadJob(numbered_pdf(tmp_path / f"{name}.pdf", pages))
        for name, pages in [("a", 5), ("b", 1), ("c", 3)]
    ]
    expected = []
    for name, pages in [("a", 5), ("b", 1), ("c", 3)]:
        expected.append(f"{name}.pdf: {pages} pages")
        expected += [f"Page {number} of {name}" for number in range(1, pages + 1)]
        expected.append(f"{name}.pdf done")
    assert told(read_documents(jobs, SETTINGS, workers=workers)) == expected


def test_more_files_and_pages_than_are_read_ahead_all_come(tmp_path):
    small = numbered_pdf(tmp_path / "small.pdf", 1)
    large = numbered_pdf(tmp_path / "large.pdf", 90)
    events = list(
        read_documents([ReadJob(large), *[ReadJob(small)] * 90, ReadJob(large)], SETTINGS, workers=2)
    )
    assert sum(isinstance(event, PageRead) for event in events) == 270
    assert sum(isinstance(event, Done) for event in events) == 92


def test_only_the_pages_asked_for_are_read(tmp_path):
    job = ReadJob(numbered_pdf(tmp_path / "a.pdf", 5), page_indices=(3, 1, 9))
    assert told(read_documents([job], SETTINGS)) == [
        "a.pdf: 5 pages",
        "Page 4 of a",
        "Page 2 of a",
        "page 10 failed: there is no such page; the file has 5",
        "a.pdf done",
    ]


def test_jobs_are_taken_as_they_are_needed(tmp_path):
    path = numbered_pdf(tmp_path / "a.pdf", 10)
    taken = 0

    def jobs():
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield ReadJob(path)

    events = read_documents(jobs(), SETTINGS, workers=1)
    assert taken == 0
    for _ in range(30):
        next(events)
    assert taken < 100
    events.close()


def test_every_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path):
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "text.pdf").write_text("not a PDF")
    (tmp_path / "binary.txt").write_bytes(b"\0\1\2")
    (tmp_path / "noise.png").write_bytes(b"\x89PNG\r\n\x1a\nnoise")
    (tmp_path / "big.txt").write_text("word " * 1000)
    numbered_pdf(tmp_path / "good.pdf", 1)
    numbered_pdf(tmp_path / "long.pdf", 4)
    settings = ReadSettings(ocr=OcrChoice.NONE, limits=Limits(max_bytes=4000, max_pages=3))
    jobs = [ReadJob(path) for path in sorted(tmp_path.iterdir())] + [ReadJob(tmp_path / "gone.md")]
    failures, read = {}, []
    for event in read_documents(jobs, settings, workers=2):
        if isinstance(event, Failed):
            failures[event.job.path.name] = event.error
        elif isinstance(event, PageRead):
            read.append(event.page.text)
    assert read == ["Page 1 of good"]
    assert {name: error.reason.partition(" (")[0] for name, error in failures.items()} == {
        "big.txt": "it has 5,000 bytes, more than the limit of 4,000",
        "binary.txt": "it is named as text but holds binary data",
        "empty.pdf": "the file is empty",
        "gone.md": "it can't be opened",
        "long.pdf": "it has 4 pages, more than the limit of 3",
        "noise.png": "it is named as an image but is not a PNG, JPEG, TIFF, WebP, GIF, AVIF, HEIC or JPEG 2000",
        "text.pdf": "it is named .pdf but is not a PDF",
    }
    assert isinstance(failures["text.pdf"], UnsupportedFormatError)
    assert "--max-bytes" in failures["big.txt"].hint
    assert "--max-pages" in failures["long.pdf"].hint


def test_a_page_that_takes_for_ever_is_named_and_the_rest_read(tmp_path):
    path = endless_pdf(tmp_path / "a.pdf", {1}, pages=4)
    settings = ReadSettings(ocr=OcrChoice.NONE, limits=Limits(page_timeout_s=1.5))
    assert told(read_documents([ReadJob(path)], settings, workers=1)) == [
        "a.pdf: 4 pages",
        "Page 1",
        "page 2 failed: it took longer than 1.5 s",
        "Page 3",
        "Page 4",
        "a.pdf done",
    ]


def test_a_file_that_takes_one_worker_down_after_the_other_is_given_up(tmp_path):
    path = endless_pdf(tmp_path / "a.pdf", set(range(1, 10)), pages=10)
    good = numbered_pdf(tmp_path / "good.pdf", 1)
    settings = ReadSettings(ocr=OcrChoice.NONE, limits=Limits(page_timeout_s=0.4))
    lines = told(read_documents([ReadJob(path), ReadJob(good)], settings, workers=1))
    assert lines[:2] == ["a.pdf: 10 pages", "Page 1"]
    assert [line.partition(":")[0] for line in lines[2:5]] == [
        f"page {number} failed" for number in (2, 3, 4)
    ]
    assert (
        lines[5]
        == f"a.pdf failed: given up after page 4: {MAX_LOST_IN_A_ROW} pages in a row could not be read"
    )
    assert lines[6:] == ["good.pdf: 1 pages", "Page 1 of good", "good.pdf done"]


def test_a_crash_names_the_page_and_the_next_worker_goes_on(tmp_path, monkeypatch):
    path = endless_pdf(tmp_path / "a.pdf", {0}, pages=2)
    asked = threading.Event()

    def write_and_say_so(*arguments):
        write_frame(*arguments)
        asked.set()

    monkeypatch.setattr(process, "write_frame", write_and_say_so)
    pool = WorkerPool(SETTINGS, 1)
    try:
        failing = pool.submit("read", path, 0)
        assert asked.wait(timeout=60)
        os.kill(pool.pids[0], signal.SIGTERM)
        error = failing.result(timeout=60)
        assert isinstance(error, LostPageError)
        assert str(error).startswith(f"{path}, page 1: reading it crashed (")
        page = pool.submit("read", path, 1).result(timeout=60)
        assert isinstance(page, Page)
        assert page.text == "Page 2"
    finally:
        pool.close()


@needs_proc
def test_a_worker_lost_between_pages_costs_no_page(tmp_path):
    path = numbered_pdf(tmp_path / "a.pdf", 2)
    pool = WorkerPool(SETTINGS, 1)
    try:
        assert isinstance(pool.submit("read", path, 0).result(timeout=60), Page)
        worker = pool.pids[0]
        os.kill(worker, signal.SIGTERM)
        assert wait_until(lambda: not is_running(worker))
        assert isinstance(pool.submit("read", path, 1).result(timeout=60), Page)
    finally:
        pool.close()


@needs_proc
def test_closing_early_leaves_no_process_behind(tmp_path):
    path = endless_pdf(tmp_path / "a.pdf", {1, 2}, pages=5)
    before = set(children(os.getpid()))
    events = read_documents([ReadJob(path)], SETTINGS, workers=2)
    next(events)
    workers = set(children(os.getpid())) - before
    assert workers
    started = time.monotonic()
    events.close()
    assert time.monotonic() - started < SETTINGS.limits.page_timeout_s / 2, "closing waits for no page"
    assert not set(children(os.getpid())) - before


@needs_proc
def test_a_busy_worker_dies_with_its_owner(tmp_path):
    path = endless_pdf(tmp_path / "a.pdf", {0}, pages=1)
    script = (
        "from pathlib import Path; from maxsight.documents import *; "
        f"list(read_documents([ReadJob(Path({str(path)!r}))], ReadSettings(ocr=OcrChoice.NONE), workers=1))"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)}
    )
    try:
        assert wait_until(lambda: children(owner.pid))
        worker = children(owner.pid)[0]
        started_s = cpu_s(worker)
        assert wait_until(lambda: cpu_s(worker) > started_s + 2), "the page keeps it busy"
    finally:
        owner.kill()
        owner.wait()
    assert wait_until(lambda: not is_running(worker))


def test_a_script_needs_no_main_guard_and_no_clean_folder(tmp_path):
    """The script runs at module level, next to a file that shadows a module of the standard library."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "queue.py").write_text("raise SystemExit('the wrong module')")
    path = numbered_pdf(tmp_path / "a.pdf", 2)
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from maxsight.documents import PageRead, ReadJob, ReadSettings, read_documents\n"
        f"for event in read_documents([ReadJob(Path({str(path)!r}))], ReadSettings(), workers=2):\n"
        "    if isinstance(event, PageRead): print(event.page.text)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE_ROOT)}
    result = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path / "here", env=environment, capture_output=True, text=True
    )
    assert result.stdout.splitlines() == ["Page 1 of a", "Page 2 of a"], result.stderr


def test_what_a_library_prints_does_not_disturb_the_answers(tmp_path):
    path = numbered_pdf(tmp_path / "a.pdf", 1)
    noisy = (
        "import os, maxsight.documents.workers.worker as worker\n"
        "quiet = worker.open_source\n"
        "def open_source(*arguments):\n"
        "    print('noise', flush=True); os.write(1, b'noise')\n"
        "    return quiet(*arguments)\n"
        "worker.open_source = open_source\n"
        "worker.main()\n"
    )
    request = {
        "ask": "count",
        "path": str(path),
        "page_index": None,
        "settings": asdict(SETTINGS),
    }
    with subprocess.Popen(
        [sys.executable, "-c", noisy],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as worker:
        write_frame(worker.stdin, Frame(request))
        assert read_frame(worker.stdout).fields == {"ready": True}
        assert read_frame(worker.stdout).fields == {"page_count": 1}
        worker.stdin.close()
        assert read_frame(worker.stdout) is None


def test_pages_are_drawn_in_a_worker_too(tmp_path):
    path = numbered_pdf(tmp_path / "a.pdf", 1)
    image = render_page(path, 0, ReadSettings(dpi=36))
    assert (image.size, image.mode) == ((306, 396), "RGB")
    assert image.getextrema()[0][0] < 100, "there is ink"
    with pytest.raises(UnreadableDocumentError, match="page 2: there is no such page"):
        render_page(path, 1, SETTINGS)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_file_whose_name_is_not_valid_text_is_read(tmp_path):
    path = numbered_pdf(tmp_path / "plain.pdf", 1).rename(tmp_path / os.fsdecode(b"caf\xe9.pdf"))
    (read,) = [event for event in read_documents([ReadJob(path)], SETTINGS) if isinstance(event, PageRead)]
    assert read.page.text == "Page 1 of plain"
    assert read.job.path == path


def test_images_and_texts_come_through_the_workers(tmp_path):
    Image.new("RGB", (30, 20), "white").save(tmp_path / "a.png")
    (tmp_path / "b.md").write_text("Some words.")
    jobs = map(ReadJob, discover([tmp_path]))
    assert told(read_documents(jobs, SETTINGS)) == [
        "a.png: 1 pages", "", "a.png done", "b.md: 1 pages", "Some words.", "b.md done",
    ]  # fmt: skip


def test_a_missing_tesseract_is_said_before_anything_is_read(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="not installed") as refused:
        read_documents([], ReadSettings(ocr=OcrChoice.TESSERACT))
    assert "--ocr rapidocr" in refused.value.hint


@pytest.mark.parametrize(("cores", "with_ocr", "without"), [(1, 1, 1), (8, 4, 8), (64, 4, 16)])
def test_workers_are_as_many_as_cores_within_reason(monkeypatch, cores, with_ocr, without):
    """An OCR engine takes much memory in each; drawing takes little, and a fast encoder is kept waiting by few."""
    monkeypatch.setattr("maxsight.documents.reading.cpu_count", lambda: cores)
    assert default_workers(ReadSettings(ocr=OcrChoice.RAPIDOCR)) == with_ocr
    assert default_workers(ReadSettings(ocr=OcrChoice.NONE)) == without

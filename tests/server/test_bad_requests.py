"""Bad requests get a clear answer, and leave nothing behind."""

import asyncio
import json
import socket
import struct
import threading
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maxsight.errors import StorageFullError
from maxsight.server import upload_form as receiving
from maxsight.server.config import RequestLimits
from maxsight.server.problems import RefusedError
from maxsight.server.upload_folder import UploadFolder
from maxsight.server.upload_form import MAX_NAME_BYTES, safe_name
from pdf_files import raw_pdf
from server.serving import files_below, index, job_ids, running, send_slowly_until_closed, upload

BOUNDARY = "b0undary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def part(name, content=b"", end=True):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + content + (f"\r\n--{BOUNDARY}--\r\n".encode() if end else b"")


def head_of_upload(server, size):
    return (
        f"POST /v1/documents HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nX-Requested-With: maxsight\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {size}\r\n\r\n"
    ).encode()


def until(condition, timeout_s=20):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_upload_of_two_gigabytes_is_refused_before_it_has_come(own):
    with socket.create_connection(("127.0.0.1", own.port), timeout=20) as line:
        line.sendall(head_of_upload(own, 2_000_000_000))
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/too-large" in answer
    assert b"at most 2,000,000 bytes" in answer


def test_an_upload_that_does_not_say_its_size_is_stopped_when_it_is_too_large(own):
    def content():
        yield part("large.txt", end=False)
        for _ in range(40):
            yield b"a" * 100_000

    with own.client() as client:
        before = job_ids(client)
        headers = {"Content-Type": FORM}
        answer = client.post("/v1/documents", content=content(), headers=headers)
        assert answer.status_code == 413
        assert job_ids(client) == before
    assert not files_below(own.home / "uploads")


def test_a_client_that_goes_away_leaves_nothing(own):
    folder = own.home / "uploads"
    with own.client() as client:
        before = job_ids(client)
    with socket.create_connection(("127.0.0.1", own.port), timeout=20) as line:
        line.sendall(head_of_upload(own, 1_000_000) + part("half.txt", b"a" * 300_000, end=False))
        until(lambda: files_below(folder))
    until(lambda: not files_below(folder))
    with own.client() as client:
        assert job_ids(client) == before


def test_slow_clients_do_not_delay_others(own):
    lines = [socket.create_connection(("127.0.0.1", own.port), timeout=20) for _ in range(40)]
    try:
        for number, line in enumerate(lines):
            whole = head_of_upload(own, 1_000_000) + part("slow.txt", end=False)
            line.sendall(whole[: 20 + 5 * number])  # fewer than may come at once have said what they bring
        with own.client() as client:
            assert index(client, ("quick.txt", b"I am quick."))["state"] == "done"
            assert client.get("/v1/search", params={"q": "quick"}).json()["hits"]
    finally:
        for line in lines:
            line.close()


def test_an_upload_that_stands_still_is_given_up(tmp_path):
    async def body():
        yield part("slow.txt", b"a", end=False)
        await asyncio.sleep(60)

    incoming = UploadFolder(tmp_path / "uploads").new_incoming(RequestLimits(stall_s=0.05), "files")
    with pytest.raises(RefusedError, match="nothing has come") as caught:
        asyncio.run(incoming.receive({"content-type": FORM}, body()))
    assert caught.value.status == 408
    assert not files_below(tmp_path)


def test_an_upload_that_comes_steadily_and_takes_too_long_is_given_up(tmp_path):
    async def body():
        yield part("slow.txt", b"a", end=False)
        while True:
            await asyncio.sleep(0.01)
            yield b"a"

    incoming = UploadFolder(tmp_path / "uploads").new_incoming(RequestLimits(upload_s=0.1), "files")
    with pytest.raises(RefusedError, match=r"an upload may take 0\.1 seconds") as caught:
        asyncio.run(incoming.receive({"content-type": FORM}, body()))
    assert (caught.value.status, caught.value.kind) == (408, "too-slow")
    assert not files_below(tmp_path)


def test_an_upload_below_the_least_speed_is_given_up_before_its_time_is_over(tmp_path):
    async def body():
        yield part("slow.txt", b"a", end=False)
        while True:
            await asyncio.sleep(0.01)
            yield b"a"

    limits = RequestLimits(stall_s=0.1, upload_bytes_per_s=1_000_000)
    incoming = UploadFolder(tmp_path / "uploads").new_incoming(limits, "files")
    with pytest.raises(RefusedError, match="an upload has at least 1,000,000") as caught:
        asyncio.run(incoming.receive({"content-type": FORM}, body()))
    assert (caught.value.status, caught.value.kind) == (408, "too-slow")
    assert not files_below(tmp_path)


def test_a_slow_upload_gets_408_and_its_connection_is_closed(tmp_path):
    with running(tmp_path / "a.library", "--upload-time", "3") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(head_of_upload(server, 1_000_000) + part("slow.txt", end=False))
            until(lambda: files_below(tmp_path / "uploads"))
            answer = send_slowly_until_closed(line, b"a")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"content-type: application/problem+json" in head.lower()
        problem = json.loads(body)
        assert problem["type"] == "/problems/too-slow" and "better connection" in problem["hint"]
        assert not files_below(tmp_path / "uploads")


def test_a_full_disk_ends_an_upload_with_what_to_do_and_leaves_nothing(tmp_path, monkeypatch):
    async def body():
        yield part("large.txt", b"a" * 100_000)

    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here, which is a disk without room")
    monkeypatch.setattr(receiving, "open", lambda file, mode: open("/dev/full", mode), raising=False)
    incoming = UploadFolder(tmp_path / "uploads").new_incoming(RequestLimits(), "files")
    with pytest.raises(StorageFullError, match="no space is left") as caught:
        asyncio.run(incoming.receive({"content-type": FORM}, body()))
    assert caught.value.hint
    assert not files_below(tmp_path)


def test_a_client_that_reads_slowly_does_not_delay_others(own):
    with own.client() as client:
        index(client, ("page.txt", b"A page to look at.\n" * 300))
        (hit,) = client.get("/v1/search", params={"q": "page", "top_k": 1}).json()["hits"]
        with socket.create_connection(("127.0.0.1", own.port), timeout=20) as line:
            ask = f"GET {hit['links']['image']} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            line.sendall(ask.encode() * 50)  # and never reads the answers
            assert client.get("/v1/search", params={"q": "page"}).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status", "kind"),
    [
        ("application/pdf", b"%PDF", 415, "unsupported-media-type"),
        ("multipart/form-data", b"", 415, "unsupported-media-type"),
        (FORM, b"no form at all", 400, "damaged-upload"),
        (FORM, part("a.txt", b"cut off", end=False), 400, "damaged-upload"),
        (FORM, f"--{BOUNDARY}--\r\n".encode(), 400, "input"),
        (FORM, part("a.exe", b"MZ"), 415, "unsupported-format"),
        (FORM, part("noname", b"text"), 415, "unsupported-format"),
    ],
)
def test_a_request_that_is_not_an_upload_is_refused(own, content_type, body, status, kind):
    with own.client() as client:
        answer = client.post("/v1/documents", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
    assert answer.json()["hint"]
    assert not files_below(own.home / "uploads")


def test_a_name_with_a_path_stays_in_the_folder_of_uploads(own):
    before = files_below(own.home.parent)
    names = ["../../evil.txt", "..\\..\\evil.txt", "/etc/evil.txt", "C:\\evil.txt"]
    with own.client() as client:
        for number, name in enumerate(names):
            job = index(client, (name, f"Evil number {number}.".encode()))
            assert [file["file"] for file in job["files"]] == ["evil.txt"]
    for new in files_below(own.home.parent) - before:
        assert "/uploads/" in new or "/own.library/" in new, new


def test_a_pdf_of_more_pages_than_there_are_limits_for_is_skipped_by_name(own):
    kids = b"3 0 R " * 6000
    bomb = raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count 6000 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
    )
    with own.client() as client:
        (file,) = index(client, ("bomb.pdf", bomb))["files"]
    assert file["state"] == "skipped"
    assert "6,000 pages, more than the limit of 5,000" in file["reason"]
    assert not files_below(own.home / "uploads")


def test_a_picture_of_more_pixels_than_there_are_limits_for_is_skipped_by_name(own):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9))
        + chunk(b"IEND", b"")
    )
    with own.client() as client:
        (file,) = index(client, ("bomb.png", bomb))["files"]
    assert file["state"] == "skipped"
    assert "60,000 x 60,000 pixels" in file["reason"]


def test_more_jobs_than_may_wait_are_refused(own):
    accepted, refused = 0, None
    with own.client() as client:
        while refused is None and accepted < 60:
            answer = upload(client, ("a.txt", f"Text number {accepted}.".encode() * 2000))
            accepted += answer.status_code == 202
            refused = answer if answer.status_code != 202 else None
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/too-busy")
    assert refused.headers["retry-after"]


def test_an_address_of_a_megabyte_and_what_is_not_http_end_the_line(own):
    for sent in (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n", b"\0\1\2 nonsense\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", own.port), timeout=20) as line:
            threading.Thread(target=_send, args=(line, sent), daemon=True).start()
            assert line.recv(65536).startswith(b"HTTP/1.1 400 ")
    with own.client() as client:
        assert client.get("/v1/health").json() == {"status": "ok"}


def _send(line, content):
    try:
        line.sendall(content)
    except OSError:
        pass  # the server has heard enough


@given(st.text(max_size=300))
def test_a_safe_name_is_a_name_on_every_system(given_name):
    name = safe_name(given_name + ".pdf")
    assert name.endswith(".pdf")
    assert not set(name) & set('<>:"/\\|?*\0\n\r')
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name == name.strip(" .")
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("Jahresbericht für Köln.pdf", "Jahresbericht für Köln.pdf"),
        ("../../etc/passwd", "passwd"),
        ("CON.txt", "document CON.txt"),
        ("a\u202efdp.exe.pdf", "a_fdp.exe.pdf"),
        (".pdf", "document.pdf"),
        ("", "document"),
        ("...", "document"),
    ],
)
def test_safe_names_by_example(given_name, name):
    assert safe_name(given_name) == name

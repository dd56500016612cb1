"""Uploaded files: streamed to the disk under limits, kept under names of our making, followed by a journal.

::

    uploads/
      3fa85f6457171b62/report.pdf   a kept file: the folder says its content, the name is the user's, made safe
      .incoming/8d1c.../0           files that are still coming; swept when a server starts
      .jobs/8d1c....json            files of jobs that have not ended; taken up again when a server starts
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from maxsight.documents.formats import is_supported, unsupported
from maxsight.errors import InputError, UnsupportedFormatError
from maxsight.server.config import RequestLimits
from maxsight.server.problems import RefusedError
from maxsight.spelling import check_parameters
from maxsight.stores.local.lance_errors import translated

MOST_NAME_BYTES = 150
_INCOMING, _JOURNALS = ".incoming", ".jobs"
_HASH_DIGITS = 16
_KEPT_FOLDER = re.compile(f"[0-9a-f]{{{_HASH_DIGITS}}}")
_UNSAFE = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(slots=True)
class Received:
    """A file that has come as a whole, or is refused.

    Attributes:
        name: Its name, made safe.
        path: Where it lies; None if it is refused.
        digest: SHA-256 of its content.
        size_bytes: Its size.
        refused: Why it is not kept.
    """

    name: str
    path: Path | None = None
    digest: str = ""
    size_bytes: int = 0
    refused: UnsupportedFormatError | None = None


class UploadFolder:
    """The folder of a library's uploaded files. Nothing outside the folders it has made is ever touched."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def sweep(self) -> None:
        """Drop what was still coming when a server was killed."""
        shutil.rmtree(self.root / _INCOMING, ignore_errors=True)

    def place_of(self, received: Received) -> Path:
        """Where a file is kept. The same content under the same name is the same file."""
        return self.root / received.digest[:_HASH_DIGITS] / received.name

    def keep(self, received: Received) -> None:
        """Give a file its place."""
        assert received.path is not None
        place = self.place_of(received)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            received.path.unlink()  # and the file keeps its time: it has not changed
        else:
            os.replace(received.path, place)

    def owns(self, file: Path) -> bool:
        """Whether a file was kept here."""
        folder = file.parent
        return folder.parent.resolve() == self.root.resolve() and bool(_KEPT_FOLDER.fullmatch(folder.name))

    def remove(self, file: Path) -> None:
        """Remove a kept file, and its folder."""
        if self.owns(file):
            file.unlink(missing_ok=True)
            with suppress(OSError):  # another name for the same content lies in it
                file.parent.rmdir()

    # Journals ---------------------------------------------------------------------------------------------

    def begin(self, job_id: str, library: str, files: Sequence[Path]) -> None:
        """Note the files of a job before it is done."""
        folder = self.root / _JOURNALS
        folder.mkdir(parents=True, exist_ok=True)
        names = [file.relative_to(self.root).as_posix() for file in files]
        entry = {"library": library, "files": names}
        fresh = folder / f"{job_id}.new"
        fresh.write_text(json.dumps(entry), encoding="utf-8")
        os.replace(fresh, folder / f"{job_id}.json")

    def end(self, job_id: str) -> None:
        """Forget a job."""
        (self.root / _JOURNALS / f"{job_id}.json").unlink(missing_ok=True)

    def unfinished(self, library: str) -> dict[str, list[Path]]:
        """Files of the library's jobs that have not ended, by job."""
        found = {}
        for journal in sorted((self.root / _JOURNALS).glob("*.json")):
            try:
                entry = json.loads(journal.read_text(encoding="utf-8"))
                files = [self.root / name for name in entry["files"]]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if entry.get("library") == library:
                found[journal.stem] = [file for file in files if self.owns(file) and file.is_file()]
        return found

    # Receiving --------------------------------------------------------------------------------------------

    async def receive(
        self,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes],
        limits: RequestLimits,
        field: str = "files",
    ) -> Incoming:
        """Write the files of a multipart request to the disk as they come.

        Whatever goes wrong, nothing is left of them.

        Args:
            headers: Of the request.
            body: Of the request.
            limits: What it may cost.
            field: The name that every field of the form has.

        Raises:
            UnknownParameterError: A field has another name.
            RefusedError: It is too large, of too many files, too slow, or not multipart.
            InputError: It has no file.
            StoreError: The disk is full, or can't be written to.
        """
        if int(headers.get("content-length", 0)) > limits.upload_bytes:
            raise _too_large(limits)
        content_type = headers.get("content-type", "")
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise RefusedError(
                415,
                "unsupported-media-type",
                f"expected multipart/form-data, got {content_type.partition(';')[0] or 'no content type'}",
                "Send the files as a form: curl -F files=@report.pdf",
            )
        incoming = Incoming(self.root / _INCOMING / secrets.token_hex(8), limits, field)
        try:
            await asyncio.to_thread(incoming.folder.mkdir, parents=True)
            await incoming.take(boundary, body)
        except BaseException as error:
            incoming.discard()
            if isinstance(error, OSError):  # as when the disk is full
                with translated(self.root, writing=True):
                    raise
            raise
        return incoming


@dataclass(slots=True)
class Incoming:
    """Files that are coming. They lie in a folder of their own until they are kept.

    Attributes:
        folder: Where.
        limits: What they may cost.
        form_field: The name that they all come under.
        files: Those that have come, in order.
    """

    folder: Path
    limits: RequestLimits
    form_field: str
    files: list[Received] = field(default_factory=list)
    _whole: bool = False
    _out: IO[bytes] | None = None
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _header: tuple[bytes, bytes] = (b"", b"")

    async def take(self, boundary: bytes, body: AsyncIterator[bytes]) -> None:
        """Take a request's body apart."""
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._begin,
                "on_part_data": self._write,
                "on_part_end": self._end,
                "on_end": self._all,
            },
        )
        total = 0
        deadline = asyncio.get_running_loop().time() + self.limits.upload_s
        try:
            while (chunk := await self._next(body, deadline)) is not None:
                total += len(chunk)
                if total > self.limits.upload_bytes:
                    raise _too_large(self.limits)
                await asyncio.to_thread(parser.write, chunk)
        except MultipartParseError as error:
            raise _damaged(str(error)) from error
        finally:
            self._close()
        if not self._whole:
            raise _damaged("it ends too early")
        if not self.files:
            raise InputError(
                "the upload has no file",
                hint=f"Send files as a form, each with its name: curl -F {self.form_field}=@report.pdf",
            )

    def discard(self) -> None:
        """Drop what has not been kept."""
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _next(self, body: AsyncIterator[bytes], deadline: float) -> bytes | None:
        stalled = asyncio.get_running_loop().time() + self.limits.stall_s
        try:
            async with asyncio.timeout_at(min(stalled, deadline)):
                return await anext(body, None)
        except TimeoutError as error:
            raise _too_slow(self.limits, stood_still=stalled < deadline) from error

    # What the parser calls, in the thread that feeds it ----------------------------------------------------

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], self._header[1])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _header_end(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = (b"", b"")

    def _begin(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        check_parameters(
            [options.get(b"name", b"").decode("utf-8", "replace")], [self.form_field], "The form"
        )
        given = options.get(b"filename")
        if not given:
            return  # a file that was not chosen
        if len(self.files) == self.limits.upload_files:
            raise RefusedError(
                413,
                "too-many-files",
                f"an upload has at most {self.limits.upload_files} files",
                "Send them in several uploads.",
            )
        received = Received(safe_name(given.decode("utf-8", "replace")))
        if is_supported(Path(received.name)):
            received.path = self.folder / str(len(self.files))
            self._out, self._hash = open(received.path, "wb"), hashlib.sha256()
        else:
            received.refused = unsupported(Path(received.name))
        self.files.append(received)

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._out is not None:
            piece = memoryview(data)[start:end]
            self._hash.update(piece)
            self.files[-1].size_bytes += self._out.write(piece)

    def _end(self) -> None:
        if self._out is not None:
            self._close()
            self.files[-1].digest = self._hash.hexdigest()

    def _all(self) -> None:
        self._whole = True

    def _close(self) -> None:
        out, self._out = self._out, None
        if out is not None:
            out.close()


def _damaged(how: str) -> RefusedError:
    return RefusedError(400, "damaged-upload", f"the upload is not whole: {how}", "Send it again.")


def _too_slow(limits: RequestLimits, *, stood_still: bool) -> RefusedError:
    return RefusedError(
        408,
        "too-slow",
        f"nothing has come for {limits.stall_s:g} seconds"
        if stood_still
        else f"an upload may take {limits.upload_s:g} seconds",
        "Send it again over a better connection, or fewer files at once.",
        headers={"Connection": "close"},
    )


def _too_large(limits: RequestLimits) -> RefusedError:
    return RefusedError(
        413,
        "too-large",
        f"an upload has at most {limits.upload_bytes:,} bytes",
        "Send fewer files at once, or index them on the server: maxsight index FILE",
        headers={"Connection": "close"},
    )


def safe_name(given: str) -> str:
    """A file's name without folders, without what some system can't have in a name, and not too long."""
    name = PureWindowsPath(PurePosixPath(given).name).name
    name = unicodedata.normalize("NFC", name)
    shown = "".join("_" if unicodedata.category(letter).startswith("C") else letter for letter in name)
    name = _UNSAFE.sub("_", shown).rstrip(" .")
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    stem, suffix = stem.strip(" ."), dot + suffix[:16].rstrip()
    if not stem or _RESERVED.fullmatch(stem):
        stem = f"document {stem}".strip()
    most = MOST_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:most].decode(errors="ignore").rstrip(" .") + suffix

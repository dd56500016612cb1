"""Files of an upload, written to the disk as they come, within limits.

The files lie in a folder of their own until they are stored (`uploads`).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import unicodedata
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from maxsight.documents.formats import is_supported, unsupported
from maxsight.errors import InputError, UnsupportedFormatError
from maxsight.server.config import RequestLimits
from maxsight.server.problems import CLOSE, RefusedError, too_slow, wrong_media_type
from maxsight.spelling import check_parameters
from maxsight.stores.local.lance_errors import translated

MAX_NAME_BYTES = 150
MAX_SUFFIX_CHARS = 16
_UNSAFE = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(slots=True)
class Received:
    """A file of an upload, complete or refused.

    Attributes:
        name: Its name, made safe.
        path: Where it lies; None if it is refused.
        digest: SHA-256 of its content.
        size_bytes: Its size.
        refused: Why it is not stored.
    """

    name: str
    path: Path | None = None
    digest: str = ""
    size_bytes: int = 0
    refused: UnsupportedFormatError | None = None


@dataclass(slots=True)
class Incoming:
    """The files of one request.

    Attributes:
        folder: Where they lie.
        limits: What they may cost.
        form_field: The name of every field of the form.
        files: The files that have come, in order.
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

    async def receive(self, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> None:
        """Write the files of a multipart request to the folder. After an error nothing is left of them.

        Args:
            headers: Headers of the request.
            body: Its body.

        Raises:
            UnknownParameterError: A field has another name.
            RefusedError: The request is too large, too slow or not multipart, or has too many files.
            InputError: It has no file.
            StoreError: The disk is full, or can't be written to.
        """
        self._check_size(int(headers.get("content-length", 0)))
        content_type = headers.get("content-type", "")
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise wrong_media_type(
                f"expected multipart/form-data, got {content_type.partition(';')[0] or 'no content type'}",
                "Send the files as a form: curl -F files=@report.pdf",
            )
        try:
            await asyncio.to_thread(self.folder.mkdir, parents=True)
            await self._parse(boundary, body)
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError):  # as when the disk is full
                with translated(self.folder.parents[1], writing=True):
                    raise
            raise

    def discard(self) -> None:
        """Delete the files that have not been stored."""
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _parse(self, boundary: bytes, body: AsyncIterator[bytes]) -> None:
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
                "on_end": self._finish,
            },
        )
        size_bytes = 0
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.limits.upload_s
        window, window_bytes = clock(), 0
        try:
            while (chunk := await self._next_chunk(body, deadline)) is not None:
                size_bytes += len(chunk)
                if (passed_s := clock() - window) > self.limits.stall_s:
                    self._check_speed((size_bytes - window_bytes) / passed_s)
                    window, window_bytes = clock(), size_bytes
                self._check_size(size_bytes)
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

    async def _next_chunk(self, body: AsyncIterator[bytes], deadline: float) -> bytes | None:
        limits = self.limits
        stalled = asyncio.get_running_loop().time() + limits.stall_s
        try:
            async with asyncio.timeout_at(min(stalled, deadline)):
                return await anext(body, None)
        except TimeoutError as error:
            raise too_slow(
                f"nothing has come for {limits.stall_s:g} seconds"
                if stalled < deadline
                else f"an upload may take {limits.upload_s:g} seconds",
                "Send it again over a better connection, or fewer files at once.",
            ) from error

    def _check_speed(self, bytes_per_s: float) -> None:
        if bytes_per_s < self.limits.upload_bytes_per_s:
            raise too_slow(
                f"{bytes_per_s:,.0f} bytes a second have come for {self.limits.stall_s:g} seconds, and an upload has "
                f"at least {self.limits.upload_bytes_per_s:,}",
                "Send it again over a better connection: others wait for its place.",
            )

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self.limits.upload_bytes:
            raise RefusedError(
                413,
                "too-large",
                f"an upload has at most {self.limits.upload_bytes:,} bytes",
                "Send fewer files at once, or index them on the server: maxsight index FILE",
                headers=CLOSE,
            )

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
        name = options.get(b"name", b"").decode("utf-8", "replace")
        check_parameters([name], [self.form_field], "The form")
        given = options.get(b"filename")
        if not given:
            return  # a form whose user chose no file
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
            content = memoryview(data)[start:end]
            self._hash.update(content)
            self.files[-1].size_bytes += self._out.write(content)

    def _end(self) -> None:
        if self._out is not None:
            self._close()
            self.files[-1].digest = self._hash.hexdigest()

    def _finish(self) -> None:
        self._whole = True

    def _close(self) -> None:
        out, self._out = self._out, None
        if out is not None:
            out.close()


def _damaged(how: str) -> RefusedError:
    return RefusedError(400, "damaged-upload", f"the upload is not complete: {how}", "Send it again.")


def safe_name(given: str) -> str:
    """Make a file's name safe on every system: without folders and forbidden characters, and not too long."""
    name = PureWindowsPath(PurePosixPath(given).name).name
    name = unicodedata.normalize("NFC", name)
    visible = "".join("_" if unicodedata.category(letter).startswith("C") else letter for letter in name)
    name = _UNSAFE.sub("_", visible).rstrip(" .")
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    stem, suffix = stem.strip(" ."), dot + suffix[:MAX_SUFFIX_CHARS].rstrip()
    if not stem or _RESERVED.fullmatch(stem):
        stem = f"document {stem}".strip()
    max_bytes = MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:max_bytes].decode(errors="ignore").rstrip(" .") + suffix

"""Names in the bytes of a PDF, for what pdfium does not tell: which filter, which unit, why a file has no pages."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pypdfium2 as pdfium

CHUNK_BYTES = 16_384
MAX_STREAM_BYTES = 50_000_000
# Dictionaries of pages may be packed together in streams of the type ObjStm (PDF 1.5).
_USER_UNIT = re.compile(rb"/UserUnit[\s]+([0-9]+\.?[0-9]*|\.[0-9]+)")
_OBJECT_STREAM = re.compile(rb"/ObjStm\b[^\x00]{0,300}?\bstream\r?\n")


def mentions(path: Path, name: bytes) -> bool:
    """Say whether a PDF has a name, such as ``/UserUnit``, anywhere outside its pages' contents.

    Encrypted object streams are not read.
    """
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(name) >= 0 or any(name in objects for objects in _packed_objects(content))


def user_unit(pdf: pdfium.PdfDocument, page_index: int) -> float:
    """Find a page's unit of length in 1/72 inch. Drawings of buildings and machines have large ones (PDF 1.6).

    pdfium keeps it when it copies a page, and writes the copy's dictionary in plain text.
    """
    written = io.BytesIO()
    with closing(pdfium.PdfDocument.new()) as copy:
        copy.import_pages(pdf, [page_index])
        copy.save(written)
    found = _USER_UNIT.search(written.getvalue())
    return float(found[1]) if found and float(found[1]) > 0 else 1.0


def _packed_objects(content: mmap) -> Iterator[bytes]:
    for found in _OBJECT_STREAM.finditer(content):
        unpacking, objects = zlib.decompressobj(), bytearray()
        try:
            for start in range(found.end(), len(content), CHUNK_BYTES):
                objects += unpacking.decompress(content[start : start + CHUNK_BYTES], MAX_STREAM_BYTES)
                if unpacking.eof or len(objects) > MAX_STREAM_BYTES:
                    break
        except zlib.error:
            pass  # encrypted, or packed in another way
        yield bytes(objects)

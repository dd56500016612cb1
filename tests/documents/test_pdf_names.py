from __future__ import annotations

import zlib

import pytest

from maxsight.documents.pdf_names import CHUNK_BYTES, mentions
from pdf_files import raw_pdf, stream

CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"


def test_a_name_is_found_in_plain_objects_and_in_packed_ones(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(raw_pdf(CATALOG, b"<< /Type /Page /UserUnit 2 >>"))
    assert mentions(path, b"/UserUnit")
    objects = b"3 0 << /Type /Page >> " * (3 * CHUNK_BYTES // 20)
    for added in (b"", b"4 0 << /UserUnit 2 >>"):
        path.write_bytes(
            raw_pdf(
                CATALOG,
                stream(zlib.compress(objects + added), b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode "),
            )
        )
        assert mentions(path, b"/UserUnit") == bool(added)


@pytest.mark.parametrize("content", [b"not packed at all", b""])
def test_an_object_stream_that_can_not_be_unpacked_mentions_nothing(tmp_path, content):
    path = tmp_path / "a.pdf"
    path.write_bytes(raw_pdf(CATALOG, stream(content, b"/Type /ObjStm /Filter /FlateDecode ")))
    assert not mentions(path, b"/UserUnit")

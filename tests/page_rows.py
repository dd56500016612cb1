"""Data files whose rows are pages, as benchmarks of document search ship them: small ones for tests."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from maxsight.documents import ImageFields

FIELDS = ImageFields("image", document="doc_id", page="page_number_in_doc", text="markdown", id="corpus_id")


def png(colour, size=(100, 140)):
    """Return a page of one colour, as the bytes of a PNG."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def page_row(corpus_id, document, number, colour, **others):
    """Return a row as ViDoRe v3 has it."""
    return {
        "corpus_id": corpus_id,
        "image": {"bytes": png(colour), "path": None},
        "doc_id": document,
        "markdown": f"A page of {colour}",
        "page_number_in_doc": number,
        **others,
    }


def write_rows(file, *rows, row_group_size=None):
    """Write rows to a file by its suffix, and return the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(list(rows))
    if file.suffix == ".parquet":
        pq.write_table(table, file, row_group_size=row_group_size)
    else:
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=row_group_size)
    return file

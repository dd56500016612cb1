"""Files of vectors hold what was put in, whoever reads them."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from maxsight.embedding import formats
from maxsight.embedding.formats import FORMATS, PageRows, VectorTable, writer_of
from maxsight.errors import InputError

ROWS = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
PAGES = [PageRows("a.pdf", 1, 6, 3), PageRows("a.pdf", 3, 0, 2), PageRows("ü/b.png", 1, 2, 4)]
IN_ORDER = np.concatenate([ROWS[6:9], ROWS[0:2], ROWS[2:6]])
ABOUT = {"encoder": "fake", "pooling": "none"}


def read_rows(page):
    return ROWS[page.start : page.start + page.count]


@pytest.fixture
def table():
    return VectorTable(PAGES, read_rows, 4, is_pooled=False, about=ABOUT)


@pytest.fixture
def pooled():
    pages = [PageRows(page.file, page.page_number, page.start, 1) for page in PAGES]
    return VectorTable(pages, read_rows, 4, is_pooled=True, about=ABOUT)


def test_npz_is_read_without_unpickling(table, tmp_path):
    formats.write_npz(table, tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["about", "files", "offsets", "pages", "vectors"]
        assert arrays["vectors"].dtype == np.float32
        assert (arrays["vectors"] == IN_ORDER).all()
        assert arrays["offsets"].tolist() == [0, 3, 5, 9]
        assert arrays["files"].tolist() == ["a.pdf", "a.pdf", "ü/b.png"]
        assert arrays["pages"].tolist() == [1, 3, 1]
        assert json.loads(str(arrays["about"])) == ABOUT


def test_safetensors_is_what_its_own_library_reads(table, tmp_path):
    library = pytest.importorskip("safetensors", reason="the extra 'colpali' is not installed")
    formats.write_safetensors(table, tmp_path / "v.safetensors")
    with library.safe_open(tmp_path / "v.safetensors", framework="numpy") as file:
        assert sorted(file.keys()) == ["offsets", "pages", "vectors"]
        assert (file.get_tensor("vectors") == IN_ORDER).all()
        assert file.get_tensor("offsets").tolist() == [0, 3, 5, 9]
        assert file.get_tensor("pages").tolist() == [1, 3, 1]
        metadata = file.metadata()
    assert json.loads(metadata.pop("files")) == ["a.pdf", "a.pdf", "ü/b.png"]
    assert metadata == ABOUT


def test_tensors_in_safetensors_are_aligned(table, tmp_path):
    formats.write_safetensors(table, tmp_path / "v.safetensors")
    assert int.from_bytes((tmp_path / "v.safetensors").read_bytes()[:8], "little") % 8 == 0


def test_parquet_has_a_row_for_every_vector(table, tmp_path):
    formats.write_parquet(table, tmp_path / "v.parquet")
    read = pq.read_table(tmp_path / "v.parquet")
    assert read.column_names == ["file", "page", "vector_index", "vector"]
    assert read["file"].to_pylist() == ["a.pdf"] * 5 + ["ü/b.png"] * 4
    assert read["page"].to_pylist() == [1, 1, 1, 3, 3, 1, 1, 1, 1]
    assert read["vector_index"].to_pylist() == [0, 1, 2, 0, 1, 0, 1, 2, 3]
    assert (np.array(read["vector"].to_pylist(), np.float32) == IN_ORDER).all()
    assert read.schema.metadata[b"encoder"] == b"fake"


def test_parquet_keeps_few_pages_in_memory(table, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "ROW_GROUP_BYTES", 4 * 4 * 4)  # four rows of four dims
    formats.write_parquet(table, tmp_path / "v.parquet")
    file = pq.ParquetFile(tmp_path / "v.parquet")
    groups = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert groups == [5, 4]
    assert (np.array(file.read()["vector"].to_pylist(), np.float32) == IN_ORDER).all()


def test_pooled_files_have_a_row_for_every_page(pooled, tmp_path):
    formats.write_npz(pooled, tmp_path / "v.npz")
    formats.write_parquet(pooled, tmp_path / "v.parquet")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["about", "files", "pages", "vectors"]
        assert (arrays["vectors"] == ROWS[[6, 0, 2]]).all()
    read = pq.read_table(tmp_path / "v.parquet")
    assert read.column_names == ["file", "page", "vector"]
    assert (np.array(read["vector"].to_pylist(), np.float32) == ROWS[[6, 0, 2]]).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_equal_tables_make_equal_files(table, tmp_path, suffix):
    for name in ("one", "two"):
        FORMATS[suffix](table, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_more_names_than_safetensors_can_hold_are_refused(table, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MAX_HEADER_BYTES", 100)
    with pytest.raises(InputError, match="names of 3 pages") as refused:
        formats.write_safetensors(table, tmp_path / "v.safetensors")
    assert ".parquet" in refused.value.hint


def test_a_name_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.npz, \.parquet, \.safetensors.*v\.pdf"):
        writer_of(tmp_path / "v.pdf")

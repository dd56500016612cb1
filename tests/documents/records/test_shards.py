"""Which files are parts of one."""

from pathlib import Path

import pytest

from maxsight.documents.records.shards import count_missing, find_data, shards_of, whole_of


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("test-00000-of-00002.parquet", "test-*.parquet"),
        ("test-00001-of-00002-0123456789abcdef.parquet", "test-*.parquet"),
        ("vidore-test-00000-of-00012.arrow", "vidore-test-*.arrow"),
        ("0000.parquet", "*.parquet"),
        ("2024.parquet", "2024.parquet"),
        ("corpus.parquet", "corpus.parquet"),
        ("report-00001.parquet", "report-00001.parquet"),
    ],
)
def test_numbered_files_are_shards_of_one(name, whole):
    assert whole_of(Path("data") / name) == Path("data") / whole


def test_the_shards_of_a_name_are_found_in_their_order(tmp_path):
    for name in (
        "b-00001-of-00003.parquet",
        "b-00000-of-00003.parquet",
        "c-00000-of-00001.parquet",
        "b.parquet",
    ):
        (tmp_path / name).touch()
    shards = shards_of(tmp_path / "b-*.parquet")
    assert [shard.name for shard in shards] == ["b-00000-of-00003.parquet", "b-00001-of-00003.parquet"]
    assert count_missing(shards) == 1
    assert shards_of(tmp_path / "d-*.parquet") == shards_of(tmp_path / "none" / "b-*.parquet") == []


def test_data_is_found_in_folders_without_what_is_hidden(tmp_path):
    for name in ("corpus/test-00000-of-00001.parquet", ".cache/x.parquet", "queries.jsonl", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "written-by-spark.parquet").mkdir()
    found = [
        file.relative_to(tmp_path).as_posix() for file in find_data([tmp_path, tmp_path / "queries.jsonl"])
    ]
    assert found == ["corpus/test-*.parquet", "queries.jsonl"]

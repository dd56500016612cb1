import hashlib
import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shlex import quote

import lance
import numpy as np
import pyarrow as pa
import pytest

from maxsight.errors import (
    FormatError,
    InputError,
    LibraryDamagedError,
    LibraryNotFoundError,
    LibraryReadOnlyError,
    StoreError,
)
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local import maintenance
from maxsight.stores.local.durability import sync_folder
from maxsight.stores.local.reading import MAX_PLACE_BYTES
from maxsight.stores.local.store import LocalStore
from store_pages import CODEC, ENCODER, MANIFEST, make_page, nearest, plain, query

PAGES = [make_page(f"{number}.pdf", 0, f"word{number} and more", year=number) for number in range(40)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "test.library"


@pytest.fixture
def store(path):
    with LocalStore.create(path, MANIFEST, codec=CODEC) as store:
        yield store


def reopened(path, **options):
    return LocalStore(path, codec=PageCodec, **options)


def names_in(store):
    return sorted(name for chunk in store.vectors() for name in chunk.page_ids)


def size_of(chunk):
    return sum(vectors.nbytes for vectors in chunk)


def fragments(path):
    return lance.dataset(path / "pages.lance").get_fragments()


def digest(folder):
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_library_keeps_everything_when_it_is_opened_again(path, store):
    store.put(PAGES)
    before = [plain(page) for page in store.read(names_in(store))]
    store.close()
    with reopened(path) as again:
        assert again.manifest == MANIFEST
        assert [plain(page) for page in again.read(names_in(again))] == before
        assert nearest(again, query("word7"), 3)[0] == "7.pdf@1#0"


def test_a_page_is_stored_once_also_if_another_store_wrote_it(path, store):
    """A writer remembers the stored pages, but another one may write, remove and merge in between."""
    store.put(PAGES[:2])
    with reopened(path) as other:
        other.put(PAGES[2:4])
        store.put(PAGES[3:5])
        other.remove(["0.pdf"])
        other.put(PAGES[5:6], replace_documents=True)
        store.put(PAGES[:1])
        store.put([*PAGES[5:7], *PAGES[5:6]])
        other.put(PAGES[6:8])
    store.put(PAGES[:8])
    assert names_in(store) == [f"{number}.pdf@1#0" for number in range(8)]


def test_a_writer_notices_that_its_library_was_replaced(path, store):
    """Its versions may have the same numbers."""
    store.put(PAGES[:2])
    store.put(PAGES[2:4])
    before = store.version
    shutil.rmtree(path)
    with LocalStore.create(path, MANIFEST, codec=CODEC) as another:
        another.put(PAGES[4:6])
        another.put(PAGES[6:8])
        assert another.version == before
    store.put([PAGES[4]])
    stored = lance.dataset(path / "pages.lance").to_table(columns=["page_id"]).column("page_id").to_pylist()
    assert sorted(stored) == [f"{number}.pdf@1#0" for number in range(4, 8)]


def put_back(backup, path):
    shutil.rmtree(path)
    shutil.copytree(backup, path)


def test_an_open_reader_notices_a_backup_that_has_reached_the_same_version(path, store, tmp_path):
    store.put(PAGES[:4])
    store.close()
    shutil.copytree(path, tmp_path / "backup")
    with reopened(path) as writer:
        writer.put(PAGES[4:8])
        writer.remove(["0.pdf"])
    with reopened(path, read_only=True) as reader:
        before = reader.version
        assert names_in(reader) == [f"{number}.pdf@1#0" for number in range(1, 8)]
        put_back(tmp_path / "backup", path)
        with reopened(path) as writer:
            writer.put(PAGES[10:12])
            writer.put(PAGES[12:14])
            assert writer.version == before
        expected = sorted(f"{number}.pdf@1#0" for number in (0, 1, 2, 3, 10, 11, 12, 13))
        assert reader.damage() == []
        assert names_in(reader) == expected
        assert sorted(entry.document.path for entry in reader.documents()) == [
            page_id.partition("@")[0] for page_id in expected
        ]
        assert reader.page_count() == 8
        assert reader.read(["5.pdf@1#0"]) == []
        assert nearest(reader, query("word12"), 1) == ["12.pdf@1#0"]
        assert reader.find_phrase("word13", 5) == ["13.pdf@1#0"]
        assert reader.verify().clean
        assert reader.version != before


def test_an_open_reader_notices_a_backup_of_an_older_version_and_what_is_written_to_it(path, store, tmp_path):
    store.put(PAGES[:4])
    store.backup(tmp_path / "backup")
    store.put(PAGES[4:8])
    store.close()
    with reopened(path, read_only=True) as reader:
        versions = [reader.version]
        assert len(names_in(reader)) == 8
        put_back(tmp_path / "backup", path)
        versions.append(reader.version)
        assert names_in(reader) == [f"{number}.pdf@1#0" for number in range(4)]
        with reopened(path) as writer:
            writer.put(PAGES[20:22])
        versions.append(reader.version)
        assert len(names_in(reader)) == 6
        assert reader.damage() == []
        assert reader.verify().clean
    assert len(set(versions)) == 3


def test_a_scan_that_began_before_a_backup_was_put_back_goes_on_in_it(path, store, tmp_path, monkeypatch):
    monkeypatch.setattr("maxsight.stores.local.reading.CHUNK_BYTES", 1)  # a page a chunk
    monkeypatch.setattr(
        "maxsight.stores.local.code_table.map_columns", lambda folder, fragment, fields: [None] * 3
    )
    store.put(PAGES[:2])
    shutil.copytree(path, tmp_path / "backup")
    store.put(PAGES[2:4])
    store.close()
    with reopened(path, read_only=True) as reader:
        chunks = reader.vectors()
        names = [*next(chunks).page_ids]
        put_back(tmp_path / "backup", path)
        with reopened(path) as writer:
            writer.put(PAGES[4:6])
        names += [name for chunk in chunks for name in chunk.page_ids]
    assert len(names) == len(set(names))
    assert set(names) == {f"{number}.pdf@1#0" for number in (0, 1, 4, 5)}


def test_a_page_that_is_refused_leaves_nothing_of_its_fields(path, store):
    store.put(PAGES[:2])
    page = make_page("wrong.pdf", 0, "some words", color="red")
    narrow = replace(page.embedding, vectors=page.embedding.vectors[:, :8])
    with pytest.raises(InputError, match="32 dimensions"):
        store.put([replace(page, embedding=narrow)])
    assert list(store.fields()) == ["year"]
    store.put([make_page("right.pdf", 0, "some words", color=7)])
    assert store.verify().clean


def test_new_pages_are_appended_without_a_search_for_pages_to_replace(path, store):
    """That search reads the whole dataset."""

    def last_commit():
        dataset = lance.dataset(path / "pages.lance")
        return type(dataset.read_transaction(dataset.version).operation).__name__

    store.put(PAGES[:2])
    assert last_commit() == "Append"
    store.put(PAGES[1:3])
    assert last_commit() == "Update"
    store.put(PAGES[3:5])
    assert last_commit() == "Append"


def test_a_library_is_not_made_where_there_is_one(path, store):
    with pytest.raises(StoreError, match=r"there is a library at .* already"):
        LocalStore.create(path, MANIFEST, codec=CODEC)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"picture")
    with pytest.raises(StoreError, match=r"is not empty: holiday\.jpg"):
        LocalStore.create(tmp_path, MANIFEST, codec=CODEC)
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.jpg"]
    with pytest.raises(LibraryNotFoundError, match="is a folder, but not a library") as error:
        reopened(tmp_path)
    assert error.value.hint.endswith(f"maxsight index {tmp_path} --library {tmp_path.name}.library")
    assert not LocalStore.exists(tmp_path)


def test_an_empty_place_has_no_library_and_the_hint_says_how_to_make_one(tmp_path):
    for place in (tmp_path, tmp_path / "new folder"):
        with pytest.raises(LibraryNotFoundError, match="there is no library at") as error:
            reopened(place)
        assert error.value.hint.startswith(f"Make one: maxsight index FOLDER --library {quote(str(place))}")


def test_the_rest_of_a_killed_creation_does_not_stop_the_next_one(path):
    (path / "pages.lance" / "data").mkdir(parents=True)
    (path / "pages.lance" / "data" / "orphan.lance").write_bytes(b"half")
    with LocalStore.create(path, MANIFEST, codec=CODEC) as store:
        store.put(PAGES[:2])
        assert len(store.documents()) == 2


def test_a_file_in_the_librarys_place_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="file"):
        LocalStore.create(tmp_path / "file", MANIFEST, codec=CODEC)
    with pytest.raises(LibraryNotFoundError):
        reopened(tmp_path / "file")


def test_a_library_opened_read_only_refuses_to_write_and_changes_no_byte(path, store):
    store.put(PAGES)
    store.close()
    before = digest(path)
    with reopened(path, read_only=True) as reader:
        for write in (
            lambda: reader.put(PAGES),
            lambda: reader.remove(["1.pdf"]),
            lambda: reader.set_metadata({"1.pdf": {}}),
            reader.compact,
            reader.optimize,
            lambda: reader.verify(repair=True),
        ):
            with pytest.raises(LibraryReadOnlyError, match="was opened read-only"):
                write()
        reader.find_phrase("word1", 3), nearest(reader, query("word1"), 3), reader.read(["1.pdf@1#0"])
        assert reader.verify().clean
    assert digest(path) == before


def test_a_closed_store_says_so(store):
    store.close()
    for call in (store.documents, store.fields, lambda: store.put(PAGES), lambda: store.read(["x"])):
        with pytest.raises(StoreError, match="was closed"):
            call()


def test_a_newer_format_is_refused_with_what_to_do(path, store):
    newer = json.loads(MANIFEST.to_json()) | {"format_version": 99, "unheard_of": True}
    lance.dataset(path / "pages.lance").update_schema_metadata({"maxsight": json.dumps(newer)})
    with pytest.raises(FormatError, match="has format 99; this version of maxsight reads format 1") as error:
        reopened(path)
    assert "pip install --upgrade maxsight" in error.value.hint
    with pytest.raises(FormatError):
        store.put(PAGES)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format_version": 1}', '{"format_version": "x"}'])
def test_a_damaged_manifest_is_named(path, store, text):
    lance.dataset(path / "pages.lance").update_schema_metadata({"maxsight": text})
    with pytest.raises(LibraryDamagedError, match=r"test\.library has a damaged manifest"):
        reopened(path)


def test_another_programs_dataset_is_no_library(path):
    lance.write_dataset(pa.table({"a": [1, 2]}), path / "pages.lance")
    with pytest.raises(LibraryDamagedError, match="without a maxsight manifest"):
        reopened(path)


def test_without_one_readable_version_the_library_is_damaged(path, store):
    for manifest in (path / "pages.lance" / "_versions").glob("*.manifest"):
        manifest.write_bytes(b"")
    with pytest.raises(LibraryDamagedError, match="none of its 2 versions can be read"):
        reopened(path)


def test_a_missing_data_file_is_named_to_readers_and_dropped_by_writers(path, store):
    store.put(PAGES[:3])
    store.put(PAGES[3:5])
    victim = path / "pages.lance" / "data" / fragments(path)[0].metadata.files[0].path
    victim.unlink()
    with reopened(path, read_only=True) as reader:
        assert [(item.file, item.reason, item.pages) for item in reader.damage()] == [
            (f"data/{victim.name}", "the file is missing", 3)
        ]
        with pytest.raises(LibraryDamagedError, match=victim.name):
            names_in(reader)
        assert not reader.verify().clean
    with reopened(path) as writer:
        with writer.writing():
            assert names_in(writer) == ["3.pdf@1#0", "4.pdf@1#0"]
        assert [str(item) for item in writer.dropped] == [
            f"data/{victim.name}: the file is missing; 3 pages can't be read"
        ]
        assert writer.verify().clean


def test_pages_whose_other_columns_were_lost_are_dropped_by_name(path, store):
    store.put(PAGES[:3])
    store.set_metadata({"0.pdf": {"year": 1}})
    added = fragments(path)[0].metadata.files[-1]
    (path / "pages.lance" / "data" / added.path).write_bytes(b"")
    with reopened(path) as writer, writer.writing():
        assert writer.dropped[0].page_ids == ("0.pdf@1#0", "1.pdf@1#0", "2.pdf@1#0")


def test_compaction_merges_fragments_and_keeps_every_value(path, store):
    for page in PAGES:
        store.put([page])
    store.remove(["3.pdf"])
    before = [plain(page) for page in store.read(names_in(store))]
    store.compact()
    assert len(fragments(path)) == 1
    assert [plain(page) for page in store.read(names_in(store))] == before
    assert nearest(store, query("word7"), 3)[0] == "7.pdf@1#0"
    assert store.find_phrase("word7", 3) == ["7.pdf@1#0"]
    assert store.find_phrase("word3", 3) == []
    assert store.verify().clean


def test_text_is_found_however_long_the_page_before_it(store):
    """The text is longer than 65,535 bytes, the most in a Milvus column. It is searched with and without the index."""
    long = "filler " * 12_000 + "needle"
    store.put([make_page("long.txt", 0, long, boxed=False)])
    assert store.find_phrase("needle", 3) == ["long.txt@1#0"]
    store.optimize()
    assert store.find_phrase("needle", 3) == ["long.txt@1#0"]


def test_fragments_are_merged_only_where_there_are_many(path, store):
    for page in PAGES[:10]:
        store.put([page])
    store.optimize()
    assert len(fragments(path)) == 10
    for page in PAGES[10:]:
        store.put([page])
    store.optimize()
    assert len(fragments(path)) < 16
    assert names_in(store) == sorted(page.page_id for page in PAGES)


def test_words_are_found_in_text_without_spaces(store):
    store.put(
        [
            make_page("ja.pdf", 0, "深層学習は2023年にGPU画像認識に使われる"),
            make_page("de.pdf", 0, "Überprüfung"),
        ]
    )
    for _ in range(2):
        assert store.find_phrase("2023", 3) == store.find_phrase("GPU", 3) == ["ja.pdf@1#0"]
        assert store.find_phrase("画像", 3) == ["ja.pdf@1#0"]
        assert store.find_phrase("uberprufung", 3) == ["de.pdf@1#0"]
        store.optimize()


def test_old_versions_go_after_an_hour_and_not_before(path, store, monkeypatch):
    for page in PAGES[:5]:
        store.put([page], replace_documents=True)
    store.put(PAGES[:5])
    store.compact()
    kept = len(lance.dataset(path / "pages.lance").versions())
    assert kept >= 8
    monkeypatch.setattr(maintenance, "KEEP_VERSIONS", timedelta(microseconds=1))
    before = store.size_bytes()
    store.compact()
    assert len(lance.dataset(path / "pages.lance").versions()) < kept
    assert store.size_bytes() < before
    assert names_in(store) == sorted(page.page_id for page in PAGES[:5])


def test_a_backup_is_a_library_of_its_own(path, store, tmp_path):
    store.put(PAGES)
    store.optimize()
    store.backup(tmp_path / "copies" / "backup.library")
    store.remove([f"{number}.pdf" for number in range(40)])
    with reopened(tmp_path / "copies" / "backup.library") as backup:
        assert names_in(backup) == sorted(page.page_id for page in PAGES)
        assert backup.find_phrase("word7", 3) == ["7.pdf@1#0"]
        assert backup.verify().clean
        backup.put([PAGES[0], make_page("new.pdf", 0, "new words")])
        assert len(names_in(backup)) == 41
    with pytest.raises(InputError, match="is not empty"):
        store.backup(tmp_path / "copies" / "backup.library")


def test_a_backup_copies_no_old_versions(path, store, tmp_path):
    for _ in range(5):
        store.put(PAGES, replace_documents=True)
    store.compact()
    store.backup(tmp_path / "backup.library")
    with reopened(tmp_path / "backup.library") as backup:
        assert backup.size_bytes() < store.size_bytes() / 3


def test_verify_names_a_page_whose_content_changed_and_repair_drops_just_that(path, store):
    store.put(PAGES[:5])
    dataset = lance.dataset(path / "pages.lance")
    dataset.update({"text": "'forged'"}, where="path = '2.pdf'")
    found = store.verify()
    assert [str(fault) for fault in found.faults] == ["2.pdf, page 1: its content is not what was written"]
    assert not found.clean
    assert not found.repaired
    repaired = store.verify(repair=True)
    assert [fault.page_id for fault in repaired.faults] == ["2.pdf@1#0"]
    assert repaired.repaired
    assert names_in(store) == [f"{number}.pdf@1#0" for number in (0, 1, 3, 4)]
    assert store.verify().clean


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("meta_year", "77", "its metadata is not what was written"),
        ("vector_count", "77", "its content is not what was written"),
        ("page_number", "9", "its content is not what was written"),
        ("pooled_signs", "X'00'", "its codes are not what was written"),
        ("four_bit_codes", "pooled_signs", "its codes are not what was written"),
        ("code_version", "99", "its codes are not what was written"),
    ],
)
def test_verify_looks_at_every_column(path, store, column, value, reason):
    store.put(PAGES[:3])
    lance.dataset(path / "pages.lance").update({column: value}, where="path = '1.pdf'")
    assert [fault.reason for fault in store.verify().faults] == [reason]


def test_verify_reports_its_progress(store):
    store.put(PAGES)
    steps = []
    assert store.verify(on_progress=lambda done, total: steps.append((done, total))).pages == 40
    assert steps == [(32, 40), (40, 40)]


@pytest.mark.parametrize("seed", range(12))
def test_bytes_that_rot_in_a_data_file_are_found_dropped_and_written_again(path, store, seed):
    store.put(PAGES[:20])
    store.put(PAGES[20:])
    rng = np.random.default_rng(seed)
    victim = path / "pages.lance" / "data" / fragments(path)[0].metadata.files[0].path
    content = bytearray(victim.read_bytes())
    at = rng.integers(0, len(content) - 8)
    content[at : at + 8] = rng.bytes(8)
    victim.write_bytes(content)
    with reopened(path) as writer:
        found = writer.verify(repair=True)
        lost = {fault.page_id for fault in found.faults}
        assert len(names_in(writer)) >= 20
        writer.put(PAGES)
        assert names_in(writer) == sorted(page.page_id for page in PAGES)
        assert writer.verify().clean
        assert lost <= {page.page_id for page in PAGES} | {""}


def test_codes_of_an_older_codec_are_not_compared_with_new_ones(path, store):
    store.put(PAGES[:3])

    class NewerCodec(PageCodec):
        version = PageCodec.version + 1

        def __init__(self, dim):
            super().__init__(dim, seed=1)

    with LocalStore(path, codec=NewerCodec) as newer:
        newer.put(PAGES[3:6])
        for number in range(6):
            assert nearest(newer, query(f"word{number}"), 1) == [f"{number}.pdf@1#0"]
        assert newer.verify().clean


@pytest.mark.parametrize("chunk_pages", [1, 2])
def test_a_page_of_many_vectors_comes_in_chunks_of_bounded_size(store, monkeypatch, chunk_pages):
    words = " ".join(f"w{number}" for number in range(4000))
    large = [make_page(f"{number}.txt", 0, words, boxed=False) for number in range(4)]
    store.put(PAGES + large)
    page_bytes = 4000 * ENCODER.space.dim * 2
    limit = chunk_pages * 4000 * (ENCODER.space.dim * 2 + MAX_PLACE_BYTES)
    monkeypatch.setattr("maxsight.stores.local.reading.CHUNK_BYTES", limit)
    sizes = [size_of(chunk) for chunk in store.vectors()]
    assert 4 / chunk_pages <= sum(size >= page_bytes for size in sizes) <= 4 / chunk_pages + 1
    assert max(sizes) < limit
    named = [size_of(chunk) for chunk in store.vectors(page_ids=[page.page_id for page in large])]
    assert sum(named) == 4 * page_bytes
    assert max(named) < limit


def test_pages_of_normal_size_come_many_at_a_time(store):
    store.put(PAGES)
    assert [len(chunk.page_ids) for chunk in store.vectors()] == [len(PAGES)]


def test_a_row_that_was_written_twice_is_a_fault(path, store):
    store.put(PAGES[:3])
    dataset = lance.dataset(path / "pages.lance")
    lance.write_dataset(dataset.to_table(filter="path = '1.pdf'"), path / "pages.lance", mode="append")
    assert names_in(store) == ["0.pdf@1#0", "1.pdf@1#0", "1.pdf@1#0", "2.pdf@1#0"]
    assert {entry.document.path: entry.page_indices for entry in store.documents()}["1.pdf"] == (0, 0)
    assert [fault.reason for fault in store.verify().faults] == ["it is there twice"]
    store.verify(repair=True)
    assert names_in(store) == ["0.pdf@1#0", "1.pdf@1#0", "2.pdf@1#0"]


def test_touching_keeps_checksums_right_and_damage_visible(path, store):
    store.put(PAGES[:3])
    lance.dataset(path / "pages.lance").update({"text": "'forged'"}, where="path = '2.pdf'")
    sizes = {number: 100 + number for number in range(3)}
    store.touch([replace(PAGES[number].document, size_bytes=size) for number, size in sizes.items()])
    assert [entry.document.size_bytes for entry in store.documents()] == [100, 101, 1234]
    assert [fault.path for fault in store.verify().faults] == ["2.pdf"]


def test_touching_writes_no_vectors_again(path, store):
    words = " ".join(f"w{number}" for number in range(4000))
    store.put([make_page(f"{number}.txt", 0, words, boxed=False) for number in range(8)])
    before = store.size_bytes()
    store.touch([replace(entry.document, modified_ns=1) for entry in store.documents()])
    assert store.size_bytes() - before < before / 20
    assert store.verify().clean


def test_the_size_can_be_read_while_files_are_removed(path, store):
    store.put(PAGES)
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            for number in range(50):
                (path / "pages.lance" / "data" / f"{number}.tmp").write_bytes(b"x")
            for number in range(50):
                (path / "pages.lance" / "data" / f"{number}.tmp").unlink()

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(come_and_go)
        try:
            sizes = [store.size_bytes() for _ in range(200)]
        finally:
            stop.set()
        running.result()
    assert min(sizes) > 1000


def test_every_folder_made_on_the_way_to_a_library_is_put_on_the_disk(tmp_path, monkeypatch):
    synced = []

    def record(folder):
        synced.append(Path(folder))
        sync_folder(folder)

    for module in ("durability", "syncing"):
        monkeypatch.setattr(f"maxsight.stores.local.{module}.sync_folder", record)
    LocalStore.create(tmp_path / "a" / "b" / "test.library", MANIFEST, codec=CODEC).close()
    assert {tmp_path, tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "test.library"} <= set(
        synced
    )


@pytest.mark.slow
def test_many_commits_of_normal_size_are_merged_once(path, store):
    number = iter(range(10**6))

    def commit(times):
        for _ in range(times):
            store.put([make_page(f"{next(number)}.pdf", 0, "a") for _ in range(64)])
        store.optimize()
        return sorted(fragment.metadata.num_rows for fragment in fragments(path))

    with store.writing():
        assert commit(40) == [64] * 40
        merged = commit(26)
        assert len(merged) <= 5
        assert sum(merged) == 66 * 64
        assert len(commit(30)) == len(merged) + 30, "what was merged is not written again with each run"
    assert store.verify().clean


def test_pages_are_read_by_name_after_some_fragments_were_merged_and_pages_removed(path, store):
    """Positions are counted through the fragments. Merging has moved small fragments behind a large one."""
    pages = [make_page(f"{number}.pdf", 0, f"word{number}", year=number) for number in range(140)]
    for page in pages[:20]:
        store.put([page])
    store.put(pages[20:100])
    for page in pages[100:]:
        store.put([page])
    store.remove(["3.pdf", "50.pdf", "120.pdf"])
    store.optimize()
    rows = [fragment.count_rows() for fragment in fragments(path)]
    assert len(rows) > 1 and rows[0] == 79
    asked = [page.page_id for page in pages[::-1]]
    left = [page_id for page_id in asked if page_id not in ("3.pdf@1#0", "50.pdf@1#0", "120.pdf@1#0")]
    assert len(left) < len(asked)
    found = store.read(asked)
    assert [page.page_id for page in found] == left
    assert [page.page.text for page in found] == [f"word{name.partition('.')[0]}" for name in left]


def test_importing_the_package_loads_no_database():
    code = "import sys, maxsight; print({'lance', 'pyarrow', 'sqlglot'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_copied_folder_is_the_same_library(path, store, tmp_path):
    store.put(PAGES)
    shutil.copytree(path, tmp_path / "moved.library")
    with reopened(tmp_path / "moved.library") as moved:
        assert names_in(moved) == names_in(store)
        assert moved.verify().clean


LONG = "3fa85f64" * 8


@pytest.mark.parametrize("optimized", [False, True])
def test_the_text_index_finds_numbers_however_written_long_codes_and_small_words(path, optimized):
    with LocalStore.create(path, MANIFEST, codec=CODEC) as store:
        texts = ["sales of 77,300.5 in all", "sales of 77300.5", f"sum {LONG} is", "sales of 77 and 300"]
        store.put([make_page(f"{number}.txt", 0, text) for number, text in enumerate(texts)])
        if optimized:
            store.optimize()
        for number in ("77,300.5", "77300.5", "77.300,5", "sales of 77300.5"):
            assert store.find_phrase(number, 9) == ["0.txt@1#0", "1.txt@1#0"]
        assert store.find_phrase(LONG, 9) == ["2.txt@1#0"]
        assert store.find_phrase("is", 9) == ["2.txt@1#0"]
        assert store.find_phrase("in all", 9) == ["0.txt@1#0"]

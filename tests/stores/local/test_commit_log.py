"""A changed bit in Lance's files is noticed before Lance reads it, and what was removed stays removed."""

from datetime import timedelta

import pytest

from maxsight.errors import LibraryDamagedError
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local.commit_log import CommitLog, Removal
from maxsight.stores.local.store import LocalStore
from store_pages import CODEC, MANIFEST, make_page, nearest, query

PAGES = [make_page(f"{number}.pdf", 0, f"word{number} and more", year=number) for number in range(6)]
KEPT = [page.page_id for page in PAGES[:3] + PAGES[4:]]


@pytest.fixture
def path(tmp_path):
    """Return a library from which 3.pdf was removed in the newest commit."""
    path = tmp_path / "test.library"
    with LocalStore.create(path, MANIFEST, codec=CODEC) as store:
        store.put(PAGES)
        store.optimize()
        store.remove(["3.pdf"])
    return path


def reopened(path, **options):
    return LocalStore(path, codec=PageCodec, **options)


def manifests(path):
    """The manifests, newest first."""
    return sorted((path / "pages.lance" / "_versions").glob("*.manifest"))


def flip(file, position, bit=3):
    content = bytearray(file.read_bytes())
    content[position % len(content)] ^= 1 << bit
    file.write_bytes(content)


def everything(store):
    """The ids of all pages, by each way to ask for them."""
    asked = [page.page_id for page in PAGES]
    return {
        "vectors": sorted(name for chunk in store.vectors() for name in chunk.page_ids),
        "named": sorted(name for chunk in store.vectors(page_ids=asked) for name in chunk.page_ids),
        "read": [page.page_id for page in store.read(asked)],
        "nearest": sorted(nearest(store, query("word3"), 9)),
        "documents": [f"{entry.document.path}@1#0" for entry in store.documents()],
        "text": sorted(name for number in range(6) for name in store.find_phrase(f"word{number}", 9)),
        "count": store.page_count(),
    }


WITHOUT_THE_REMOVED = dict.fromkeys(["vectors", "named", "read", "nearest", "documents", "text"], KEPT)


def test_one_changed_bit_anywhere_in_the_newest_manifest_leads_to_the_version_before(path, caplog):
    newest = manifests(path)[0]
    whole = newest.read_bytes()
    for position in range(0, len(whole), 37):
        newest.write_bytes(whole)
        flip(newest, position, position % 8)
        with reopened(path, read_only=True) as reader:
            assert [item.file for item in reader.damage()] == [f"_versions/{newest.name}"]
            assert reader.page_count() == 5
    assert "the manifest of version" in caplog.text, "every command says so"


@pytest.mark.parametrize("harm", [lambda file: flip(file, 100), lambda file: file.unlink()])
def test_a_removed_document_stays_removed_when_the_commit_that_removed_it_is_undone(path, harm):
    for _ in range(2):  # the second time, the commit that repeats the removal is undone
        harm(manifests(path)[0])
        with reopened(path, read_only=True) as reader:
            assert everything(reader) == {**WITHOUT_THE_REMOVED, "count": 5}
            assert [item.pages for item in reader.damage()] == [None]
            with reopened(path) as writer, writer.writing():
                assert [item.pages for item in writer.dropped] == [None]
                assert everything(writer) == {**WITHOUT_THE_REMOVED, "count": 5}
            assert reader.damage() == [], "a reader that was open sees the repair"
            assert everything(reader) == {**WITHOUT_THE_REMOVED, "count": 5}


def test_a_document_that_is_indexed_again_after_its_removal_is_there(path):
    flip(manifests(path)[0], 100)
    with reopened(path) as writer:
        writer.put([PAGES[3]])
        assert writer.page_count() == 6
    with reopened(path) as writer:
        assert len(everything(writer)["read"]) == 6
        assert writer.verify().clean


def test_a_manifest_that_the_list_lacks_may_panic_and_leads_to_the_version_before(path):
    (path / "pages.lance" / "commits.log").unlink()
    newest = manifests(path)[0]
    newest.write_bytes(newest.read_bytes()[:-16] + bytes([255] * 8) + newest.read_bytes()[-8:])
    with reopened(path, read_only=True) as reader:
        assert reader.page_count() == 6, "without the list, nothing knows of the removal"
        assert [item.file for item in reader.damage()] == [f"_versions/{newest.name}"]


def test_a_changed_list_of_deleted_rows_is_not_read_and_costs_its_fragment(path):
    (deletions,) = (path / "pages.lance" / "_deletions").iterdir()
    flip(deletions, deletions.stat().st_size // 2)
    with reopened(path, read_only=True) as reader:
        with pytest.raises(LibraryDamagedError, match="list of deleted rows is not what was written"):
            reader.documents()
    with reopened(path) as writer:
        assert writer.verify(repair=True).damage[0].paths == tuple(f"{number}.pdf" for number in range(6))
        writer.put(PAGES[:3] + PAGES[4:])
        assert everything(writer) == {**WITHOUT_THE_REMOVED, "count": 5}


def test_a_changed_text_index_is_built_again(path):
    for number in range(3):
        for file in sorted((path / "pages.lance" / "_indices").rglob("*.lance")):
            flip(file, file.stat().st_size * number // 3 + 7)
        with reopened(path) as writer:
            found = writer.verify(repair=True)
            assert {(item.index, item.pages) for item in found.damage} == {("text", 0)}
            assert writer.find_phrase("word2", 9) == ["2.pdf@1#0"]
            assert writer.verify().clean


def test_lines_of_the_list_that_were_cut_or_changed_do_not_count(path):
    folder = path / "pages.lance"
    log = CommitLog.read(folder)
    listed = dict(log.files)
    assert [removal.page_ids for removal in log.removals] == [("3.pdf@1#0",)]
    file = folder / "commits.log"
    with file.open("ab") as stream:
        stream.write(
            b'0123abcd {"file": "_versions/1.manifest", "size_bytes": 1, "crc32": 1}\nand a line cut sho'
        )
    assert CommitLog.read(folder).files == listed
    log.add([], Removal(99, ("7.pdf@1#0",)))
    assert [removal.version for removal in CommitLog.read(folder).removals][1:] == [99]
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"3.pdf', b'"4.pdf'))
    assert [removal.version for removal in CommitLog.read(folder).removals] == [99]


def test_compaction_forgets_removals_that_no_version_lacks(path, monkeypatch):
    monkeypatch.setattr("maxsight.stores.local.maintenance.KEEP_VERSIONS", timedelta())
    with reopened(path) as writer:
        writer.compact()
        assert everything(writer) == {**WITHOUT_THE_REMOVED, "count": 5}
    log = CommitLog.read(path / "pages.lance")
    assert log.removals == []
    assert all((path / "pages.lance" / name).exists() for name in log.files)


def test_a_backup_has_a_list_of_its_own(path, tmp_path):
    with reopened(path) as store:
        store.backup(tmp_path / "copy.library")
    flip(manifests(tmp_path / "copy.library")[0], 100)
    with pytest.raises(LibraryDamagedError, match="none of its 1 versions can be read"):
        reopened(tmp_path / "copy.library")

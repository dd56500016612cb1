"""Files of equal content: their vectors are reused, and nothing else."""

import pytest
from stages import GatedEncoder, GatedStore

from maxsight.indexing import Indexed, IndexRun
from maxsight.indexing.metadata import MetadataTable


def run(store, encoder, folder, fields=None):
    options = {"metadata": MetadataTable(fields)} if fields else {}
    return [event for event in IndexRun(store, encoder, folder, [folder], options).events()]


def fields_of(store):
    return {entry.document.path: dict(entry.metadata) for entry in store.documents()}


@pytest.mark.parametrize("in_one_run", [True, False])
def test_an_equal_file_under_another_name_does_not_get_the_fields_of_the_first(tmp_path, in_one_run):
    store, encoder = GatedStore(), GatedEncoder()
    (tmp_path / "first.txt").write_text("Apples are red.")
    if not in_one_run:
        run(store, encoder, tmp_path, {"first.txt": {"year": 2019}})
    (tmp_path / "second.txt").write_text("Apples are red.")
    (tmp_path / "third.txt").write_text("Apples are red.")
    events = run(store, encoder, tmp_path, {"first.txt": {"year": 2019}, "third.txt": {"year": 2024}})
    copied = [event.path for event in events if isinstance(event, Indexed) and event.action == "copied"]
    assert copied == ["second.txt", "third.txt"]
    assert encoder.seen == [[1]], "one page was encoded"
    assert fields_of(store) == {"first.txt": {"year": 2019}, "second.txt": {}, "third.txt": {"year": 2024}}


def test_an_equal_file_gets_what_was_said_of_the_pages_of_the_first(tmp_path):
    store, encoder = GatedStore(), GatedEncoder()
    (tmp_path / "first.txt").write_text("Apples are red.")
    run(store, encoder, tmp_path, {"first.txt": {"year": 2019}})
    (page,) = [page_id for vectors in store.vectors() for page_id in vectors.page_ids]
    store.set_page_fields({page: {"predicted_cer": 0.25}})
    (tmp_path / "second.txt").write_text("Apples are red.")
    run(store, encoder, tmp_path)
    assert [entry.page_fields for entry in store.documents()] == [({"predicted_cer": 0.25},)] * 2
    assert fields_of(store) == {"first.txt": {"year": 2019}, "second.txt": {}}


def test_a_file_that_was_moved_keeps_its_fields(tmp_path):
    store, encoder = GatedStore(), GatedEncoder()
    (tmp_path / "first.txt").write_text("Apples are red.")
    run(store, encoder, tmp_path, {"first.txt": {"year": 2019}})
    (tmp_path / "first.txt").rename(tmp_path / "second.txt")
    run(store, encoder, tmp_path)
    assert fields_of(store) == {"first.txt": {"year": 2019}, "second.txt": {"year": 2019}}

"""A file in the making survives whatever stops it, and nothing half-written ever takes its name."""

import json

import numpy as np
import pytest

from maxsight.documents.files import FileState
from maxsight.embedding import unfinished as unfinished_module
from maxsight.embedding.page_list import SourceFile
from maxsight.embedding.unfinished import UnfinishedFile
from maxsight.errors import InputError

RECIPE = {"encoder": "fake", "pooling": "none"}
A = SourceFile("a.pdf", FileState(100, 1))
B = SourceFile("b.pdf", FileState(200, 2))


def vectors(number, count=2):
    return np.full((count, 3), number, np.float32) + np.arange(3, dtype=np.float32) / 8


def begin(file, **changes):
    return UnfinishedFile(file, RECIPE | changes, dim=3)


def stop_after_three_pages(file):
    with begin(file) as unfinished:
        unfinished.add(B, 1, 0, vectors(20, count=4))
        unfinished.add(A, 3, 1, vectors(11))
        unfinished.add(A, 3, 0, vectors(10))


@pytest.fixture
def stopped(tmp_path):
    stop_after_three_pages(tmp_path / "v.npz")
    return tmp_path / "v.npz"


def finish(file):
    with begin(file) as unfinished:
        for source, page_count in ((A, 3), (B, 1)):
            missing = unfinished.missing(source)
            for index in range(page_count) if missing is None else missing:
                count = 4 if source is B else 2
                unfinished.add(source, page_count, index, vectors(10 * (1 + (source is B)) + index, count))
        return unfinished.finish([A, B], is_pooled=False)


def test_what_was_stopped_is_kept_beside_the_file_and_known(stopped):
    assert not stopped.exists()
    with begin(stopped) as unfinished:
        assert unfinished.missing(A) == (2,)
        assert unfinished.missing(B) == ()
        assert unfinished.missing(SourceFile("a.pdf", FileState(101, 1))) is None
        assert unfinished.count([A]) == 2


def test_pages_are_in_the_order_of_their_files_whenever_they_were_made(stopped, tmp_path):
    finish(stopped)
    finish(tmp_path / "at once.npz")
    assert stopped.read_bytes() == (tmp_path / "at once.npz").read_bytes()
    with np.load(stopped) as arrays:
        assert arrays["vectors"][:, 0].tolist() == [10, 10, 11, 11, 12, 12, 20, 20, 20, 20]
        assert arrays["pages"].tolist() == [1, 2, 3, 1]


def test_nothing_but_the_file_is_left_when_it_is_finished(stopped):
    finish(stopped)
    assert [found.name for found in stopped.parent.iterdir()] == ["v.npz"]


def test_files_that_are_no_longer_asked_for_are_left_out(stopped):
    with begin(stopped) as unfinished:
        table = unfinished.finish([B], is_pooled=False)
    assert table.shape == (4, 3)


@pytest.mark.parametrize(("cut", "pages_of_a", "pages_of_b"), [(1, 1, 1), (24, 1, 1), (25, 0, 1), (49, 0, 0)])
def test_vectors_that_did_not_reach_the_disk_are_made_again(stopped, cut, pages_of_a, pages_of_b):
    """Four vectors of b's page, then two of each of a's, 12 bytes each: 48 + 24 + 24 bytes, cut from the end."""
    file = stopped.parent / "v.npz.part" / "vectors.f32"
    file.write_bytes(file.read_bytes()[: 96 - cut])
    with begin(stopped) as unfinished:
        assert (unfinished.count([A]), unfinished.count([B])) == (pages_of_a, pages_of_b)


def test_rotten_vectors_and_all_that_follow_are_made_again(stopped, tmp_path):
    file = stopped.parent / "v.npz.part" / "vectors.f32"
    content = bytearray(file.read_bytes())
    content[50] ^= 1  # in the second page that was added
    file.write_bytes(content)
    with begin(stopped) as unfinished:
        assert (unfinished.count([B]), unfinished.count([A])) == (1, 0)
    finish(stopped)
    finish(tmp_path / "at once.npz")
    assert stopped.read_bytes() == (tmp_path / "at once.npz").read_bytes()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_off_counts_for_nothing(stopped, tmp_path, cut):
    file = stopped.parent / "v.npz.part" / "pages.jsonl"
    file.write_bytes(file.read_bytes()[:-cut])
    with begin(stopped) as unfinished:
        assert unfinished.count([A, B]) == 2
    finish(stopped)
    finish(tmp_path / "at once.npz")
    assert stopped.read_bytes() == (tmp_path / "at once.npz").read_bytes()


@pytest.mark.parametrize(
    "line", ["{}", "[]", "1", '{"name": "a.pdf"}', '{"name": "a.pdf", "vectors": "two", "crc32": 0}']
)
def test_a_line_that_says_something_else_counts_as_cut_off(stopped, tmp_path, line):
    file = stopped.parent / "v.npz.part" / "pages.jsonl"
    head, first, *_ = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(head + first + line.encode() + b"\n")
    with begin(stopped) as unfinished:
        assert unfinished.count([A, B]) == 1
    finish(stopped)
    finish(tmp_path / "at once.npz")
    assert stopped.read_bytes() == (tmp_path / "at once.npz").read_bytes()


@pytest.mark.parametrize("number", [-1, 2**62])
def test_a_line_of_a_number_of_vectors_that_can_not_be_counts_as_cut_off(stopped, number):
    file = stopped.parent / "v.npz.part" / "pages.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    changed = json.dumps(json.loads(lines[2]) | {"vectors": number, "crc32": 0}).encode() + b"\n"
    file.write_bytes(b"".join([*lines[:2], changed, *lines[3:]]))
    with begin(stopped) as unfinished:
        assert unfinished.count([A, B]) == 1


def test_vectors_of_other_settings_never_mix(stopped):
    with pytest.raises(InputError, match="pooling none") as refused:
        begin(stopped, pooling="mean")
    assert "delete" in refused.value.hint
    assert finish(stopped).shape == (10, 3)


def test_two_processes_never_write_the_same_file(stopped):
    with begin(stopped), pytest.raises(InputError, match="another process"):
        begin(stopped)


def test_a_folder_that_is_in_the_way_is_left_alone(tmp_path):
    theirs = tmp_path / "v.npz.part" / "thesis.txt"
    theirs.parent.mkdir()
    theirs.write_text("important")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        begin(tmp_path / "v.npz")
    assert theirs.read_text() == "important"


def test_a_place_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.*can't be written"):
        begin(tmp_path / "nowhere" / "v.npz")


def test_an_earlier_file_stays_until_the_new_one_is_whole(stopped):
    stopped.write_bytes(b"the earlier one")
    with begin(stopped) as unfinished:
        unfinished.add(A, 3, 2, vectors(12))
        assert stopped.read_bytes() == b"the earlier one"
        unfinished.finish([A], is_pooled=False)
    with np.load(stopped) as arrays:
        assert arrays["vectors"].shape == (6, 3)


def test_the_file_is_on_the_disk_before_it_gets_its_name_and_the_rest_goes_after(stopped, monkeypatch):
    steps = []

    def look(place):
        there = [name for name in ("v.npz", "v.npz.part") if (stopped.parent / name).exists()]
        steps.append((place, there))

    monkeypatch.setattr(unfinished_module, "sync_file", look)
    monkeypatch.setattr(unfinished_module, "sync_folder", look)
    finish(stopped)
    assert steps == [
        (stopped.parent / "v.npz.part" / "finished", ["v.npz.part"]),
        (stopped.parent, ["v.npz", "v.npz.part"]),
    ]


def test_without_pages_no_file_is_written(tmp_path):
    with begin(tmp_path / "v.npz") as unfinished:
        unfinished.finish([A], is_pooled=False)
    assert list(tmp_path.iterdir()) == []


def test_what_made_the_vectors_is_in_the_file(stopped):
    finish(stopped)
    with np.load(stopped) as arrays:
        assert json.loads(str(arrays["about"])) == RECIPE

"""The library end to end: real files, real stores, and the fake encoder where vectors need no meaning."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maxsight import Library
from maxsight.documents import OcrChoice, ReadSettings
from maxsight.errors import (
    EncoderMismatchError,
    FilterError,
    InputError,
    LibraryNotFoundError,
    UnreadableDocumentError,
)
from maxsight.evaluation.datasets import Question
from maxsight.indexing import Found, Indexed, NotIndexed, Planned, Skipped
from maxsight.indexing.metadata import MetadataTable
from maxsight.library.drawing import check_unchanged
from maxsight.retrieval.maxsim import maxsim

APPLES = "Red apples fall from the tree in autumn.\n\nThe orchard sells cider."
BRIDGES = "A suspension bridge hangs its deck from cables.\n\nEngineers measure the load."
CITIES = "The city council met about the tram."


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """Three documents and their library, indexed once for all tests that only need it to be there."""
    made = tmp_path_factory.mktemp("made")
    (made / "docs").mkdir()
    (made / "docs" / "apples.txt").write_text(APPLES)
    (made / "docs" / "bridges.txt").write_text(BRIDGES)
    (made / "docs" / "cities.md").write_text(CITIES)
    with Library.create(made / "test.library", encoder="fake") as library:
        library.index(made / "docs")
    return made


@pytest.fixture
def docs(tmp_path, made_once):
    return shutil.copytree(made_once / "docs", tmp_path / "docs")


@pytest.fixture
def library(tmp_path, docs, made_once):
    shutil.copytree(made_once / "test.library", tmp_path / "test.library")
    with Library.open(tmp_path / "test.library") as library:
        yield library


def paths(library):
    return [entry.document.path for entry in library.documents()]


def actions(report):
    return {event.path: event.action for event in report.indexed}


def test_the_page_that_says_it_is_found_with_the_words_that_matched(library):
    hit = library.search("suspension bridge cables")[0]
    assert (hit.rank, hit.path, hit.file, hit.page_number) == (1, "docs/bridges.txt", "bridges.txt", 1)
    assert [(match.word, match.region.text) for match in hit.matches] == [
        ("suspension", "suspension"), ("bridge", "bridge"), ("cables", "cables"),
    ]  # fmt: skip
    assert hit.score == pytest.approx(3, abs=1e-2)
    assert "suspension bridge hangs" in hit.snippet


@pytest.mark.parametrize("options", [{}, {"exact": True}, {"names": False}])
def test_a_page_whose_vector_a_disk_has_changed_is_left_out_and_named(library, caplog, options):
    query = "suspension bridge cables"
    before = [hit.path for hit in library.search(query, **options)]
    assert before[0] == "docs/bridges.txt"
    page = library.store.read([library.search(query)[0].page_id])[0]
    vector = page.embedding.vectors[0].tobytes()
    (file,) = (
        file for file in (library.path / "pages.lance" / "data").iterdir() if vector in file.read_bytes()
    )
    content = bytearray(file.read_bytes())
    content[content.index(vector) + 1] ^= 1 << 6  # an exponent bit of its first number
    file.write_bytes(content)
    with Library.open(library.path) as opened:
        assert [hit.path for hit in opened.search(query, **options)] == before[1:]
        named = "docs/bridges.txt, page 1 is damaged and left out: a stored vector has changed"
        assert opened.notices(query)[0].startswith(named)
        assert caplog.text.count(named) == 1
        assert [fault.path for fault in opened.verify(repair=True).faults] == ["docs/bridges.txt"]
        opened.index([library.path.parent / "docs"])
        assert [hit.path for hit in opened.search(query, **options)] == before
        assert named not in str(opened.notices(query))


def test_scores_are_the_reference_kernels_on_the_stored_vectors(library):
    query = library.encoder.encode_query("the orchard and the load")
    for hit in library.search("the orchard and the load"):
        row = library.find_page(hit.path, hit.page_number)
        assert hit.score == pytest.approx(maxsim(query.vectors, [row.embedding.vectors])[0], abs=1e-5)


@pytest.mark.parametrize("options", [{}, {"exact": True}, {"names": False}])
def test_more_results_than_pages_gives_all_pages(library, options):
    hits = library.search("the", top_k=50, **options)
    assert sorted(hit.file for hit in hits) == ["apples.txt", "bridges.txt", "cities.md"]
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_an_empty_library_answers_with_nothing(tmp_path):
    with Library.create(tmp_path / "empty.library", encoder="fake") as library:
        for options in ({}, {"exact": True}, {"names": False}):
            assert library.search("anything", **options) == []


def test_asking_for_no_results_is_refused(library):
    with pytest.raises(InputError, match="at least one result"):
        library.search("apples", top_k=0)


@pytest.mark.parametrize("encoder", ["fake", "minilm"])
def test_a_question_that_is_not_text_is_refused_whatever_is_asked_of_it(tmp_path, docs, encoder):
    with Library.create(tmp_path / "new.library", encoder=encoder) as library:
        library.index(docs / "apples.txt")
        not_text = os.fsdecode(b"apple \xff")
        for ask in (
            lambda: library.search(not_text),
            lambda: library.notices(not_text),
            lambda: library.explain(not_text, "apples.txt", 1),
        ):
            with pytest.raises(InputError, match="not valid UTF-8 text at character 7") as caught:
                ask()
            assert caught.value.hint


def test_the_same_command_again_does_nothing(library, docs):
    report = library.index(docs)
    assert (report.skipped, report.pages, report.indexed) == (3, 0, ())


def test_a_touched_file_is_compared_by_content(library, docs):
    os.utime(docs / "apples.txt", (1, 1))
    assert library.index(docs).skipped == 3


def test_a_changed_file_replaces_its_pages(library, docs):
    (docs / "apples.txt").write_text("Pears instead.")
    assert actions(library.index(docs)) == {"docs/apples.txt": "replaced"}
    assert library.search("pears")[0].file == "apples.txt"
    assert all("apples" not in hit.snippet for hit in library.search("apples", top_k=9))


def test_a_copy_is_its_own_document_and_shares_one_hit(library, docs):
    shutil.copy(docs / "apples.txt", docs / "copy.txt")
    assert actions(library.index(docs)) == {"docs/copy.txt": "copied"}
    hits = library.search("red apples", top_k=2)
    assert {hits[0].path, *hits[0].copies} == {"docs/apples.txt", "docs/copy.txt"}
    assert hits[1].file not in ("apples.txt", "copy.txt")
    only = library.search("red apples", top_k=1, where="file = 'copy.txt'")[0]
    assert (only.path, only.copies) == ("docs/copy.txt", ())


def test_many_copies_do_not_crowd_others_out(library, docs):
    for number in range(30):
        shutil.copy(docs / "apples.txt", docs / f"copy-{number}.txt")
    library.index(docs)
    assert len(library.search("red apples", top_k=3)) == 3


def test_copies_within_one_run_are_encoded_once(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("a.txt", "b.txt", "c.txt"):
        (folder / name).write_text(APPLES)
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        events = list(library.indexing(folder))
        assert next(event for event in events if isinstance(event, Planned)).copies == 2
        assert sorted(event.action for event in events if isinstance(event, Indexed)) == [
            "added",
            "copied",
            "copied",
        ]
        assert paths(library) == ["docs/a.txt", "docs/b.txt", "docs/c.txt"]


def test_prune_removes_what_is_gone_below_the_given_folder_only(library, docs, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "d.txt").write_text("Elsewhere.")
    library.index(other)
    (docs / "apples.txt").unlink()
    (other / "d.txt").unlink()
    assert library.index(docs).removed == ()
    assert library.index(docs, prune=True).removed == ("docs/apples.txt",)
    assert paths(library) == ["docs/bridges.txt", "docs/cities.md", "other/d.txt"]


def test_a_deleted_file_is_mentioned_until_it_is_pruned(library, docs):
    (docs / "apples.txt").unlink()
    (notice,) = library.index(docs).notices
    assert notice == (
        "the file of 1 indexed document is gone (docs/apples.txt): --prune removes such documents"
    )
    assert library.index(docs / "cities.md").notices == ()
    assert (library.index(docs, prune=True).removed, library.index(docs).notices) == (
        ("docs/apples.txt",),
        (),
    )


def test_nothing_below_an_empty_folder_is_pruned(library, docs):
    """It may be where a disk was. A folder that was deleted is no such place."""
    for name in ("mounted/deep", "deleted"):
        (docs / name).mkdir(parents=True)
        (docs / name / "d.txt").write_text(f"Elsewhere, in {name}.")
    library.index(docs)
    shutil.rmtree(docs / "mounted" / "deep")
    shutil.rmtree(docs / "deleted")
    report = library.index(docs, prune=True)
    assert report.removed == ("docs/deleted/d.txt",)
    (notice,) = report.notices
    assert notice.startswith(f"nothing below {docs / 'mounted'} is removed, which is empty")


def test_a_library_that_was_moved_without_its_documents_says_that_they_are_there_twice(
    library, docs, tmp_path
):
    (tmp_path / "new").mkdir()
    shutil.move(tmp_path / "test.library", tmp_path / "new" / "test.library")
    with Library.open(tmp_path / "new" / "test.library") as moved:
        (notice,) = moved.index(docs).notices
        assert (
            "the files of 3 indexed documents are gone, 3 of them indexed again under another name" in notice
        )
        assert moved.index(docs, prune=True).removed == (
            "docs/apples.txt",
            "docs/bridges.txt",
            "docs/cities.md",
        )
        assert paths(moved) == [str(docs / name) for name in ("apples.txt", "bridges.txt", "cities.md")]


def test_names_in_decomposed_letters_are_found_by_composed_ones_and_the_reverse(library, docs):
    """macOS writes names and texts in decomposed letters (NFD), and keyboards write composed ones (NFC)."""
    nfc, nfd = "\u00dcbersicht.txt", "U\u0308bersicht.txt"
    (docs / nfd).write_text("Cafe\u0301 prices", encoding="utf-8")
    table = MetadataTable({nfc: {"city": "Zu\u0308rich"}})
    assert [each.path for each in library.index(docs, metadata=table).indexed] == [f"docs/{nfc}"]
    for asked in (nfc, nfd, f"docs/{nfd}", str(docs / nfd)):
        assert library.find_page(asked, 1).page.text == "Caf\u00e9 prices"
    for where in (f"file = '{nfc}'", f"file = '{nfd}'", "city = 'Z\u00fcrich'", "city = 'Zu\u0308rich'"):
        assert [hit.file for hit in library.search("prices", where=where)] == [nfc]
    library.picture(library.find_page(nfd, 1))  # finds the file
    assert library.index(docs, prune=True).skipped == 4


def test_two_files_whose_names_differ_only_in_the_form_of_accents_are_not_one_document(library, docs):
    for name in ("\u00fc.txt", "u\u0308.txt"):
        (docs / name).write_text(f"About {name}")
    report = library.index(docs)
    assert len(report.indexed) == 1
    (problem,) = report.not_indexed
    assert "only in how letters with accents are written" in problem.reason


def test_pruning_a_folder_that_is_not_there_removes_nothing(library, docs):
    shutil.rmtree(docs)
    report = library.index(docs, prune=True)
    assert (report.removed, len(report.not_indexed)) == ((), 1)
    assert len(paths(library)) == 3


def test_a_broken_file_is_named_and_the_rest_is_indexed(tmp_path, docs):
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 nonsense")
    (docs / "empty.png").write_bytes(b"")
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        report = library.index(docs)
        assert len(report.indexed) == 3
        assert sorted(os.path.basename(problem.path) for problem in report.not_indexed) == [
            "broken.pdf",
            "empty.png",
        ]
        assert all(problem.reason for problem in report.not_indexed)
        assert len(library.index(docs).not_indexed) == 2  # tried and named again


def test_the_copy_of_a_file_that_can_not_be_read_is_named_too(tmp_path, docs):
    for name in ("x.pdf", "y.pdf"):
        (docs / name).write_bytes(b"%PDF-1.7 nonsense")
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        problems = library.index(docs).not_indexed
    assert [os.path.basename(problem.path) for problem in problems] == ["x.pdf", "y.pdf"]


def texts(library):
    return {path: library.find_page(path, 1).page.text for path in paths(library)}


def test_a_file_that_changes_while_it_is_read_is_named_and_never_copied_from(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("a.txt", "z.txt"):
        (folder / name).write_text(APPLES)
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        problems = []
        for event in library.indexing(folder):
            if isinstance(event, Planned):
                (folder / "a.txt").write_text("Written meanwhile.")
            if isinstance(event, NotIndexed):
                problems.append(event)
        assert [problem.reason for problem in problems] == ["changed while it was being read"]
        assert texts(library).get("docs/z.txt") == APPLES
        library.index(folder)
        assert texts(library) == {"docs/a.txt": "Written meanwhile.", "docs/z.txt": APPLES}


def test_a_moved_file_and_a_new_one_in_its_place_are_both_indexed(library, docs):
    (docs / "apples.txt").rename(docs / "moved.txt")
    (docs / "apples.txt").write_text("Pears instead.")
    report = library.index(docs)
    assert actions(report) == {"docs/moved.txt": "copied", "docs/apples.txt": "replaced"}
    assert texts(library)["docs/moved.txt"] == APPLES
    assert texts(library)["docs/apples.txt"] == "Pears instead."


def test_two_files_that_swap_their_contents_both_keep_theirs(library, docs):
    (docs / "apples.txt").write_text(BRIDGES)
    (docs / "bridges.txt").write_text(APPLES)
    assert library.index(docs).not_indexed == ()
    assert texts(library) == {
        "docs/apples.txt": BRIDGES,
        "docs/bridges.txt": APPLES,
        "docs/cities.md": CITIES,
    }


def test_equal_bytes_of_another_kind_are_read_as_that_kind(tmp_path, docs):
    shutil.copy(docs / "apples.txt", docs / "apples.pdf")
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        problems = library.index(docs).not_indexed
        assert [os.path.basename(problem.path) for problem in problems] == ["apples.pdf"]
        assert "docs/apples.txt" in paths(library)


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that fails to be read: Linux")
def test_a_file_that_fails_while_it_is_hashed_is_named_and_the_rest_is_indexed(tmp_path, docs):
    (docs / "unreadable.txt").symlink_to("/proc/self/mem")
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        report = library.index(docs, follow_symlinks=True)
    assert len(report.indexed) == 3
    assert [os.path.basename(problem.path) for problem in report.not_indexed] == ["unreadable.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system whose names are bytes")
def test_a_file_whose_name_is_not_text_is_named_and_the_rest_is_indexed(tmp_path, docs):
    Path(os.fsdecode(os.fsencode(docs) + b"/caf\xe9.txt")).write_text("Coffee.")
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        report = library.index(docs)
    assert len(report.indexed) == 3
    (problem,) = report.not_indexed
    assert "caf" in problem.path and "UTF-8" in problem.reason
    json.dumps(problem.path).encode()


def test_a_touched_file_is_hashed_once_and_then_known_by_its_time(library, docs, monkeypatch):
    os.utime(docs / "apples.txt", (1, 1))
    library.index(docs)
    monkeypatch.setattr("maxsight.indexing.files.content_hash", lambda file: pytest.fail(f"hashed {file}"))
    assert library.index(docs).skipped == 3


def test_unchanged_files_are_read_again_when_asked(library, docs):
    report = library.index(docs, again=True)
    assert set(actions(report).values()) == {"replaced"}
    assert (report.skipped, library.status().pages) == (0, 3)


def test_the_last_hit_names_its_copies_too(library, docs):
    shutil.copy(docs / "apples.txt", docs / "copy.txt")
    library.index(docs)
    (hit,) = library.search("red apples", top_k=1)
    assert {hit.path, *hit.copies} == {"docs/apples.txt", "docs/copy.txt"}


def test_metadata_may_name_files_by_their_full_path(library, docs):
    library.index(docs, metadata=MetadataTable({str(docs / "apples.txt"): {"year": 2019}}))
    assert [hit.file for hit in library.search("the", where="year = 2019")] == ["apples.txt"]


def test_a_question_of_punctuation_alone_counts_as_zero(library):
    questions = [Question("1", "?!", "apples.txt", (0,)), Question("2", "red apples", "apples.txt", (0,))]
    result = library.evaluate(questions)
    assert result.measures["nDCG@5"] == 0.5
    assert "no words" in result.questions[0].problem


def test_a_question_whose_page_is_not_in_the_file_has_a_problem_and_counts_as_zero(library):
    questions = [Question(str(page), "red apples", "apples.txt", (0, page)) for page in (0, 1)]
    there, beyond = library.evaluate(questions).questions
    assert (there.problem, beyond.problem) == (
        None,
        "apples.txt has no page 1: page_indices run from 0 to 0",
    )
    assert beyond.measures["recall@1"] == 0


def test_a_question_whose_file_could_be_several_has_a_problem_and_counts_as_zero(library, docs):
    (docs / "old").mkdir()
    (docs / "old" / "apples.txt").write_text("Green apples.")
    library.index(docs)
    questions = [
        Question(str(number), "red apples", file, (0,))
        for number, file in enumerate(["apples.txt", "docs/apples.txt", "aples.txt"])
    ]
    by_name, by_path, misspelt = library.evaluate(questions).questions
    assert by_name.problem == (
        "'apples.txt' fits 2 documents: docs/apples.txt, docs/old/apples.txt; name one of them by its path"
    )
    assert (by_path.problem, by_path.measures["recall@1"]) == (None, 1)
    assert "'aples.txt' is not in the library (4 documents); did you mean docs/apples.txt" in misspelt.problem


def test_a_page_is_not_drawn_on_a_file_that_has_changed(library, docs, tmp_path):
    Image.new("RGB", (80, 60), "white").save(docs / "white.png")
    library.index(docs, settings=ReadSettings(ocr=OcrChoice.NONE))
    (docs / "white.png").write_bytes(b"something else")
    row = library.find_page("white.png", 1)
    with pytest.raises(UnreadableDocumentError, match="has changed since it was indexed"):
        check_unchanged(docs / "white.png", row.document)


def test_stopping_early_keeps_what_was_committed_and_the_next_run_does_the_rest(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(400):  # more than can be under way when the first commit is told of
        (folder / f"{number:03}.txt").write_text(f"Document number{number}.")
    with Library.create(tmp_path / "l.library", encoder="fake") as library:
        events = library.indexing(folder)
        for event in events:
            if isinstance(event, Indexed):
                break
        events.close()
        kept = len(paths(library))
        assert 64 <= kept < 400
        report = library.index(folder)
        assert (report.skipped, len(report.indexed)) == (kept, 400 - kept)
        assert len(paths(library)) == 400


def test_metadata_filters_and_can_be_changed_without_reading_again(library, docs):
    library.index(docs, metadata=MetadataTable({"apples.txt": {"year": 2019}, "bridges.txt": {"year": 2024}}))
    assert [hit.file for hit in library.search("the", where="year >= 2020")] == ["bridges.txt"]
    assert [hit.file for hit in library.search("the", where="year IS NULL")] == ["cities.md"]
    report = library.index(docs, metadata=MetadataTable({"apples.txt": {"year": 2025}}))
    assert report.pages == 0
    assert {hit.file: hit.metadata for hit in library.search("the", where="year >= 2020")} == {
        "apples.txt": {"year": 2025}, "bridges.txt": {"year": 2024},
    }  # fmt: skip


def test_metadata_survives_a_changed_file(library, docs):
    library.index(docs, metadata=MetadataTable({"apples.txt": {"year": 2019}}))
    (docs / "apples.txt").write_text("Pears instead.")
    library.index(docs)
    assert library.search("pears", where="year = 2019")[0].file == "apples.txt"


def test_metadata_of_another_type_is_refused_before_anything_is_read(library, docs):
    library.index(docs, metadata=MetadataTable({"apples.txt": {"year": 2019}}))
    (docs / "new.txt").write_text("New.")
    with pytest.raises(InputError, match="'year'"):
        library.index(docs, metadata=MetadataTable({"apples.txt": {"year": "MMXIX"}}))
    assert "docs/new.txt" not in paths(library)


def test_an_unknown_field_is_refused_with_the_known_ones(library):
    with pytest.raises(FilterError, match="page_number"):
        library.search("the", where="colour = 'red'")


def test_removed_documents_are_not_found(library):
    assert library.remove(["apples.txt"]) == ["docs/apples.txt"]
    assert "apples.txt" not in [hit.file for hit in library.search("red apples", top_k=9)]


def test_removing_is_all_or_nothing(library):
    with pytest.raises(InputError, match="nowhere"):
        library.remove(["apples.txt", "nowhere.txt"])
    assert "docs/apples.txt" in paths(library)


def test_an_explanation_sums_to_the_score(library):
    hit = library.search("orchard cider")[0]
    explanation = library.explain("orchard cider", hit.file, hit.page_number)
    assert explanation.score == pytest.approx(hit.score, abs=1e-5)
    assert sum(gain.score for gain in explanation.regions) == pytest.approx(hit.score, abs=1e-5)
    assert {gain.region.text for gain in explanation.regions} == {"orchard", "cider"}


def test_a_text_page_can_be_drawn_with_its_matches(library):
    explanation = library.explain("orchard cider", "apples.txt", 1)
    picture = np.asarray(library.draw(explanation), dtype=int)
    page = picture[:, : picture.shape[1] - 520]
    reddish = (page[:, :, 0] - page[:, :, 2]) > 60
    assert 100 < reddish.sum() < reddish.size / 20


@pytest.mark.parametrize("page_number", [0, 2, -1])
def test_a_page_that_is_not_there_is_refused(library, page_number):
    with pytest.raises(InputError, match="not in the library"):
        library.explain("apples", "apples.txt", page_number)


def test_a_library_of_another_encoder_is_refused_with_both_named(library, tmp_path):
    with pytest.raises(EncoderMismatchError, match=r"indexed with fake .* not with minilm"):
        Library.open(tmp_path / "test.library", encoder="minilm")


def test_a_library_that_is_not_there_is_named_with_the_next_step(tmp_path):
    with pytest.raises(LibraryNotFoundError, match=r"nowhere\.library") as caught:
        Library.open(tmp_path / "nowhere.library")
    assert "maxsight index" in caught.value.hint


def test_a_project_can_be_moved_with_its_library(library, docs, tmp_path):
    library.close()
    (tmp_path / "moved").mkdir()
    shutil.move(docs, tmp_path / "moved" / "docs")
    shutil.move(tmp_path / "test.library", tmp_path / "moved" / "test.library")
    with Library.open(tmp_path / "moved" / "test.library") as moved:
        assert moved.index(tmp_path / "moved" / "docs").skipped == 3


def test_what_can_not_be_read_does_not_shake_events_out_of_order(library, docs):
    (docs / "broken.pdf").write_bytes(b"not a pdf")
    kinds = [type(event) for event in library.indexing(docs)]
    assert kinds == [Found, Skipped, Found, Skipped, Found, Found, Skipped, Planned, NotIndexed]


def test_a_question_without_an_answer_says_so(library):
    result = library.evaluate([Question("q", "apples", "apples.txt", ())])
    assert result.questions[0].problem == "it names no page as its answer (page_indices is empty)"


def test_an_export_holds_every_page_with_its_vectors(library, tmp_path):
    import pyarrow.parquet as pq

    assert library.export(tmp_path / "pages.parquet") == 3
    table = pq.read_table(tmp_path / "pages.parquet").to_pylist()
    apples = next(row for row in table if row["file"] == "apples.txt")
    stored = library.find_page("apples.txt", 1)
    np.testing.assert_array_equal(
        np.array(apples["vectors"], np.float32), stored.embedding.vectors.astype(np.float32)
    )
    assert apples["text"] == stored.page.text
    assert len(apples["spans"]) == len(apples["vectors"])
    assert (apples["page_number"], apples["page_count"], apples["text_source"]) == (1, 1, "file")
    assert not list(tmp_path.glob("*.part"))


def test_the_status_counts_what_is_there(library):
    status = library.status()
    assert (status.documents, status.incomplete, status.pages) == (3, 0, 3)
    assert status.vectors == sum(len(text.split()) for text in (APPLES, BRIDGES, CITIES))
    assert status.size_bytes > 1000


def test_a_moved_document_keeps_its_fields(library, docs):
    library.index(docs, metadata=MetadataTable({"apples.txt": {"year": 2019}}))
    (docs / "apples.txt").rename(docs / "renamed.txt")
    library.index(docs, prune=True)
    assert [hit.file for hit in library.search("the", where="year = 2019")] == ["renamed.txt"]


def test_a_library_is_made_when_it_is_opened_so(tmp_path):
    with Library.open(tmp_path / "new.library", encoder="fake", create=True) as library:
        assert library.search("anything") == []
    with Library.open(tmp_path / "new.library", create=True) as library:
        assert library.space.encoder == "fake"


@pytest.mark.parametrize("factor", [0, -1])
def test_a_library_is_not_made_with_a_pool_factor_below_1(tmp_path, factor):
    with pytest.raises(InputError, match="pool_factor must be a whole number from 1"):
        Library.open(tmp_path / "new.library", encoder="fake", create=True, pool_factor=factor)


def test_a_file_is_no_library(tmp_path):
    (tmp_path / "note.txt").write_text("x")
    for call in (Library.open, Library.create):
        with pytest.raises(InputError, match=r"note\.txt is a file"):
            call(tmp_path / "note.txt")


def test_a_backup_does_not_go_into_the_library_itself(library):
    with pytest.raises(InputError, match="is in the library itself"):
        library.backup(library.path / "copy")


def test_documents_are_listed_by_a_filter_and_as_they_are_now(library, docs):
    def files(where=None):
        return [entry.document.file for entry in library.documents(where)]

    assert files() == ["apples.txt", "bridges.txt", "cities.md"]
    assert files("file LIKE '%.txt' AND page_number = 1") == ["apples.txt", "bridges.txt"]
    assert files("page_number > 1") == []
    with pytest.raises(FilterError):
        files("colour = 'red'")
    before = library.version
    library.remove(["apples.txt"])
    assert library.version != before
    assert files() == ["bridges.txt", "cities.md"]
    with Library.open(library.path) as other:
        other.remove(["cities.md"])
    assert files() == ["bridges.txt"]


def test_a_file_is_encoded_as_for_indexing_and_not_stored(library, docs):
    (encoded,) = library.encode_file(docs / "apples.txt")
    stored = library.find_page("apples.txt", 1).embedding
    assert np.allclose(encoded.vectors, stored.vectors, atol=1e-3)
    assert np.array_equal(encoded.regions.spans, stored.regions.spans)
    (docs / "new.txt").write_text("Nothing to see.")
    library.encode_file(docs / "new.txt")
    assert len(library.documents()) == 3
    with pytest.raises(UnreadableDocumentError):
        library.encode_file(docs / "missing.pdf")

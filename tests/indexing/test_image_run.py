"""Data files whose rows are pages: which page of which document each is, what is new, and what can't be used."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from colour_encoder import ColourEncoder
from maxsight import Library
from maxsight.documents import ImageFields, OcrChoice, PageFailed, PageRead, ReadSettings, read_documents
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.indexing import encoding as encoding_module
from maxsight.indexing import image_rows
from page_rows import FIELDS, page_row, png, write_rows

NO_OCR = ReadSettings(ocr=OcrChoice.NONE)


@pytest.fixture
def library(tmp_path):
    with Library.create(tmp_path / "test.library", encoder=ColourEncoder(), settings=NO_OCR) as library:
        yield library


def stored(library):
    return {entry.document.path: [index + 1 for index in entry.page_indices] for entry in library.documents()}


def reasons(report):
    return [problem.reason for problem in report.not_indexed]


REPORT = [
    page_row(7, "report", 1, "red"),
    page_row(8, "report", 2, "green"),
    page_row(9, "report", 4, "blue"),
]
LETTER = [page_row(3, "letter", 12, "white")]


def test_a_row_is_the_page_of_the_document_that_it_names(library, tmp_path):
    file = write_rows(tmp_path / "corpus.parquet", REPORT[1], LETTER[0], REPORT[2], REPORT[0])
    report = library.index(file, records=FIELDS)
    assert report.not_indexed == ()
    assert stored(library) == {"corpus.parquet#letter": [12], "corpus.parquet#report": [1, 2, 4]}
    assert all(entry.complete for entry in library.documents())
    hit = library.search("blue", top_k=1)[0]
    assert (hit.file, hit.page_number, hit.snippet) == ("corpus.parquet#report", 4, "A page of blue")
    assert (hit.metadata["corpus_id"], hit.metadata["doc_id"]) == (9, "report")
    assert library.find_page("report", 4).page.text == "A page of blue", "a document is found by its group"


def test_the_picture_of_a_hit_is_its_rows_image(library, tmp_path):
    library.index(write_rows(tmp_path / "corpus.parquet", *REPORT), records=FIELDS)
    image = library.picture(library.find_page("report", 4)).image
    assert image.size == (100, 140)
    assert image.getpixel((50, 70)) == (0, 0, 255)
    assert library.search("green", top_k=1)[0].heatmap().size[0] > 100


def test_a_picture_is_refused_where_the_row_has_another_image_now(library, tmp_path):
    file = write_rows(tmp_path / "corpus.parquet", *REPORT)
    library.index(file, records=FIELDS)
    write_rows(file, *reversed(REPORT))
    with pytest.raises(UnreadableDocumentError, match="row 1: its image has changed since it was indexed"):
        library.picture(library.find_page("report", 1))


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_documents_pages_may_be_in_several_shards(kind, library, tmp_path):
    first = write_rows(tmp_path / "data" / f"test-00000-of-00002.{kind}", *REPORT[:2], row_group_size=1)
    write_rows(tmp_path / "data" / f"test-00001-of-00002.{kind}", *LETTER, REPORT[2])
    (tmp_path / "data" / "dataset_info.json").write_text("{}")
    assert library.index(tmp_path / "data", records=FIELDS).pages == 4
    name = f"data/test-*.{kind}"
    assert stored(library) == {f"{name}#letter": [12], f"{name}#report": [1, 2, 4]}
    image = library.picture(library.find_page("report", 4)).image
    assert image.getpixel((9, 9)) == (0, 0, 255), "of the second shard"
    assert library.index(first, records=FIELDS).skipped == 2, "one shard stands for all"


def test_a_missing_shard_is_noticed_and_other_tables_of_a_folder_are_passed_over(library, tmp_path):
    write_rows(tmp_path / "data" / "test-00000-of-00003.parquet", *REPORT)
    write_rows(tmp_path / "data" / "queries.parquet", {"query_id": 1, "query": "blue?"})
    report = library.index(tmp_path / "data", records=FIELDS)
    assert report.notices == (
        "passed over queries.parquet, which has no column 'image'",
        "2 of the 3 shards of test-*.parquet are not there",
    )
    assert report.pages == 3 and report.not_indexed == ()


def test_numbers_from_0_become_numbers_from_1(library, tmp_path):
    rows = [page_row(number, "report", number, colour) for number, colour in enumerate(["red", "blue"])]
    report = library.index(write_rows(tmp_path / "corpus.parquet", *rows), records=FIELDS)
    assert report.notices == ("pages are numbered from 0 in corpus.parquet; its page 0 is page 1 here",)
    hit = library.search("blue", top_k=1)[0]
    assert (hit.page_number, hit.metadata["page_number_in_doc"]) == (2, 1)


def test_a_page_0_that_comes_later_moves_all_pages(library, tmp_path):
    file = write_rows(tmp_path / "corpus.parquet", *REPORT)
    library.index(file, records=FIELDS)
    library.index(write_rows(file, *REPORT, page_row(1, "letter", 0, "white")), records=FIELDS)
    assert stored(library) == {"corpus.parquet#letter": [1], "corpus.parquet#report": [2, 3, 5]}
    assert library.picture(library.find_page("report", 5)).image.getpixel((9, 9)) == (0, 0, 255)


def test_the_fields_of_a_row_belong_to_its_page(library, tmp_path):
    rows = [
        {**REPORT[0], "year": 2023, "note": "x" * 1001, "tags": ["a"], "file": "taken"},
        {**REPORT[1], "year": 2023, "note": "short", "tags": [], "file": "taken"},
    ]
    report = library.index(write_rows(tmp_path / "corpus.parquet", *rows), records=FIELDS)
    assert report.notices == ("texts of more than 1,000 characters are not kept as fields: note",)
    (entry,) = library.documents()
    assert entry.metadata == {"doc_id": "report", "year": 2023}, "what all pages share"
    assert [fields["corpus_id"] for fields in entry.page_fields] == [7, 8]
    assert [hit.page_number for hit in library.search("red green", where="corpus_id = 8")] == [2]
    assert [entry.document.path for entry in library.documents("note = 'short'")] == ["corpus.parquet#report"]
    assert library.documents("corpus_id = 9") == []


def test_chosen_fields_are_the_only_ones(library, tmp_path):
    fields = ImageFields("image", document="doc_id", metadata=("corpus_id",))
    library.index(write_rows(tmp_path / "corpus.parquet", *REPORT), records=fields)
    (entry,) = library.documents()
    assert entry.page_indices == (0, 1, 2), "numbered in the order of the rows"
    assert set(entry.page_fields[0]) == {"corpus_id", "source_row"}


def test_rows_without_a_document_are_documents_of_their_own(library, tmp_path):
    file = write_rows(tmp_path / "corpus.parquet", *REPORT)
    library.index(file, records=ImageFields("image", id="corpus_id"))
    assert stored(library) == {f"corpus.parquet#{name}": [1] for name in (7, 8, 9)}


def test_nothing_is_read_twice_wherever_the_rows_stand(library, tmp_path):
    file = write_rows(tmp_path / "corpus.parquet", *REPORT, *LETTER)
    library.index(file, records=FIELDS)
    write_rows(file, *LETTER, *reversed(REPORT))
    again = library.index(file, records=FIELDS)
    assert (again.skipped, again.indexed) == (2, ())
    assert library.picture(library.find_page("report", 4)).image.getpixel((9, 9)) == (0, 0, 255), (
        "found again"
    )
    assert library.documents()[1].page_fields[2]["corpus_id"] == 9
    changed = library.index(write_rows(file, *LETTER, *REPORT[:2]), records=FIELDS)
    assert [(each.path, each.action, each.pages) for each in changed.indexed] == [
        ("corpus.parquet#report", "replaced", 2)
    ]
    assert stored(library) == {"corpus.parquet#letter": [12], "corpus.parquet#report": [1, 2]}


def test_a_stopped_run_goes_on_where_it_was(library, tmp_path, monkeypatch):
    monkeypatch.setattr(encoding_module, "PAGES_PER_COMMIT", 1)
    colours = ["red", "green", "blue", "white"] * 5
    rows = [
        page_row(number, f"report {number % 3}", number + 1, colour) for number, colour in enumerate(colours)
    ]
    file = write_rows(tmp_path / "corpus.parquet", *rows)
    events = library.indexing(file, records=FIELDS)
    for event in events:
        if getattr(event, "pages", 0) == 8:
            break
    events.close()
    before = library.status().pages
    assert 0 < before < 20
    report = library.index(file, records=FIELDS)
    assert report.pages == 20 - before
    assert sum(map(len, stored(library).values())) == 20
    assert all(entry.complete for entry in library.documents())


def test_rows_that_fail_as_one_leave_the_others_in_their_places(library, tmp_path, monkeypatch):
    """Many failures alike are one event, and the rows after them belong to their own documents."""
    rows = [page_row(number, f"gone {number}", 1, "white") for number in range(10)]
    file = write_rows(tmp_path / "corpus.parquet", REPORT[0], *rows, LETTER[0], REPORT[2])

    def failing(*arguments, **options):
        for event in read_documents(*arguments, **options):
            if not isinstance(event, PageRead) or event.page.page_index not in range(1, 11):
                yield event
            elif event.page.page_index == 1:
                reason = "it needs more memory than there is (10 pages in a row, to page 11)"
                yield PageFailed(event.job, UnreadableDocumentError(file, reason, page_number=2))

    monkeypatch.setattr(image_rows, "read_documents", failing)
    report = library.index(file, records=FIELDS)
    assert reasons(report) == ["row 2: it needs more memory than there is (10 pages in a row, to page 11)"]
    assert stored(library) == {"corpus.parquet#letter": [12], "corpus.parquet#report": [1, 4]}
    assert library.find_page("report", 4).page.text == "A page of blue"
    assert library.find_page("letter", 12).page.text == "A page of white"


def test_groups_that_are_gone_stay_until_they_are_pruned(library, tmp_path):
    file = write_rows(tmp_path / "data" / "test-00000-of-00001.parquet", *REPORT, *LETTER)
    library.index(file, records=FIELDS)
    write_rows(file, *REPORT)
    assert (
        "(data/test-*.parquet#letter); `prune` removes them" in library.index(file, records=FIELDS).notices[0]
    )
    (tmp_path / "data" / "other.txt").write_text("text")
    library.index(tmp_path / "data", prune=True)
    assert len(stored(library)) == 3, "the shards are there"
    assert library.index(file, records=FIELDS, prune=True).removed == ("data/test-*.parquet#letter",)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_images_may_be_files(kind, library, tmp_path):
    folder = tmp_path / "data"
    (folder / "pages").mkdir(parents=True)
    (folder / "pages" / "1.png").write_bytes(png("red"))
    rows = [{"doc": "a", "image": "pages/1.png"}, {"doc": "b", "image": "pages/2.png"}]
    file = folder / f"corpus.{kind}"
    if kind == "parquet":
        write_rows(file, *rows)
    elif kind == "csv":
        with file.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ["doc", "image"])
            writer.writeheader()
            writer.writerows(rows)
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = library.index(file, records=ImageFields("image", document="doc"))
    assert stored(library) == {f"data/corpus.{kind}#a": [1]}
    assert "the image 'pages/2.png' can't be opened (No such file or directory)" in reasons(report)[0]
    assert library.picture(library.find_page("a", 1)).image.getpixel((5, 5)) == (255, 0, 0)


def test_each_row_that_cant_be_used_is_named_and_the_others_are_indexed(library, tmp_path):
    rows = [
        *REPORT,
        page_row(10, "report", 2, "white"),
        {**page_row(11, "report", 5, "white"), "image": {"bytes": None, "path": None}},
        page_row(12, "report", None, "white"),
        page_row(13, None, 6, "white"),
        {**page_row(14, "report", 7, "white"), "image": {"bytes": b"GIF89a....", "path": None}},
        {**page_row(15, "letter", 1, "white"), "image": {"bytes": png("red")[:60], "path": None}},
    ]
    report = library.index(write_rows(tmp_path / "corpus.parquet", *rows), records=FIELDS)
    assert reasons(report) == [
        "row 4: page 2 of 'report' is in row 2 of corpus.parquet already",
        "row 5: there is no image in 'image'",
        "row 6: 'page_number_in_doc' is empty",
        "row 7: 'doc_id' is empty",
        "row 8: it is given as an image but is not a PNG, JPEG, TIFF, WebP, GIF, AVIF, HEIC or JPEG 2000",
        "row 9: it is damaged (image file is truncated)",
    ]
    assert stored(library) == {"corpus.parquet#report": [1, 2, 4]}
    (entry,) = library.documents()
    assert not entry.complete, "the next run tries the broken image again"


@pytest.mark.parametrize(
    ("number", "complaint"),
    [(-1, "got '-1'"), (1.5, "got '1.5'"), ("two", "got 'two'"), (float("nan"), "got 'nan'")],
)
def test_what_is_no_page_number_is_named(library, tmp_path, number, complaint):
    report = library.index(
        write_rows(tmp_path / "c.parquet", page_row(1, "a", number, "red")), records=FIELDS
    )
    assert reasons(report) == [f"row 1: 'page_number_in_doc' must be the number of a page, {complaint}"]


def test_a_missing_column_and_options_for_documents_are_refused(library, tmp_path):
    file = write_rows(tmp_path / "corpus.parquet", *REPORT)
    report = library.index(file, records=ImageFields("picture"))
    assert reasons(report) == ["it has no column 'picture'"]
    assert "corpus_id, image, doc_id" in report.not_indexed[0].hint
    with pytest.raises(InputError, match="quality: not for records"):
        library.index(file, records=FIELDS, quality=True)
    with pytest.raises(InputError, match=r"there is no file or folder .*none\.parquet"):
        library.index(tmp_path / "none.parquet", records=FIELDS)
    assert stored(library) == {}


def test_text_without_ocr_serves_encoders_of_text_and_is_drawn_itself(tmp_path):
    with Library.create(tmp_path / "t.library", encoder=FakeEncoder(), settings=NO_OCR) as library:
        library.index(write_rows(tmp_path / "corpus.parquet", *REPORT), records=FIELDS)
        hit = library.search("blue", top_k=1)[0]
        assert (hit.page_number, hit.matches[0].region.text, hit.matches[0].region.box) == (4, "blue", None)
        drawn = library.picture(library.find_page("report", 4))
        assert drawn.image.width == 1240 and len(drawn.boxes) == 4, "where the words are is known there"


def test_an_image_of_one_colour_is_the_page_that_the_encoder_sees(library, tmp_path):
    library.index(write_rows(tmp_path / "corpus.parquet", *REPORT), records=FIELDS)
    file = tmp_path / "red.png"
    Image.new("RGB", (100, 140), "red").save(file)
    of_file = library.encode_file(file)[0].vectors
    of_row = library.find_page("report", 1).embedding.vectors
    np.testing.assert_allclose(np.asarray(of_row, np.float32), of_file, atol=1e-3)

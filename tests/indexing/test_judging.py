"""Pages judged by their pictures once they are stored, by a judge whose numbers can be told from the picture."""

import os

import numpy as np
import pytest
from PIL import Image
from stages import GatedEncoder, GatedStore

from maxsight import Library
from maxsight.documents import OcrChoice, ReadSettings
from maxsight.errors import InputError
from maxsight.indexing import Indexed, IndexReport, IndexRun, Judged, Noticed, judges, judging
from maxsight.indexing.metadata import MetadataTable
from maxsight.pictures import Fit, PictureFit
from maxsight.quality.features import FeatureSpace, Layer, PagePooling
from maxsight.quality.predictor import QualityPredictor
from pdf_files import write_pdf


class DarknessJudge:
    """Predicts as many wrong characters as the picture is dark."""

    def __init__(self, revision="1"):
        self.revision = revision
        self.seen = []

    dpi = 36
    picture = PictureFit(Fit.MULTIPLE, multiple_px=1, min_pixels=1, max_pixels=10**6)

    def page_fields(self, picture):
        self.seen.append(picture.shape)
        return {"predicted_cer": round(1 - float(picture.mean()) / 255, 4)}


@pytest.fixture
def scans(tmp_path):
    """Three pictures, white, grey and black, a PDF with two pages of text, and a text."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name, level in (("black", 0), ("grey", 127), ("white", 255)):
        Image.new("L", (60, 80), level).save(folder / f"{name}.png")
    write_pdf(folder / "own-text.pdf", [[(72, 144, "A page with text")], [(72, 144, "Another page " * 5)]])
    (folder / "notes.txt").write_text("Nothing to look at")
    return folder


def run(store, folder, judge, **options):
    given = {"settings": ReadSettings(ocr=OcrChoice.NONE), "workers": 1, **options}
    return IndexRun(store, GatedEncoder(), folder, [folder], given, judge=judge).events()


def rates(store):
    return {
        (entry.document.path, index + 1): fields.get("predicted_cer")
        for entry in store.documents()
        for index, fields in zip(entry.page_indices, entry.page_fields, strict=True)
    }


def test_every_page_with_a_picture_gets_its_own_number_and_a_text_gets_none(scans):
    store, judge = GatedStore(), DarknessJudge()
    list(run(store, scans, judge))
    found = rates(store)
    assert (found["black.png", 1], found["grey.png", 1], found["white.png", 1]) == (1.0, 0.502, 0.0)
    assert found["own-text.pdf", 1] != found["own-text.pdf", 2]
    assert found["notes.txt", 1] is None
    assert (396, 306, 3) in judge.seen, "letter paper at 36 dpi"


def test_pages_that_only_ocr_can_read_and_will_misread_are_reported_worst_first(scans):
    class AllBad(DarknessJudge):
        def page_fields(self, picture):
            return {"predicted_cer": 0.3 + super().page_fields(picture)["predicted_cer"] / 2}

    report = IndexReport.of(run(GatedStore(), scans, AllBad()), 1.0)
    assert report.judged == 5
    assert [page.path for page in report.unreadable] == ["black.png", "grey.png", "white.png"]


def test_a_library_indexed_without_it_is_completed_and_nothing_is_judged_twice(scans):
    store, judge = GatedStore(), DarknessJudge()
    list(run(store, scans, None))
    assert set(rates(store).values()) == {None}
    events = list(run(store, scans, judge))
    assert not [event for event in events if isinstance(event, Indexed)]
    assert len(judge.seen) == 5
    list(run(store, scans, judge))
    assert len(judge.seen) == 5


def test_another_judge_judges_anew(scans):
    store = GatedStore()
    list(run(store, scans, DarknessJudge("1")))
    judge = DarknessJudge("2")
    list(run(store, scans, judge))
    assert len(judge.seen) == 5


def test_a_page_that_gets_no_number_is_not_asked_for_again(scans):
    class Silent(DarknessJudge):
        def page_fields(self, picture):
            super().page_fields(picture)
            return {"quality_note": "the page is blank"}

    store, judge = GatedStore(), Silent()
    for _ in range(2):
        list(run(store, scans, judge))
    assert len(judge.seen) == 5


def test_the_users_fields_come_and_go_and_the_predictions_stay(scans):
    store = GatedStore()
    list(run(store, scans, DarknessJudge()))
    before = rates(store)
    for fields in ({"year": 2020}, {"place": "Delft"}):
        list(run(store, scans, None, metadata=MetadataTable({"black.png": fields})))
        entry = store.documents()[0]
        assert (entry.document.path, entry.metadata) == ("black.png", fields)
    assert rates(store) == before


def test_a_changed_page_loses_its_number_and_the_run_says_so(scans):
    store = GatedStore()
    list(run(store, scans, DarknessJudge()))
    Image.new("L", (61, 80), 255).save(scans / "black.png")
    events = list(run(store, scans, None))
    assert rates(store)["black.png", 1] is None
    assert [str(event) for event in events if isinstance(event, Noticed)] == [
        "1 page lacks the error rates that others have: index again with --quality (quality=True in Python)"
    ]
    list(run(store, scans, DarknessJudge()))
    assert rates(store)["black.png", 1] == 0.0


def test_what_was_seen_of_a_file_that_changes_meanwhile_is_not_kept(scans):
    class Painter(DarknessJudge):
        def page_fields(self, picture):
            Image.new("L", (300, 200), 9).save(scans / "grey.png")
            return super().page_fields(picture)

    store = GatedStore()
    list(run(store, scans, Painter()))
    assert rates(store)["grey.png", 1] is None
    assert rates(store)["black.png", 1] == 1.0


def test_stopped_early_what_was_judged_is_kept(scans, monkeypatch):
    monkeypatch.setattr(judging, "PAGES_PER_COMMIT", 2)
    store = GatedStore()
    for event in (events := run(store, scans, DarknessJudge())):
        if isinstance(event, Judged):
            break
    events.close()
    assert len([rate for rate in rates(store).values() if rate is not None]) >= 2


def test_a_file_that_cant_be_drawn_is_named_and_the_others_are_judged(scans):
    store = GatedStore()
    list(run(store, scans, None))
    content = (scans / "black.png").read_bytes()
    times = (scans / "black.png").stat()
    (scans / "black.png").write_bytes(b"\0" * len(content))
    os.utime(scans / "black.png", ns=(times.st_atime_ns, times.st_mtime_ns))
    events = list(run(store, scans, DarknessJudge()))
    (notice,) = [event.message for event in events if isinstance(event, Noticed)]
    assert notice.startswith("not judged: ") and "black.png" in notice
    assert rates(store)["white.png", 1] == 0.0


def test_a_copy_keeps_what_was_said_of_its_twin(scans):
    store = GatedStore()
    list(run(store, scans, DarknessJudge()))
    (scans / "twin.png").write_bytes((scans / "black.png").read_bytes())
    judge = DarknessJudge()
    list(run(store, scans, judge, metadata=MetadataTable({"twin.png": {"year": 1}})))
    assert rates(store)["twin.png", 1] == 1.0
    assert judge.seen == []


def test_a_field_of_the_user_cant_take_the_name_of_a_prediction():
    with pytest.raises(InputError, match="'predicted_cer' has the name"):
        MetadataTable({"a.png": {"predicted_cer": 0.5}})


def test_pages_of_a_library_are_filtered_by_what_is_predicted(scans):
    with Library.create(scans / "test.library", encoder="fake") as library:
        library.index(scans, quality=DarknessJudge(), settings=ReadSettings(ocr=OcrChoice.NONE))
        (hit,) = library.search("page", where="predicted_cer > 0 AND page_number = 2")
        assert (hit.file, hit.page_number, hit.metadata["quality_model"]) == ("own-text.pdf", 2, "1")
        assert library.verify().pages == 6


def test_a_model_that_needs_a_reading_is_refused_before_anything_is_read(scans):
    from maxsight.quality.model_file import load_predictor

    shipped = load_predictor()
    space = shipped.space
    after = FeatureSpace(
        space.encoder, space.revision, space.dim, Layer.VECTORS, PagePooling.CONCAT_TEXT, True
    )
    model = QualityPredictor(after, shipped.targets, shipped.familiarity, {})
    store = GatedStore()
    with pytest.raises(InputError, match="together with what OCR read"):
        list(run(store, scans, model))
    assert store.page_count() == 0


def test_the_shipped_model_is_a_judge_with_a_revision_of_its_own():
    from maxsight.quality.model_file import load_predictor

    judge = load_predictor()
    assert judge.revision == load_predictor().revision
    assert judge.revision.startswith("patches-")
    assert judge.dpi == 150
    blank = judge.page_fields(np.full((1650, 1275, 3), 255, np.uint8))
    assert "predicted_cer" not in blank and "blank" in blank["quality_note"]


LACKING = "4 pages lack the error rates that others have: index again with --quality (quality=True in Python)"


class TestALibraryThatWasJudged:
    """By the model that comes with maxsight, for which a judge stands here."""

    @pytest.fixture(autouse=True)
    def ours(self, monkeypatch):
        monkeypatch.setattr(judges, "load_judge", lambda: DarknessJudge("ours"))

    @pytest.fixture
    def library(self, scans):
        with Library.create(scans / "test.library", encoder="fake") as library:
            yield library

    def judged(self, library, scans, by, **options):
        """How many pages are judged by themselves, and what is said, once a first page was judged by someone."""
        given = {"settings": ReadSettings(ocr=OcrChoice.NONE), "workers": 1}
        library.index(scans / "white.png", quality=by, **given)
        report = library.index(scans, **given, **options)
        return report.judged, report.notices

    def test_goes_on_being_judged(self, library, scans):
        assert self.judged(library, scans, DarknessJudge("ours")) == (4, ())

    def test_is_not_if_that_is_refused(self, library, scans):
        judged, notices = self.judged(library, scans, DarknessJudge("ours"), quality=False)
        assert judged == 0
        assert notices == (LACKING,)

    def test_by_no_other_model_than_its_own(self, library, scans):
        judged, notices = self.judged(library, scans, DarknessJudge("theirs"))
        assert judged == 0
        assert notices == (LACKING,)

    def test_is_indexed_all_the_same_where_nobody_can_judge(self, library, scans, monkeypatch):
        def broken():
            raise InputError("the model is damaged")

        monkeypatch.setattr(judges, "load_judge", broken)
        judged, notices = self.judged(library, scans, DarknessJudge("ours"))
        assert (judged, library.verify().pages) == (0, 6)
        assert "these pages are not judged: the model is damaged" in notices

    def test_one_that_was_not_is_left_so(self, library, scans):
        assert self.judged(library, scans, False) == (0, ())

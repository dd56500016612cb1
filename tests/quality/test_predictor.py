import csv
import json
import shutil
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.quality.bulk import PageQuality, predict_documents, sort_worst_first, write_predictions
from maxsight.quality.familiarity import Familiarity
from maxsight.quality.features import FeatureSpace, Layer, PagePooling, load_extractor
from maxsight.quality.model_file import DEFAULT_MODEL, MODELS, load_predictor, save_predictor
from maxsight.quality.prediction import Estimate, Prediction, Target
from maxsight.quality.predictor import QualityPredictor
from maxsight.quality.training.degrade import degrade
from page_pictures import page_picture


@pytest.fixture(scope="module")
def predictor():
    return load_predictor()


def cer(predictor, picture):
    return predictor.predict(picture).estimates[Target.CER]


@pytest.mark.parametrize(
    ("name", "severity"), [("blur", 0.6), ("motion", 0.9), ("noise", 0.7), ("shadow", 1.0)]
)
def test_a_damaged_page_is_predicted_worse_than_the_clean_one(predictor, name, severity):
    picture = page_picture(1275, 1650, size=20)
    clean = cer(predictor, picture)
    bad = cer(predictor, degrade(picture, name, severity, seed=1).picture)
    assert clean.value < 0.15
    assert bad.value > clean.value + 0.15
    assert 0 <= clean.low <= clean.value <= clean.high <= 1


def test_both_error_rates_are_predicted(predictor):
    estimates = predictor.predict(page_picture()).estimates
    assert set(estimates) == set(Target)


def test_light_ink_on_dark_paper_is_judged_as_dark_ink_on_light_paper(predictor):
    page = page_picture(1275, 1650, size=20)
    assert predictor.predict(255 - page) == predictor.predict(page)
    blueprint = np.stack([255 - page, np.maximum(255 - page, 40), np.maximum(255 - page, 120)], axis=2)
    assert cer(predictor, blueprint).value < 0.15


def test_colour_and_grey_are_predicted_the_same(predictor):
    grey = page_picture()
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    assert cer(predictor, grey).value == pytest.approx(cer(predictor, rgb).value, abs=1e-6)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full((900, 700), 255, np.uint8), "blank"),
        (np.kron(np.tri(3, 2), np.full((300, 350), 255)).astype(np.uint8), "nothing of a character's size"),
        (np.full((10, 10), 0, np.uint8), "10 x 10 pixels"),
        (np.random.default_rng(0).integers(0, 255, (900, 700)).astype(np.uint8), "no text can be made out"),
    ],
)
def test_a_picture_without_text_gets_a_reason_and_no_number(predictor, picture, reason):
    prediction = predictor.predict(picture)
    assert not prediction.estimates
    assert reason in prediction.refusal


def test_a_photograph_has_no_error_rate(predictor):
    from sklearn.datasets import load_sample_images

    for photograph in load_sample_images().images:
        assert "no text can be made out" in predictor.predict(photograph).refusal


def test_a_page_on_its_side_is_judged_as_if_upright(predictor):
    upright = page_picture()
    sideways = np.ascontiguousarray(np.rot90(upright, -1))
    prediction = predictor.predict(sideways)
    assert "is sideways" in prediction.warning
    assert prediction.estimates[Target.CER].value == pytest.approx(cer(predictor, upright).value, abs=1e-6)


def test_a_poster_of_few_words_gets_a_warning(predictor):
    """Two lines of large type: one wrong word changes the error rate much."""
    prediction = predictor.predict(page_picture(size=44, lines=2))
    assert prediction.estimates
    assert "little text to judge by" in prediction.warning
    assert "little text to judge by" in prediction.page_fields()["quality_note"]
    assert predictor.predict(page_picture()).warning is None


def test_a_page_unlike_the_samples_gets_a_warning(predictor):
    """Few, huge letters: no sample had such a page."""
    prediction = predictor.predict(page_picture(1000, 1400, size=90))
    assert prediction.warning.endswith("the rate may be far off: the page is unlike any page learned from")


def test_a_model_is_read_as_it_was_written(predictor, tmp_path):
    save_predictor(predictor, tmp_path / "m.quality")
    again = load_predictor(tmp_path / "m.quality")
    assert again.predict(page_picture()) == predictor.predict(page_picture())
    assert again.about == predictor.about
    assert (tmp_path / "m.quality").read_bytes() == (MODELS / DEFAULT_MODEL).read_bytes()


def test_a_models_file_holds_text_and_plain_arrays_only():
    with zipfile.ZipFile(MODELS / DEFAULT_MODEL) as archive:
        for name in archive.namelist():
            if name.endswith(".npz"):
                with archive.open(name) as member, np.load(member, allow_pickle=False) as arrays:
                    assert all(arrays[key].dtype.kind == "f" for key in arrays.files)
            else:
                archive.read(name).decode()
        about = json.loads(archive.read("model.json"))["about"]
    assert about["samples"] > 500
    assert about["versions"].keys() == {"scikit-learn", "lightgbm", "numpy"}


def rewritten(tmp_path, change):
    """The shipped model with its description changed."""
    file = tmp_path / "changed.quality"
    with zipfile.ZipFile(MODELS / DEFAULT_MODEL) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "model.json":
                described = json.loads(content)
                change(described)
                content = json.dumps(described).encode()
            new.writestr(name, content)
    return file


def test_a_model_of_another_format_or_other_features_is_refused(tmp_path):
    with pytest.raises(InputError, match="format 2; this version of maxsight reads 3"):
        load_predictor(rewritten(tmp_path, lambda described: described.update(format=2)))
    with pytest.raises(InputError, match="format 99"):
        load_predictor(rewritten(tmp_path, lambda described: described.update(format=99)))
    with pytest.raises(InputError, match=r"made for patches \(revision 0"):
        load_predictor(rewritten(tmp_path, lambda described: described["space"].update(revision="0")))


def test_a_damaged_model_is_refused(tmp_path):
    def spoil(described):
        described["sha256"]["cer/trees.txt"] = "0" * 64

    with pytest.raises(InputError, match=r"damaged: cer/trees\.txt"):
        load_predictor(rewritten(tmp_path, spoil))
    cut = tmp_path / "cut.quality"
    cut.write_bytes((MODELS / DEFAULT_MODEL).read_bytes()[:5000])
    with pytest.raises(InputError, match="not a model of quality"):
        load_predictor(cut)
    with pytest.raises(InputError, match="not a model of quality"):
        load_predictor(tmp_path / "missing.quality")


def test_a_model_with_ocr_features_asks_for_the_reading(predictor):
    space = FeatureSpace(
        *(getattr(predictor.space, name) for name in ("encoder", "revision", "dim", "layer", "pooling")), True
    )
    familiarity = Familiarity(np.zeros(1), np.ones(1), np.zeros((1, 1), np.float32), 1.0)
    asking = QualityPredictor(space, {}, familiarity, {})
    with pytest.raises(InputError, match="together with what OCR read"):
        asking.predict(page_picture())


def test_features_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match="patches or a checkpoint with a length"):
        load_extractor("colpali", PagePooling.MEAN)
    with pytest.raises(InputError, match="reads words"):
        load_extractor("minilm:128dim", PagePooling.MEAN)


def test_every_feature_has_a_name(predictor):
    row = predictor.extractor.pool(predictor.extractor.vectors(page_picture()).vectors)
    assert len(predictor.space.names) == len(row)
    assert predictor.space.layer is Layer.VECTORS


def test_a_folder_is_predicted_and_its_problems_are_named(predictor, tmp_path):
    good, blank, broken = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    Image.fromarray(page_picture()).save(good)
    Image.fromarray(np.full((400, 400), 255, np.uint8)).save(blank)
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (tmp_path / "notes.txt").write_text("no picture")
    judged = list(predict_documents([tmp_path], predictor, workers=1))
    pages = [page for page in judged if isinstance(page, PageQuality)]
    problems = [problem for problem in judged if isinstance(problem, UnreadableDocumentError)]
    assert [page.file.rpartition("/")[2] for page in pages] == ["a.png", "b.png"]
    assert pages[0].prediction.estimates and "blank" in pages[1].prediction.refusal
    assert [problem.path for problem in problems] == [str(broken)]


def page(name, value):
    estimates = {} if value is None else {Target.CER: Estimate(value, 0, 1)}
    return PageQuality(name, 1, Prediction(estimates, refusal="blank" if value is None else None))


def test_pages_without_a_number_come_first_then_the_worst():
    assert [found.file for found in sort_worst_first([page("b", 0.2), page("c", None), page("a", 0.7)])] == [
        "c",
        "a",
        "b",
    ]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_the_suffix_decides_how_predictions_are_written(suffix, tmp_path):
    file = tmp_path / f"table{suffix}"
    write_predictions([page("a.pdf", 0.25), page("b.pdf", None)], file)
    rows = {
        ".csv": lambda: list(csv.DictReader(file.read_text().splitlines())),
        ".json": lambda: json.loads(file.read_text()),
        ".parquet": lambda: pq.read_table(file).to_pylist(),
    }[suffix]()
    assert [row["file"] for row in rows] == ["a.pdf", "b.pdf"]
    assert float(rows[0]["predicted_cer"]) == 0.25
    assert rows[1]["predicted_cer"] in (None, "")
    with pytest.raises(InputError, match=r"\.csv, \.json, \.parquet, so .*xlsx can't be its name"):
        write_predictions([], tmp_path / "table.xlsx")


def test_a_model_in_another_folder_is_read(tmp_path):
    shutil.copy(MODELS / DEFAULT_MODEL, tmp_path / "own.quality")
    assert load_predictor(tmp_path / "own.quality").space == load_predictor().space

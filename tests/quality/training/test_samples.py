import json

import numpy as np
import pytest
from click.testing import CliRunner
from fpdf import FPDF
from PIL import Image

from maxsight.cli import main
from maxsight.documents import OcrChoice
from maxsight.encoders import load_encoder
from maxsight.errors import InputError
from maxsight.quality.features import Layer, PagePooling, load_extractor
from maxsight.quality.model_file import load_predictor
from maxsight.quality.ocr_features import OCR_FEATURES, compute_ocr_features
from maxsight.quality.prediction import Target
from maxsight.quality.text_presence import InkFound
from maxsight.quality.training.comparison import compare
from maxsight.quality.training.cross_validation import cross_predict, split_documents
from maxsight.quality.training.dataset import build_dataset
from maxsight.quality.training.degrade import CLEAN, Degradation
from maxsight.quality.training.ground_truth import read_ground_truth
from maxsight.quality.training.judgement import TrainingSettings
from maxsight.quality.training.measures import measure
from maxsight.quality.training.pairs import add_pairs
from maxsight.quality.training.regressors import Learner
from maxsight.quality.training.sample_plans import DatasetSettings
from maxsight.quality.training.samples import OWN, SampleFolder
from maxsight.quality.training.tables import load_table
from maxsight.quality.training.trainer import train
from page_pictures import SENTENCE, page_picture

ALTO = """<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout><Page><PrintSpace><TextBlock><TextLine>
<String CONTENT="Red" HPOS="10" VPOS="20" WIDTH="30" HEIGHT="12"/><SP/>
<String CONTENT="apples" HPOS="50" VPOS="20" WIDTH="60" HEIGHT="12"/>
</TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""
PAGE_XML = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page><TextRegion>
<TextLine><Coords points="10,20 110,20 110,32 10,32"/>
<Word><Coords points="10,20 40,20 40,32 10,32"/><TextEquiv><Unicode>Red</Unicode></TextEquiv></Word>
<Word><Coords points="50,20 110,20 110,32 50,32"/><TextEquiv><Unicode>apples</Unicode></TextEquiv></Word>
<TextEquiv><Unicode>Red apples</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>"""
HOCR = """<html xmlns="http://www.w3.org/1999/xhtml"><body><div class="ocr_page"><span class="ocr_line">
<span class="ocrx_word" title="bbox 10 20 40 32; x_wconf 93">Red</span>
<span class="ocrx_word" title="bbox 50 20 110 32; x_wconf 91">apples</span></span></div></body></html>"""


@pytest.mark.parametrize("content", [ALTO, PAGE_XML, HOCR], ids=["alto", "page", "hocr"])
def test_ground_truth_is_read_with_its_places(content, tmp_path):
    file = tmp_path / "page.xml"
    file.write_text(content)
    words = read_ground_truth(file)
    assert list(words.texts) == ["Red", "apples"]
    np.testing.assert_array_equal(words.boxes, [[10, 20, 40, 32], [50, 20, 110, 32]])


def test_other_xml_is_refused(tmp_path):
    for content, message in (
        ("<svg/>", "starts with <svg>"),
        ("<alto", "can't be read"),
        ("<alto/>", "no words"),
    ):
        (tmp_path / "a.xml").write_text(content)
        with pytest.raises(InputError, match=message):
            read_ground_truth(tmp_path / "a.xml")


@pytest.fixture(scope="module")
def born_digital(tmp_path_factory):
    """A PDF of one page with 70 words, one per line of five."""
    folder = tmp_path_factory.mktemp("pdfs")
    pdf = FPDF(unit="pt", format=(420, 420))
    pdf.add_page()
    pdf.set_font("Helvetica", size=14)
    words = SENTENCE.split() * 4
    for line in range(14):
        pdf.text(30, 40 + 24 * line, " ".join(words[5 * line : 5 * line + 5]))
    pdf.output(str(folder / "page.pdf"))
    return folder


@pytest.fixture(scope="module")
def made(born_digital, tmp_path_factory):
    out = tmp_path_factory.mktemp("samples")
    settings = DatasetSettings(degraded_per_page=1, degradations=(Degradation.JPEG,))
    return out, settings, build_dataset([born_digital], out, settings)


def test_a_page_gives_a_clean_and_a_degraded_sample(made):
    out, _, report = made
    assert (report.made, report.kept, report.set_aside) == (2, 0, 0)
    clean, damaged = SampleFolder(out).accepted
    assert (clean.degradation, damaged.degradation) == (CLEAN, "jpeg")
    assert clean.cer < 0.05
    assert clean.ocr_confidence > 0.8
    assert clean.reference.split()[:3] == ["Net", "sales", "rose"]
    assert clean.dpi == 150
    for sample in (clean, damaged):
        assert SampleFolder(out).load_picture(sample).shape == (876, 876)


def test_the_same_run_again_makes_nothing_twice(made, born_digital):
    out, settings, _ = made
    again = build_dataset([born_digital], out, settings)
    assert (again.made, again.kept) == (0, 2)


def test_a_stopped_run_is_completed(made, born_digital, tmp_path):
    """The table has one of two samples, as after a kill."""
    out, settings, _ = made
    first, second = SampleFolder(out).accepted
    SampleFolder(tmp_path).add([first])
    assert build_dataset([born_digital], tmp_path, settings).made == 1
    again = {sample.sample_id: sample for sample in SampleFolder(tmp_path).accepted}
    assert again[second.sample_id] == second


def test_documents_without_text_make_no_samples(tmp_path):
    pdf = FPDF()
    pdf.add_page()
    pdf.output(str(tmp_path / "empty.pdf"))
    with pytest.raises(InputError, match="no page of a PDF with at least 60 words"):
        build_dataset([tmp_path], tmp_path / "out", DatasetSettings())


def test_own_pictures_with_known_text_become_samples(tmp_path):
    Image.fromarray(page_picture(600, 300, lines=1)).save(tmp_path / "a.png")
    (tmp_path / "pairs.csv").write_text(
        "image,text\na.png,Net sales rose by four percent to 1234 million\ngone.png,x\n"
    )
    report = add_pairs([tmp_path / "pairs.csv"], tmp_path / "out", OcrChoice.AUTO)
    (sample,) = SampleFolder(tmp_path / "out").accepted
    assert sample.degradation == sample.kind == OWN
    assert sample.character_errors < 0.3
    assert [problem.path for problem in report.problems] == [str(tmp_path / "gone.png")]
    (tmp_path / "bad.jsonl").write_text(json.dumps({"file": "a.png"}))
    with pytest.raises(InputError, match="lacks the columns"):
        add_pairs([tmp_path / "bad.jsonl"], tmp_path / "out", OcrChoice.AUTO)
    (tmp_path / "bad.csv").write_text('image;text\ngone.png;"x"y\n')
    with pytest.raises(InputError, match=r"bad\.csv: line 2: not CSV"):
        add_pairs([tmp_path / "bad.csv"], tmp_path / "out", OcrChoice.AUTO)


def test_a_damaged_table_is_refused(tmp_path):
    (tmp_path / "samples.parquet").write_bytes(b"PAR1nothing")
    with pytest.raises(InputError, match="not a table of samples"):
        SampleFolder(tmp_path)


@pytest.fixture(scope="module")
def many(made, tmp_path_factory):
    """48 samples of 8 documents: blurred pages whose error rate is their blur, labelled by hand."""
    from dataclasses import replace

    import cv2

    pattern = SampleFolder(made[0]).accepted[0]
    folder = SampleFolder(tmp_path_factory.mktemp("many"))
    samples = []
    for number in range(48):
        severity = number / 47
        picture = page_picture(320, 320, size=14 + number % 5)
        if severity:
            picture = cv2.GaussianBlur(picture, (0, 0), 0.3 + 3 * severity)
        sample_id = f"{number:016x}"
        samples.append(
            replace(
                pattern,
                sample_id=sample_id,
                file=f"{number % 8}.pdf",
                degradation="blur" if number % 2 else "noise",
                character_errors=severity,
                word_errors=min(1.0, 1.5 * severity),
                ocr_confidence=1 - 0.5 * severity,
                picture=folder.save_picture(sample_id, picture),
            )
        )
    folder.add(samples)
    return folder


def test_a_model_is_trained_judged_and_reported(many, tmp_path):
    from maxsight.quality.training.report import write_report

    extractor = load_extractor("patches", PagePooling.MEAN)
    table = load_table([many], extractor)
    predictor, judgements = train(table, extractor, TrainingSettings(Learner.SVR))
    assert [judgement.target for judgement in judgements] == list(Target)
    (name, *rivals) = judgements[0].measures
    assert name == "the features, svr"
    assert {"16 global features, lightgbm", "OCR confidence alone", "constant mean"} <= set(rivals)
    assert judgements[0].measures[name].srcc > 0.8
    assert set(judgements[0].unseen) == {"blur", "noise"}
    assert predictor.about["samples"] == 48
    page = write_report(tmp_path / "report", table, judgements, predictor)
    assert "constant mean" in page.read_text()
    with Image.open(tmp_path / "report" / "cer.png") as plots:
        assert plots.width > 800


def test_features_are_made_once(many):
    extractor = load_extractor("patches", PagePooling.MEAN)
    first = load_table([many], extractor)
    many_again = SampleFolder(many.folder)
    for sample in many_again.accepted:
        assert sample.picture
    again = load_table([many_again], extractor)
    np.testing.assert_array_equal(first.features, again.features)
    assert len(list((many.folder / "features").glob("*.npz"))) >= 2


def test_a_model_can_be_trained_with_ocr_features(many):
    extractor = load_extractor("patches", PagePooling.MEAN)
    settings = TrainingSettings(Learner.SVR, targets=(Target.CER,), with_ocr=True, thorough=False)
    predictor, (judgement,) = train(load_table([many], extractor), extractor, settings)
    assert predictor.space.names[-len(OCR_FEATURES) :] == OCR_FEATURES
    assert next(iter(judgement.measures)) == "the features and OCR confidence, svr"


def test_all_combinations_are_judged_as_if_each_was_trained_alone(many):
    compared = compare([many], "patches", [Target.CER])
    assert {(row.pooling, row.learner) for row in compared} == {
        (pooling, learner) for pooling in PagePooling for learner in Learner
    }
    for pooling in (PagePooling.MEAN, PagePooling.STD, PagePooling.CONCAT_TEXT):
        table = load_table([many], load_extractor("patches", pooling))
        true, folds = table.target(Target.CER), split_documents(table.documents)
        alone = cross_predict(table.features, true, table.documents, Learner.SVR, folds, tuned=False)
        (row,) = [row for row in compared if (row.pooling, row.learner) == (pooling, Learner.SVR)]
        assert row.measures.mae == pytest.approx(measure(true, alone).mae, abs=1e-6)


def test_dropped_text_shows_in_the_ratio_to_the_ink():
    """Two words of 11 characters in all where 100 pieces of ink were found, 80 of them in line."""
    said = dict(
        zip(OCR_FEATURES, compute_ocr_features(0.9, "hello world1", InkFound(100, 80, 5)), strict=True)
    )
    assert said["ocr confidence"] == pytest.approx(0.9)
    assert said["ocr characters"] == pytest.approx(np.log(12))
    assert said["ocr characters per piece of ink"] == pytest.approx(np.log(12 / 101))
    assert said["ocr characters per piece in line"] == pytest.approx(np.log(12 / 81))
    assert said["ocr word length"] == pytest.approx(5.5)
    assert said["ocr letters and digits"] == pytest.approx(1)
    assert said["ocr words of letters and digits"] == pytest.approx(0.5)
    assert said["ocr words of letters"] == pytest.approx(0.5)


def test_a_misread_text_looks_odd():
    """Five words: one of letters and digits, one with a capital within, one of signs, one without vowels, one fine."""
    text = "he11o woRld ~| bcdf fine"
    said = dict(zip(OCR_FEATURES, compute_ocr_features(0.5, text, InkFound(20, 20, 0)), strict=True))
    assert said["ocr words of letters and digits"] == pytest.approx(1 / 5)
    assert said["ocr capitals within words"] == pytest.approx(1 / 5)
    assert said["ocr words of signs"] == pytest.approx(1 / 5)
    assert said["ocr words without vowels"] == pytest.approx(1 / 5)
    assert said["ocr words of letters"] == pytest.approx(2 / 5)
    assert said["ocr signs within words"] == 0
    assert said["ocr digits"] == pytest.approx(2 / 20)
    assert said["ocr vowels"] == pytest.approx(5 / 16)
    assert said["ocr different words"] == 1


def test_a_page_on_which_nothing_was_read_has_finite_features():
    assert np.isfinite(compute_ocr_features(0.0, "", InkFound(0, 0, 0))).all()


def train_command(*arguments):
    return CliRunner().invoke(main, ["quality", "train", *map(str, arguments)])


def test_hidden_states_of_a_checkpoint_are_learned_from_with_a_pooling_that_they_have(
    many, tiny_checkpoint, tmp_path
):
    folder = tiny_checkpoint("colpali")
    dim = load_encoder(str(folder)).hidden_dim
    model = tmp_path / "m.quality"
    result = train_command(
        many.folder, "--out", model, "--features", f"{folder}:{dim}dim", "--model", "svr", "--quick", "--json"
    )
    assert result.exit_code == 0, result.output
    space = load_predictor(model).space
    assert (space.layer, space.pooling, len(space.names)) == (Layer.HIDDEN, PagePooling.CONCAT, 3 * dim)


def test_what_can_not_be_learned_from_is_refused_before_a_model_is_loaded(many, tmp_path):
    """There is no such model, so an error about anything else came first."""
    features = ("--features", "nobody/has-this:2048dim")
    pooled = train_command(
        many.folder, "--out", tmp_path / "m.quality", *features, "--pooling", "concat-text"
    )
    assert (pooled.exit_code, "the pooling concat-text is for patches only" in pooled.stderr) == (2, True)
    nowhere = train_command(many.folder, "--out", tmp_path / "none" / "m.quality", *features)
    assert (nowhere.exit_code, "there is no folder" in nowhere.stderr) == (2, True)
    few = SampleFolder(tmp_path / "few")
    few.add(many.accepted[:3])
    too_few = train_command(few.folder, "--out", tmp_path / "m.quality", *features)
    assert (too_few.exit_code, "3 samples of 3 documents are too few" in too_few.stderr) == (2, True)

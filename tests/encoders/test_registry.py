import subprocess
import sys

import pytest

from maxsight.encoders import DEFAULT_ENCODER, ENCODER_NAMES, EncoderOptions, load_encoder
from maxsight.errors import InputError, ModelNotAvailableError, UnknownEncoderError


def test_every_name_loads_an_encoder_of_that_name():
    assert DEFAULT_ENCODER in ENCODER_NAMES
    for name in ENCODER_NAMES:
        assert load_encoder(name).space.encoder == name


def test_an_unknown_name_is_refused_and_the_known_ones_are_named():
    with pytest.raises(UnknownEncoderError, match="no encoder is called 'bert'\n") as caught:
        load_encoder("bert")
    for name in (
        "minilm, multilingual, minilm:paragraphs, patches",
        "vidore/colpali-v1.3-hf",
        "cohere:embed-multilingual-v3.0",
    ):
        assert name in caught.value.hint
    with pytest.raises(UnknownEncoderError, match=r"'MiniLM'; did you mean minilm\?"):
        load_encoder("MiniLM")


def test_importing_the_encoders_loads_no_inference_runtime():
    code = "import sys, maxsight.encoders; print({'onnxruntime', 'tokenizers'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_an_extra_that_can_not_be_imported_is_one_clear_error(monkeypatch):
    """As with a torchvision for CUDA beside a torch for the CPU."""
    pytest.importorskip("torch", reason="the extra 'colpali' is not installed")
    monkeypatch.setitem(sys.modules, "maxsight.encoders.checkpoints.loading", None)
    with pytest.raises(ModelNotAvailableError, match="can't be imported: import of maxsight") as caught:
        load_encoder("owner/model")
    assert "maxsight encoders" in caught.value.hint


@pytest.mark.parametrize("name", ["minilm", "minilm:paragraphs", "patches", "cohere:embed-english-v3.0"])
def test_a_device_that_an_encoder_can_not_use_is_refused(name, monkeypatch):
    monkeypatch.delenv("MAXSIGHT_DEVICE", raising=False)
    with pytest.raises(InputError, match=f"{name} runs .*, not on cuda:1") as caught:
        load_encoder(name, EncoderOptions(devices=("cuda:1",)))
    assert "Leave the device out" in caught.value.hint


def test_the_default_device_of_the_environment_is_never_refused(monkeypatch):
    monkeypatch.setenv("MAXSIGHT_DEVICE", "cuda")
    assert load_encoder("minilm", EncoderOptions()).space.encoder == "minilm"
    assert load_encoder("minilm", EncoderOptions(devices=("cpu",))).space.encoder == "minilm"

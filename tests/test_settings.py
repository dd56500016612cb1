import pytest

from maxsight.encoders import EncoderOptions
from maxsight.errors import InputError
from maxsight.settings import hub_token


@pytest.mark.parametrize(
    ("named", "devices"),
    [("", ("auto",)), ("cuda:1", ("cuda:1",)), ("cuda:0, cuda:1", ("cuda:0", "cuda:1")), (" , ", ("auto",))],
)
def test_the_environment_says_where_encoders_run_unless_told_otherwise(monkeypatch, named, devices):
    monkeypatch.setenv("MAXSIGHT_DEVICE", named)
    assert EncoderOptions().devices == devices
    assert EncoderOptions(devices=("cpu",)).devices == ("cpu",)


def test_encoders_choose_their_device_where_nobody_says(monkeypatch):
    monkeypatch.delenv("MAXSIGHT_DEVICE", raising=False)
    assert EncoderOptions().devices == ("auto",)


def test_a_dotenv_file_that_is_not_text_is_named_unless_it_is_not_needed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"HF_TOKEN=\xff\xfe")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(InputError, match=r"\.env can't be read") as caught:
        hub_token()
    assert "UTF-8" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", "hf_token")
    assert hub_token() == "hf_token"


def test_a_dotenv_file_above_the_working_folder_is_read_and_the_nearest_one_counts(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    (tmp_path / "project" / "notebooks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "notebooks")
    (tmp_path / ".env").write_text("HF_TOKEN=far")
    assert hub_token() == "far"
    (tmp_path / "project" / ".env").write_text("HF_TOKEN= near ")
    assert hub_token() == "near"


@pytest.mark.parametrize("options", [{"devices": ()}, {"batch_size": 0}, {"batch_size": -4}])
def test_options_that_no_encoder_can_run_with_are_refused(options):
    with pytest.raises(InputError):
        EncoderOptions(**options)

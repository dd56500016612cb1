import pytest

from maxsight.encoders import EncoderOptions


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

"""Checkpoints from the hub, against a small hub on this machine."""

import errno
import os
import shutil
import socket

import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import numpy as np
from huggingface_hub import constants

from encoders.checkpoints import tiny_text
from encoders.checkpoints.hub_server import COMMIT, running_hub
from maxsight.encoders import EncoderOptions, load_encoder
from maxsight.encoders.checkpoints import hub as hub_module
from maxsight.encoders.checkpoints.hub import locate
from maxsight.errors import ModelNotAvailableError

ON_CPU = EncoderOptions(devices=("cpu",))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A running hub, an empty cache, nobody logged in, nothing in the working folder."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def colqwen2(hub, tiny_checkpoint):
    """The hub has one model, ``owner/colqwen2``."""
    hub.models["owner/colqwen2"] = tiny_checkpoint("colqwen2")
    return hub


def refusal(name):
    with pytest.raises(ModelNotAvailableError) as caught:
        locate(name)
    assert caught.value.hint
    return caught.value


def test_a_model_from_the_hub_is_the_same_as_in_a_folder(colqwen2, tiny_checkpoint, capfd):
    encoder = load_encoder("owner/colqwen2", ON_CPU)
    assert encoder.space.encoder == "owner/colqwen2"
    copy = load_encoder(str(tiny_checkpoint("colqwen2")), ON_CPU)
    assert encoder.space.matches(copy.space)
    np.testing.assert_array_equal(
        encoder.encode_query("revenue").vectors, copy.encode_query("revenue").vectors
    )
    assert capfd.readouterr().err == ""


def test_a_downloaded_model_is_not_downloaded_again(colqwen2):
    first = locate("owner/colqwen2")
    colqwen2.requests.clear()
    assert locate("owner/colqwen2") == first
    assert colqwen2.downloaded() == set()


def test_only_the_files_that_are_needed_are_downloaded(hub, tiny_checkpoint, tmp_path):
    hub.models["owner/model"] = tmp_path / "model"
    shutil.copytree(tiny_checkpoint("colqwen2"), tmp_path / "model")
    unneeded = (
        "README.md", "pytorch_model.bin", "own.py", "onnx/model.onnx", "checkpoint-500/model.safetensors",
        "checkpoint-500/config.json", "trainer_state.json", "consolidated.safetensors",
    )  # fmt: skip
    for name in unneeded:
        (tmp_path / "model" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "model" / name).write_text("not needed")
    folder = locate("owner/model").folder
    wanted = {
        "config.json",
        "model.safetensors",
        "processor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert hub.downloaded() == {file.name for file in folder.iterdir()} == wanted


def test_the_code_of_a_model_is_downloaded_only_if_it_is_trusted(colqwen2, tmp_path, tiny_checkpoint):
    colqwen2.models["owner/own"] = tmp_path / "own"
    shutil.copytree(tiny_checkpoint("colqwen2"), tmp_path / "own")
    (tmp_path / "own" / "own.py").write_text("pass")
    assert not (locate("owner/own").folder / "own.py").exists()
    assert (locate("owner/own", trust_remote_code=True).folder / "own.py").exists()


def test_pickled_weights_are_downloaded_only_where_there_are_no_others(hub, tmp_path):
    folder = hub.models["owner/pylate"] = tmp_path / "pylate"
    tiny_text.save("pylate", folder)
    (folder / "pytorch_model.bin").write_text("not needed")
    (folder / "1_Dense" / "model.safetensors").rename(folder / "1_Dense" / "pytorch_model.bin")
    locate("owner/pylate")
    weights = {name for name in hub.downloaded() if name.endswith(("bin", "safetensors"))}
    assert weights == {"model.safetensors", "1_Dense/pytorch_model.bin"}


def test_a_text_model_is_downloaded_with_its_parts(hub, tmp_path):
    tiny_text.save("pylate", tmp_path / "pylate")
    hub.models["owner/pylate"] = tmp_path / "pylate"
    encoder = load_encoder("owner/pylate", ON_CPU)
    assert encoder.space.matches(load_encoder(str(tmp_path / "pylate"), ON_CPU).space)


def test_the_model_under_an_adapter_is_downloaded_as_well(hub, tiny_checkpoint, tmp_path):
    shutil.copytree(tiny_checkpoint("adapter-colpali"), tmp_path / "adapter")
    settings = tmp_path / "adapter" / "adapter_config.json"
    base = tiny_checkpoint("engine-colpali")
    settings.write_text(settings.read_text().replace(str(base), "owner/base"))
    hub.models |= {"owner/adapter": tmp_path / "adapter", "owner/base": base}
    encoder = load_encoder("owner/adapter", ON_CPU)
    assert encoder.space.encoder == "owner/adapter"
    local = load_encoder(str(tiny_checkpoint("adapter-colpali")), ON_CPU)
    np.testing.assert_array_equal(
        encoder.encode_query("revenue").vectors, local.encode_query("revenue").vectors
    )

    del hub.models["owner/base"]
    shutil.rmtree(constants.HF_HUB_CACHE)
    with pytest.raises(ModelNotAvailableError, match="no model owner/base"):
        load_encoder("owner/adapter", ON_CPU)


def test_a_version_can_be_named(colqwen2):
    assert locate(f"owner/colqwen2@{COMMIT}").folder.name == COMMIT
    assert locate(f"owner/colqwen2@{COMMIT}").name == f"owner/colqwen2@{COMMIT}"
    error = refusal("owner/colqwen2@v9")
    assert "owner/colqwen2 has no version v9" in str(error)
    assert colqwen2.url in error.hint


def test_the_token_comes_from_the_environment_before_a_dotenv_file(colqwen2, monkeypatch):
    def sent():
        colqwen2.requests.clear()
        locate("owner/colqwen2")
        (header,) = {header for _, header in colqwen2.requests}
        return header

    assert sent() is None
    with open(".env", "w") as file:
        file.write("HF_TOKEN='hf_from_file'\nHF_ENDPOINT=http://other.invalid\n")
    assert sent() == "Bearer hf_from_file"
    monkeypatch.setenv("HF_TOKEN", "hf_from_environment")
    assert sent() == "Bearer hf_from_environment"
    assert "hf_from_file" not in os.environ.values()


@pytest.mark.parametrize("token", ["hf_token\n", " hf_token\r\n"])
def test_a_line_break_behind_the_token_is_not_sent(colqwen2, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    locate("owner/colqwen2")
    assert {header for _, header in colqwen2.requests} == {"Bearer hf_token"}


def test_a_saved_login_is_used(colqwen2, tmp_path):
    (tmp_path / "token").write_text("hf_saved")
    locate("owner/colqwen2")
    assert {header for _, header in colqwen2.requests} == {"Bearer hf_saved"}


def test_a_gated_model_says_where_its_licence_is_accepted(colqwen2, monkeypatch):
    colqwen2.refusals["owner/colqwen2"] = (403, {"X-Error-Code": "GatedRepo"})
    error = refusal("owner/colqwen2")
    assert "owner/colqwen2 is gated" in str(error)
    assert f"{colqwen2.url}/owner/colqwen2" in error.hint and "HF_TOKEN" in error.hint
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    error = refusal("owner/colqwen2")
    assert "the account that your token belongs to" in error.hint
    assert "hf_secret" not in str(error) + error.hint


@pytest.mark.parametrize("status", [401, 404])
def test_a_model_that_is_not_there_has_an_error_of_its_own(status, hub):
    hub.refusals["owner/nothing"] = (status, {"X-Error-Code": "RepoNotFound"} if status == 404 else {})
    error = refusal("owner/nothing")
    assert "no model owner/nothing on the hub, or it is private" in str(error)
    assert "spelling" in error.hint


def test_a_wrong_token_is_named_as_the_cause(colqwen2, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    colqwen2.refusals["owner/colqwen2"] = (
        401,
        {"X-Error-Message": "Invalid credentials in Authorization header"},
    )
    error = refusal("owner/colqwen2")
    assert "does not know the token" in str(error)
    assert "/settings/tokens" in error.hint
    assert "hf_wrong" not in str(error) + error.hint


def test_a_token_without_the_right_to_read_is_named_as_the_cause(colqwen2, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_weak")
    colqwen2.refusals["owner/colqwen2"] = (403, {})
    assert "the token does not allow downloading owner/colqwen2" in str(refusal("owner/colqwen2"))


def test_when_the_hub_fails_the_hint_is_to_try_again(colqwen2):
    colqwen2.refusals["owner/colqwen2"] = (503, {})
    error = refusal("owner/colqwen2")
    assert "answered 503" in str(error) and "again" in error.hint


def test_without_a_network_downloaded_models_work_and_others_have_a_hint_what_to_copy(colqwen2, monkeypatch):
    locate("owner/colqwen2")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert locate("owner/colqwen2").folder.is_dir()
        error = refusal("owner/other")
    assert "owner/other is not on this machine yet" in str(error) and "can't be reached" in str(error)
    assert "name that folder" in error.hint and constants.HF_HUB_CACHE in error.hint


def test_offline_nothing_is_asked_of_the_hub(colqwen2, monkeypatch):
    locate("owner/colqwen2")
    colqwen2.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert locate("owner/colqwen2").folder.is_dir()
    error = refusal("owner/other")
    assert "owner/other is not in" in str(error) and "HF_HUB_OFFLINE is set" in str(error)
    assert colqwen2.requests == []


def test_offline_an_incomplete_download_is_refused(colqwen2, monkeypatch):
    (locate("owner/colqwen2").folder / "model.safetensors").unlink()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "or not as a whole" in str(refusal("owner/colqwen2"))


@pytest.mark.parametrize(
    ("number", "message", "hint"),
    [
        (errno.ENOSPC, "no space is left", "larger disk"),
        (errno.EDQUOT, "no space is left", "larger disk"),
        (errno.EACCES, "can't be written to", "HF_HUB_CACHE"),
    ],
)
def test_a_disk_without_space_or_permission_is_one_clear_error(number, message, hint, hub, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr(hub_module, "snapshot_download", fail)
    error = refusal("owner/colqwen2")
    assert message in str(error) and hint in error.hint


@pytest.mark.parametrize(
    "name", ["/no/such/folder", "./nothing/here", "a/b/c", "C:\\models\\colpali", "~/no/model", "my--model/a"]
)
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(name, hub):
    assert f"no folder {name}" in str(refusal(name))
    assert hub.requests == []


@pytest.mark.parametrize("version", ["../../../model", "a/../../b", "..", "/etc/hosts", ""])
def test_a_version_never_leads_out_of_the_hubs_cache(version, hub, monkeypatch):
    monkeypatch.setattr(hub_module, "snapshot_download", None)
    assert f"no folder owner/model@{version}" in str(refusal(f"owner/model@{version}"))

"""``maxsight encoders``: what can be used here, what is missing, and where it would run."""

import json
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from maxsight import extras
from maxsight.cli import main
from maxsight.encoders import load_encoder
from maxsight.errors import MissingExtraError
from maxsight.extras import packages


def call(*arguments, code=0):
    result = CliRunner().invoke(main, ["encoders", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def no_device_is_chosen(monkeypatch):
    monkeypatch.delenv("MAXSIGHT_DEVICE", raising=False)


def test_the_offline_encoder_is_always_ready():
    assert call().splitlines()[0] == "minilm       ready: the words of a page, English, 128 dims, on the cpu"
    assert json.loads(call("--json"))["offline"] == {"name": "minilm", "dim": 128, "device": "cpu"}


def test_paragraphs_come_along_and_cohere_needs_its_extra_and_a_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CO_API_KEY", raising=False)
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    assert "minilm:paragraphs: whole paragraphs, for records, 384 dims" in call()
    assert "cohere       not ready" in call()
    assert "none: set CO_API_KEY" in call()
    monkeypatch.setenv("CO_API_KEY", "a-secret-key")
    assert json.loads(call("--json"))["cohere"]["has_key"] is True
    assert "a-secret-key" not in call()
    monkeypatch.setitem(extras.EXTRAS, "cohere", ("not-there",))
    assert "install    pip install 'maxsight[cohere]'" in call()


def test_without_the_extra_it_says_what_is_missing_and_how_to_get_it_and_torch_is_not_imported():
    code = (
        "import sys\n"
        "from maxsight import extras\n"
        "extras.EXTRAS['colpali'] += ('not-there',)\n"
        "from maxsight.cli import main\n"
        "main(['encoders'], standalone_mode=False)\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "checkpoints  not ready" in done.stdout
    assert "not-there: not installed" in done.stdout
    assert "install    pip install 'maxsight[colpali]'" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


def test_a_package_that_is_too_old_is_named_with_the_needed_version(monkeypatch):
    monkeypatch.setattr(
        extras, "requires", lambda name: ["numpy>=2", "transformers >=99.1; extra == 'colpali'"]
    )
    transformers = {package.name: package for package in packages("colpali")}["transformers"]
    assert (transformers.minimum, transformers.serves) == ("99.1", False)
    pytest.importorskip("transformers", reason="the extra 'colpali' is not installed")
    assert "too old: at least 99.1 is needed" in call()
    assert json.loads(call("--json"))["checkpoints"]["install"] == "pip install 'maxsight[colpali]'"


def test_a_package_that_is_too_old_is_refused_before_it_is_imported(monkeypatch):
    monkeypatch.setattr(extras, "version", lambda name: {"transformers": "4.57.1"}.get(name, "99"))
    monkeypatch.setattr(extras, "requires", lambda name: ["transformers>=5.3; extra == 'colpali'"])
    with pytest.raises(MissingExtraError) as caught:
        load_encoder("vidore/colpali-v1.3-hf")
    assert str(caught.value) == (
        "this needs transformers >=5.3 (4.57.1 is installed), which the extra 'colpali' installs"
    )
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize(
    ("here", "minimum", "serves"),
    [
        ("2.13.0+cpu", "2.6", True),
        ("2.6.0", "2.6", True),
        ("2.5.1", "2.6", False),
        ("5.3.0rc1", "5.3", True),
        ("0.9", None, True),
        (None, "0.1", False),
    ],
)
def test_versions_are_compared_as_numbers(here, minimum, serves):
    assert extras.Package("torch", here, minimum).serves is serves


def test_the_package_declares_a_minimum_for_all_that_the_extra_brings():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {line.split(">=")[0] for line in project["optional-dependencies"]["colpali"]}
    assert {package.name for package in packages("colpali")} == declared


class TestWithTheExtra:
    """Where torch is installed."""

    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

    def test_every_device_is_named_and_one_is_chosen(self):
        checkpoints = json.loads(call("--json"))["checkpoints"]
        assert checkpoints["install"] is None and checkpoints["problem"] is None
        names = [device["name"] for device in checkpoints["devices"]]
        assert names[-1] == "cpu" and checkpoints["runs_on"] == names[:1]
        assert checkpoints["devices"][-1]["dtype"] == "float32"
        assert checkpoints["devices"][-1]["memory_bytes"] > 1_000_000
        assert "device     " in call()

    def test_a_device_that_is_asked_for_and_not_here_is_a_problem(self, monkeypatch):
        monkeypatch.setenv("MAXSIGHT_DEVICE", "cuda:77")
        out = call()
        assert "checkpoints  not ready" in out
        assert "problem    there is no device 'cuda:77' here" in out

    @pytest.fixture
    def cache(self, tmp_path, monkeypatch):
        """``cache(name, folder)`` puts a model into the hub's cache."""
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

        def put(name, source, without=()):
            snapshot = tmp_path / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / ("a" * 40)
            shutil.copytree(source, snapshot, ignore=shutil.ignore_patterns(*without))

        return put

    def test_an_adapter_is_listed_only_over_a_model_that_it_can_be_merged_into(
        self, tmp_path, cache, tiny_checkpoint
    ):
        def adapter_over(base):
            folder = shutil.copytree(tiny_checkpoint("adapter-colpali"), tmp_path / base.replace("/", "-"))
            settings = json.loads((folder / "adapter_config.json").read_text())
            settings["base_model_name_or_path"] = base
            (folder / "adapter_config.json").write_text(json.dumps(settings))
            return folder

        cache("vidore/base", tiny_checkpoint("engine-colpali"))
        llama = tmp_path / "llama"
        llama.mkdir()
        (llama / "config.json").write_text('{"model_type": "llama"}')
        cache("meta/llama", llama)
        for name, base in (("vidore/ours", "vidore/base"), ("a/chat", "meta/llama"), ("a/b", "not/here")):
            cache(name, adapter_over(base))

        found = json.loads(call("--json"))["checkpoints"]["downloaded"]
        assert [(checkpoint["name"], checkpoint["kind"]) for checkpoint in found] == [
            ("vidore/base", "colpali"),
            ("vidore/ours", "adapter over vidore/base"),
        ]

    def test_checkpoints_in_the_hubs_cache_are_listed_if_they_can_be_opened(
        self, tmp_path, cache, tiny_checkpoint
    ):
        cache("vidore/colpali-v1.3-hf", tiny_checkpoint("colpali"))
        cache("vidore/half-downloaded", tiny_checkpoint("colpali"), without=("*.safetensors",))
        other = tmp_path / "other"
        other.mkdir()
        (other / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
        cache("google/bert", other)

        damaged = tmp_path / "damaged"
        damaged.mkdir()
        (damaged / "config.json").write_text('{"model_type": ["colpali"], "vlm_config": "paligemma"}')
        cache("owner/damaged", damaged)

        (found,) = json.loads(call("--json"))["checkpoints"]["downloaded"]
        assert (found["name"], found["kind"]) == ("vidore/colpali-v1.3-hf", "colpali")
        assert found["size_bytes"] > 100_000
        assert "downloaded vidore/colpali-v1.3-hf: colpali, " in call()

    def test_without_a_cache_nothing_is_downloaded(self, tmp_path, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "nowhere"))
        assert json.loads(call("--json"))["checkpoints"]["downloaded"] == []

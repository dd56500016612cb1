"""A checkpoint's revision: the same for the same weights and settings, in any folder."""

import errno
import hashlib
import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

from safetensors.torch import load_file, save_file

from encoders.checkpoints import tiny_text
from maxsight.encoders import EncoderOptions, Precision, load_encoder
from maxsight.encoders.checkpoints import fingerprints
from maxsight.encoders.checkpoints.fingerprints import fingerprint


@pytest.fixture
def copy(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint("colqwen2"), tmp_path / "copy")


def change_one_weight(file):
    tensors = load_file(file)
    name = sorted(tensors)[-1]
    tensors[name].view(-1)[0] += 1e-3
    save_file(tensors, file, metadata={"format": "pt"})


def test_a_revision_covers_names_and_contents_of_the_files_that_count(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "README.md").write_text("does not count")
    lines = "".join(
        f"{name} {hashlib.sha256(content).hexdigest()}\n"
        for name, content in (("config.json", b"{}"), ("model.safetensors", b"weights"))
    )
    assert fingerprint([tmp_path]) == hashlib.sha256(lines.encode()).hexdigest()[:12]


def test_copies_have_the_same_revision_whatever_lies_beside_them(copy, tiny_checkpoint):
    os.utime(copy / "model.safetensors", (0, 0))
    (copy / "README.md").write_text("a copy")
    (copy / "optimizer.pt").write_text("left from training")
    assert fingerprint([copy]) == fingerprint([tiny_checkpoint("colqwen2")])


def test_one_changed_weight_changes_it(copy, tiny_checkpoint):
    change_one_weight(copy / "model.safetensors")
    assert fingerprint([copy]) != fingerprint([tiny_checkpoint("colqwen2")])


@pytest.mark.parametrize("file", ["config.json", "processor_config.json", "tokenizer.json"])
def test_a_changed_setting_of_model_pictures_or_text_changes_it(file, copy, tiny_checkpoint):
    (copy / file).write_text((copy / file).read_text().replace("1", "2", 1))
    assert fingerprint([copy]) != fingerprint([tiny_checkpoint("colqwen2")])


def test_the_parts_of_a_text_model_count_too(tmp_path):
    for name in ("one", "two"):
        tiny_text.save("pylate", tmp_path / name)
    same, changed = tmp_path / "one", tmp_path / "two"
    assert fingerprint([same]) == fingerprint([changed])
    change_one_weight(changed / "1_Dense" / "model.safetensors")
    assert fingerprint([same]) != fingerprint([changed])


def test_an_adapters_revision_covers_the_model_under_it(tiny_checkpoint, tmp_path):
    adapter, base = tiny_checkpoint("adapter-colpali"), tiny_checkpoint("engine-colpali")
    other_base = shutil.copytree(base, tmp_path / "base")
    change_one_weight(other_base / "model.safetensors")
    other_adapter = shutil.copytree(adapter, tmp_path / "adapter")
    change_one_weight(other_adapter / "adapter_model.safetensors")
    pairs = ([adapter, base], [adapter, other_base], [other_adapter, base], [base])
    assert len({fingerprint(pair) for pair in pairs}) == 4


def test_it_is_the_same_in_every_precision(tiny_checkpoint):
    spaces = {
        load_encoder(str(tiny_checkpoint("colqwen2")), EncoderOptions(("cpu",), precision)).space
        for precision in (Precision.FLOAT32, Precision.BFLOAT16)
    }
    assert len(spaces) == 1


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Every file counts as large, digests are stored in an empty folder, and the files read are listed."""
    monkeypatch.setattr(fingerprints, "REMEMBERED_BYTES", 0)
    monkeypatch.setattr(fingerprints, "cache_folder", lambda: tmp_path / "cache")
    read = []
    of_content = fingerprints._hash
    monkeypatch.setattr(fingerprints, "_hash", lambda file: read.append(file.name) or of_content(file))
    return read


def test_a_large_file_is_read_once_and_again_when_it_has_changed(counted, copy):
    first = fingerprint([copy])
    assert "model.safetensors" in counted
    counted.clear()
    assert fingerprint([copy]) == first
    assert counted == []

    weights = copy / "model.safetensors"
    before = weights.stat()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert fingerprint([copy]) != first
    assert counted == ["model.safetensors"]


@pytest.mark.parametrize("content", ["{", "[]", '{"path": 5}'])
def test_digests_that_cannot_be_read_are_computed_again(content, counted, copy, tmp_path):
    first = fingerprint([copy])
    (tmp_path / "cache" / "fingerprints.json").write_text(content)
    assert fingerprint([copy]) == first


def test_a_cache_that_cannot_be_written_to_only_takes_time(counted, copy, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder would be")
    assert fingerprint([copy]) == fingerprint([copy])
    assert counted.count("model.safetensors") == 2


def test_a_cache_that_can_not_be_finished_leaves_nothing_behind(counted, copy, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    fingerprint([copy])
    assert list((tmp_path / "cache").iterdir()) == []

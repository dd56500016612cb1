"""Opening checkpoints of page pictures: whole, or not at all."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize

from maxsight.encoders import EncoderOptions, load_encoder
from maxsight.encoders.checkpoints.layouts import AdapterLayout, read_layout, visual_layout
from maxsight.encoders.checkpoints.opening import open_checkpoint
from maxsight.errors import ModelNotAvailableError

NATIVE = {
    "colpali": transformers.ColPaliForRetrieval,
    "colqwen2": transformers.ColQwen2ForRetrieval,
    "colmodernvbert": transformers.ColModernVBertForRetrieval,
}
SAME_MODEL = {
    "engine-colpali": "colpali",
    "engine-colpali-v4": "colpali",
    "colpali-v4": "colpali",
    "colpali-v4.52": "colpali",
    "engine-colqwen2": "colqwen2",
    "engine-colqwen2-v4": "colqwen2",
    "colqwen2-v4.52": "colqwen2",
    "engine-colmodernvbert": "colmodernvbert",
}
"""Layouts of a model that transformers has as well."""


def opened(folder, dtype=torch.float32):
    layout = read_layout(folder)
    if isinstance(layout, AdapterLayout):
        return open_checkpoint("test", visual_layout(Path(layout.base)), layout, dtype)
    return open_checkpoint("test", layout, None, dtype)


def tensors_of(checkpoint):
    return {
        **{f"backbone.{name}": tensor for name, tensor in checkpoint.backbone.state_dict().items()},
        **{f"projection.{name}": tensor for name, tensor in checkpoint.projection.state_dict().items()},
    }


def copy_of(folder, tmp_path, change=None, *, file="model.safetensors"):
    """A copy of a checkpoint, its tensors changed by ``change``."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    if change:
        tensors = load_file(copy / file)
        change(tensors)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, copy / file)
    return copy


@pytest.mark.parametrize("kind", NATIVE)
def test_a_native_checkpoint_computes_what_transformers_own_class_does(kind, tiny_checkpoint):
    folder = tiny_checkpoint(kind)
    checkpoint, original = opened(folder), NATIVE[kind].from_pretrained(folder).eval()
    inputs = checkpoint.processor.process_queries(text=["what is the total revenue"])
    with torch.inference_mode():
        hidden = checkpoint.backbone(**inputs).last_hidden_state
        torch.testing.assert_close(
            normalize(checkpoint.projection(hidden), dim=-1), original(**inputs).embeddings, atol=1e-6, rtol=0
        )
    assert checkpoint.query_format == "native"


@pytest.mark.parametrize(("kind", "native"), SAME_MODEL.items())
def test_the_names_of_tensors_do_not_change_the_model(kind, native, tiny_checkpoint):
    checkpoint, expected = opened(tiny_checkpoint(kind)), opened(tiny_checkpoint(native))
    assert checkpoint.family == expected.family
    assert checkpoint.query_format == ("engine" if kind.startswith("engine") else "native")
    tensors = tensors_of(checkpoint)
    for name, tensor in tensors_of(expected).items():
        torch.testing.assert_close(tensors[name], tensor, atol=0, rtol=0)


@pytest.mark.parametrize("kind", ["engine-colqwen2_5", "engine-colqwen3", "engine-colidefics3"])
def test_every_stored_tensor_is_in_the_opened_model(kind, tiny_checkpoint):
    """transformers has no retrieval class to compare these with."""
    stored = load_file(tiny_checkpoint(kind) / "model.safetensors")
    tensors = tensors_of(opened(tiny_checkpoint(kind)))
    assert len(tensors) == len(stored)
    by_content = {_content(tensor) for tensor in tensors.values()}
    assert all(_content(tensor) in by_content for tensor in stored.values())


def _content(tensor):
    return tuple(tensor.shape), hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def test_a_language_head_and_derived_tensors_are_ignored(tiny_checkpoint, tmp_path):
    def add(tensors):
        tensors["vlm.lm_head.weight"] = torch.zeros(500, 64)
        tensors["vlm.language_model.model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.zeros(8)
        tensors["vlm.vision_tower.vision_model.embeddings.position_ids"] = torch.zeros(1, 1024)

    opened(copy_of(tiny_checkpoint("colpali"), tmp_path, add))


@pytest.mark.parametrize(
    ("kind", "tensor", "named"),
    [
        ("colpali", "vlm.language_model.model.norm.weight", "lacks language_model.norm.weight"),
        ("colqwen2", "vlm.visual.merger.mlp.0.weight", "lacks visual.merger.mlp.0.weight"),
        (
            "engine-colpali",
            "model.multi_modal_projector.linear.bias",
            "lacks multi_modal_projector.linear.bias",
        ),
        ("engine-colqwen3", "model.visual.pos_embed.weight", "lacks visual.pos_embed.weight"),
        ("colpali", "embedding_proj_layer.weight", "lacks embedding_proj_layer.weight"),
        ("engine-colidefics3", "linear.weight", "lacks linear.weight"),
        ("engine-colqwen2_5", "custom_text_proj.weight", "lacks custom_text_proj.weight"),
    ],
)
def test_a_checkpoint_without_one_of_its_tensors_is_refused(kind, tensor, named, tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint(kind), tmp_path, lambda tensors: tensors.pop(tensor))
    with pytest.raises(ModelNotAvailableError, match=named):
        opened(folder)


def test_no_more_than_three_of_many_missing_tensors_are_named(tiny_checkpoint, tmp_path):
    def keep_few(tensors):
        for name in [name for name in tensors if "vision_tower" in name]:
            del tensors[name]

    with pytest.raises(ModelNotAvailableError, match=r"vision_tower\S+( vision_tower\S+){2} and \d+ more"):
        opened(copy_of(tiny_checkpoint("colpali"), tmp_path, keep_few))


def test_a_tensor_of_another_shape_is_refused(tiny_checkpoint, tmp_path):
    def cut(tensors):
        tensors["vlm.visual.merger.mlp.0.weight"] = tensors["vlm.visual.merger.mlp.0.weight"][:-1]

    with pytest.raises(ModelNotAvailableError, match=r"of another shape visual\.merger\.mlp\.0\.weight"):
        opened(copy_of(tiny_checkpoint("colqwen2"), tmp_path, cut))


@pytest.mark.parametrize(
    "extra", ["vlm.language_model.layers.9.mlp.up_proj.weight", "embedding_proj_layer.1.weight"]
)
def test_a_tensor_too_many_is_refused(extra, tiny_checkpoint, tmp_path):
    def add(tensors):
        tensors[extra] = torch.zeros(4)

    with pytest.raises(ModelNotAvailableError, match=extra.removeprefix("vlm.").split(".")[-2]):
        opened(copy_of(tiny_checkpoint("colqwen2"), tmp_path, add))


def test_a_checkpoint_opens_in_the_precision_that_is_asked_for(tiny_checkpoint):
    checkpoint = opened(tiny_checkpoint("colpali"), torch.bfloat16)
    assert {parameter.dtype for parameter in checkpoint.backbone.parameters()} == {torch.bfloat16}
    assert checkpoint.projection.weight.dtype == torch.bfloat16


def test_pickled_weights_are_read_where_there_are_no_others(tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    expected = tensors_of(opened(tiny_checkpoint("colqwen2")))
    for name, tensor in tensors_of(opened(folder)).items():
        torch.testing.assert_close(tensor, expected[name], atol=0, rtol=0)


class Harmful:
    def __reduce__(self):
        return (print, ("this must never be printed",))


def test_a_pickle_that_would_run_code_is_refused_unread(tiny_checkpoint, tmp_path, capfd):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    torch.save({"vlm.norm": Harmful()}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelNotAvailableError, match="may run code") as caught:
        opened(folder)
    assert "safetensors" in caught.value.hint
    assert capfd.readouterr().out == ""


def test_code_beside_the_pictures_settings_is_neither_run_nor_asked_about(
    tiny_checkpoint, tmp_path, capfd, monkeypatch
):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    (folder / "own.py").write_text("print('has run')\nclass Own: pass\n")
    settings = json.loads((folder / "processor_config.json").read_text())
    settings["image_processor"] |= {
        "image_processor_type": "Own",
        "auto_map": {"AutoImageProcessor": "own.Own"},
    }
    (folder / "processor_config.json").write_text(json.dumps(settings))
    monkeypatch.setattr("builtins.input", lambda question="": "y")
    with pytest.raises(ModelNotAvailableError, match="custom code"):
        opened(folder)
    assert "has run" not in capfd.readouterr().out


def test_tensors_in_several_files_are_put_together(tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    expected = tensors_of(opened(folder))
    split(folder)
    for name, tensor in tensors_of(opened(folder)).items():
        torch.testing.assert_close(tensor, expected[name], atol=0, rtol=0)


def test_a_missing_file_of_several_is_named(tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    split(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelNotAvailableError, match=r"lacks model-00002-of-00002\.safetensors"):
        opened(folder)


@pytest.mark.parametrize("index", [{}, {"weight_map": ["model.safetensors"]}])
def test_an_index_that_does_not_say_where_tensors_lie_is_named(index, tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelNotAvailableError, match=r"index\.json does not say where tensors lie"):
        opened(folder)


def split(folder):
    """Put a checkpoint's tensors into two files with an index."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    weight_map = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file)
        weight_map |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_truncated_weights_and_a_git_lfs_pointer_have_different_hints(tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelNotAvailableError, match=r"model\.safetensors is damaged") as caught:
        opened(folder)
    assert "get it again" in caught.value.hint
    weights.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    with pytest.raises(ModelNotAvailableError, match="Git LFS pointer") as caught:
        opened(folder)
    assert "git lfs pull" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "message"),
    [("model.safetensors", "lacks its weights"), ("tokenizer_config.json", "lacks its processor")],
)
def test_a_folder_without_all_its_files_says_what_it_lacks(file, message, tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("colpali"), tmp_path)
    (folder / file).unlink()
    with pytest.raises(ModelNotAvailableError, match=message):
        opened(folder)


@pytest.mark.parametrize("kind", ["adapter-colpali", "adapter-colqwen2"])
def test_a_merged_adapter_is_the_model_plus_its_low_rank_updates(kind, tiny_checkpoint):
    """By hand: W + alpha / r * B @ A, with alpha 8 and r 4."""
    folder = tiny_checkpoint(kind)
    layout = read_layout(folder)
    before = (visual_layout(Path(layout.base)).folder / "model.safetensors").read_bytes()
    base = tensors_of(open_checkpoint("base", visual_layout(Path(layout.base)), None, torch.float32))
    updates = load_file(folder / "adapter_model.safetensors")
    changed = 0
    for name, merged in tensors_of(opened(folder)).items():
        path = name.removesuffix(".weight")
        update = [stored for stored in updates if stored.endswith(f"{_tail(path)}.lora_A.weight")]
        expected = base[name]
        if update:
            (lora_a,) = update
            expected = expected + 8 / 4 * updates[lora_a.replace("lora_A", "lora_B")] @ updates[lora_a]
            assert not torch.equal(merged, base[name])
            changed += 1
        torch.testing.assert_close(merged, expected, atol=1e-6, rtol=0)
    assert changed == len(updates) // 2 >= 5
    assert (visual_layout(Path(layout.base)).folder / "model.safetensors").read_bytes() == before


def _tail(path):
    """Find the end of an adapter's name of a module."""
    if path == "projection":
        return "custom_text_proj"
    return path.partition("language_model.")[2] or path


def test_an_adapter_may_bring_the_projection_that_its_model_lacks(tiny_checkpoint, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_checkpoint("engine-colpali"), base)
    tensors = load_file(base / "model.safetensors")
    own = {name: tensors.pop(name) for name in list(tensors) if name.startswith("custom_text_proj")}
    save_file(tensors, base / "model.safetensors")
    with pytest.raises(ModelNotAvailableError, match=r"lacks custom_text_proj\.weight") as caught:
        opened(base)
    assert "trained for late interaction" in caught.value.hint

    def bring(updates):
        for name in [name for name in updates if "custom_text_proj" in name]:
            del updates[name]
        updates.update({f"base_model.model.{name}": tensor for name, tensor in own.items()})

    folder = copy_of(tiny_checkpoint("adapter-colpali"), tmp_path, bring, file="adapter_model.safetensors")
    change_settings(folder, base_model_name_or_path=str(base))
    torch.testing.assert_close(
        opened(folder).projection.weight, own["custom_text_proj.weight"], atol=0, rtol=0
    )


def change_settings(folder, **fields):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        (("layers.0", "layers.7"), r"has no backbone\.language_model\.layers\.7"),
        (("lora_B", "lora_magnitude_vector"), "besides|lacks"),
    ],
)
def test_an_adapter_for_another_model_is_refused(rename, message, tiny_checkpoint, tmp_path):
    def change(updates):
        for name in list(updates):
            updates[name.replace(*rename)] = updates.pop(name)

    folder = copy_of(tiny_checkpoint("adapter-colpali"), tmp_path, change, file="adapter_model.safetensors")
    with pytest.raises(ModelNotAvailableError, match=message):
        opened(folder)


def test_an_adapter_of_another_rank_than_it_says_is_refused(tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("adapter-colpali"), tmp_path)
    change_settings(folder, r=8)
    with pytest.raises(ModelNotAvailableError, match="does not fit its model: size mismatch"):
        opened(folder)


@pytest.mark.parametrize(("rank", "says"), [(None, "does not say its r"), ("four", 'r is "four"')])
def test_an_adapter_of_no_rank_is_refused(rank, says, tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("adapter-colpali"), tmp_path)
    change_settings(folder, r=rank)
    with pytest.raises(ModelNotAvailableError, match=says):
        opened(folder)


def test_an_adapter_whose_updates_are_scaled_by_name_is_refused(tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("adapter-colpali"), tmp_path)
    change_settings(folder, alpha_pattern={"model.layers.0.q_proj": 32})
    with pytest.raises(ModelNotAvailableError, match="alpha_pattern"):
        opened(folder)


def test_opening_says_nothing_on_the_terminal(tiny_checkpoint, capfd):
    folders = [tiny_checkpoint(kind) for kind in ("colpali", "adapter-colqwen2")]
    capfd.readouterr()
    for folder in folders:
        opened(folder)
    assert capfd.readouterr() == ("", "")


def test_a_folder_is_called_by_its_absolute_path_so_that_it_is_found_again(tiny_checkpoint, monkeypatch):
    folder = tiny_checkpoint("colqwen2")
    monkeypatch.chdir(folder.parent)
    encoder = load_encoder("./colqwen2", EncoderOptions(devices=("cpu",)))
    assert encoder.space.encoder == str(folder)
    again = load_encoder(encoder.space.encoder, EncoderOptions(devices=("cpu",)))
    assert again.space == encoder.space
    np.testing.assert_array_equal(
        again.encode_query("revenue").vectors, encoder.encode_query("revenue").vectors
    )


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (
            "config.json",
            '{"model_type": "colqwen2", "vlm_config": {"model_type": "qwen2_vl", "vision_config": 5}}',
        ),
        ("tokenizer.json", "{}"),
    ],
)
def test_settings_that_do_not_fit_together_are_one_clear_error(file, content, tiny_checkpoint, tmp_path):
    folder = copy_of(tiny_checkpoint("colqwen2"), tmp_path)
    (folder / file).write_text(content)
    with pytest.raises(ModelNotAvailableError, match="can't be opened"):
        opened(folder)


OLDER_PICTURES = {
    "engine-colpali": {
        "image_processor_type": "SiglipImageProcessor", "processor_class": "ColPaliProcessor",
        "image_seq_length": 1024, "size": {"height": 448, "width": 448}, "resample": 3, "do_convert_rgb": None,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255,
    },
    "engine-colqwen2": {
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "ColQwen2Processor",
        "min_pixels": 56 * 56, "max_pixels": 768 * 28 * 28, "patch_size": 14, "merge_size": 2,
        "temporal_patch_size": 2, "do_convert_rgb": True,
    },
    "engine-colidefics3": {
        "image_processor_type": "Idefics3ImageProcessor", "processor_class": "ColIdefics3Processor",
        "size": {"longest_edge": 512}, "max_image_size": {"longest_edge": 128}, "do_image_splitting": True,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_convert_rgb": True,
    },
}  # fmt: skip


@pytest.mark.parametrize(("kind", "pictures"), OLDER_PICTURES.items())
def test_settings_of_pictures_are_read_from_where_transformers_4_wrote_them(
    kind, pictures, tiny_checkpoint, tmp_path
):
    folder = copy_of(tiny_checkpoint(kind), tmp_path)
    (folder / "processor_config.json").unlink()
    if kind == "engine-colidefics3":
        (folder / "processor_config.json").write_text('{"image_seq_len": 4}')
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    page = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 200, 3), np.uint8))
    older, today = (
        opened(path).processor.image_processor([page]) for path in (folder, tiny_checkpoint(kind))
    )
    np.testing.assert_array_equal(older["pixel_values"], today["pixel_values"])

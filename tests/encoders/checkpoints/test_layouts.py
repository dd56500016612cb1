"""The layout of a folder, by its settings and tensor names."""

import json

import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling

from encoders.checkpoints import tiny, tiny_text
from maxsight.encoders import EncoderOptions, load_encoder
from maxsight.encoders.checkpoints.checkpoint import Family
from maxsight.encoders.checkpoints.layouts import (
    AdapterLayout,
    TextLayout,
    VisualLayout,
    read_layout,
)
from maxsight.encoders.checkpoints.quiet import quiet
from maxsight.errors import ModelNotAvailableError

ON_CPU = EncoderOptions(devices=("cpu",))


@pytest.mark.parametrize(
    ("kind", "family", "query_format", "projection"),
    [
        ("colpali", Family.COLPALI, "native", "embedding_proj_layer"),
        ("colqwen2", Family.COLQWEN2, "native", "embedding_proj_layer"),
        ("colmodernvbert", Family.COLMODERNVBERT, "native", "embedding_proj_layer"),
        ("engine-colpali", Family.COLPALI, "engine", "custom_text_proj"),
        ("engine-colqwen2", Family.COLQWEN2, "engine", "custom_text_proj"),
        ("engine-colqwen2_5", Family.COLQWEN2_5, "engine", "custom_text_proj"),
        ("engine-colqwen3", Family.COLQWEN3, "engine", "custom_text_proj"),
        ("engine-colidefics3", Family.COLIDEFICS3, "engine", "linear"),
        ("engine-colmodernvbert", Family.COLMODERNVBERT, "engine", "custom_text_proj"),
    ],
)
def test_family_and_format_follow_from_the_settings(kind, family, query_format, projection, tiny_checkpoint):
    folder = tiny_checkpoint(kind)
    assert read_layout(folder) == VisualLayout(folder, family, query_format, projection)


def test_an_adapter_names_the_model_under_it_and_its_version(tiny_checkpoint, tmp_path):
    folder = tiny_checkpoint("adapter-colpali")
    assert read_layout(folder) == AdapterLayout(folder, str(tiny_checkpoint("engine-colpali")))
    settings = {"peft_type": "LORA", "base_model_name_or_path": "owner/base", "revision": "v2"}
    write(tmp_path / "adapter_config.json", settings)
    assert read_layout(tmp_path).base == "owner/base@v2"


@pytest.mark.parametrize("kind", tiny_text.KINDS)
def test_a_text_model_is_known_in_each_of_its_layouts(kind, tmp_path):
    folder = tmp_path / kind
    tiny_text.save(kind, folder)
    assert read_layout(folder) == TextLayout(folder, runs_code=False)


@pytest.mark.parametrize("kind", ["colqwen2", "colmodernvbert"])
def test_a_visual_model_saved_by_sentence_transformers_is_the_model_inside(kind, tiny_checkpoint, tmp_path):
    with quiet():
        wrapped = MultiVectorEncoder(str(tiny_checkpoint(kind)), device="cpu", local_files_only=True)
        wrapped.save_pretrained(str(tmp_path / "wrapped"), create_model_card=False)
    encoder = load_encoder(str(tmp_path / "wrapped"), ON_CPU)
    expected = load_encoder(str(tiny_checkpoint(kind)), ON_CPU).encode_query("total revenue")
    torch.testing.assert_close(encoder.encode_query("total revenue").vectors, expected.vectors)


def test_a_plain_text_model_lacks_a_projection(tmp_path):
    tiny_text.save_backbone(tmp_path, tiny_text.bert(), tiny_text.wordpiece_tokenizer())
    with pytest.raises(ModelNotAvailableError, match="BertModel, which lacks the projection") as caught:
        load_encoder(str(tmp_path), ON_CPU)
    assert "ColPali" in caught.value.hint and "ColBERT" in caught.value.hint


def test_a_plain_vision_language_model_lacks_a_projection(tmp_path):
    model, processor = tiny.colpali()
    model.vlm.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    with pytest.raises(ModelNotAvailableError, match=r"lacks custom_text_proj\.weight, the projection"):
        load_encoder(str(tmp_path), ON_CPU)


def test_a_model_of_one_vector_per_text_is_refused(tmp_path):
    tiny_text.save_backbone(tmp_path / "bert", tiny_text.bert(), tiny_text.wordpiece_tokenizer())
    with quiet():
        transformer = Transformer(str(tmp_path / "bert"))
        pooled = SentenceTransformer(modules=[transformer, Pooling(tiny_text.HIDDEN)], device="cpu")
        pooled.save_pretrained(str(tmp_path / "pooled"), create_model_card=False)
    with pytest.raises(ModelNotAvailableError, match="one vector per text"):
        load_encoder(str(tmp_path / "pooled"), ON_CPU)


def test_a_text_model_without_its_projection_is_refused_in_each_layout(tmp_path):
    tiny_text.save("stanford", tmp_path / "stanford")
    file = tmp_path / "stanford" / "model.safetensors"
    save_file({name: tensor for name, tensor in load_file(file).items() if name != "linear.weight"}, file)
    with pytest.raises(ModelNotAvailableError, match=r"lacks linear\.weight"):
        load_encoder(str(tmp_path / "stanford"), ON_CPU)

    tiny_text.save("pylate", tmp_path / "pylate")
    modules = tmp_path / "pylate" / "modules.json"
    write(modules, json.loads(modules.read_text())[:1])
    with pytest.raises(ModelNotAvailableError, match=r"lacks a projection .* Transformer"):
        load_encoder(str(tmp_path / "pylate"), ON_CPU)


def test_a_vision_language_model_under_a_projection_of_sentence_transformers_is_refused(tmp_path):
    write(tmp_path / "config.json", {"model_type": "qwen2_5_vl"})
    kinds = ("sentence_transformers.base.modules.Transformer", "sentence_transformers.base.modules.Dense")
    modules = [tiny_text.module(0, "", kinds[0]), tiny_text.module(1, "1_Dense", kinds[1])]
    write(tmp_path / "modules.json", modules)
    with pytest.raises(ModelNotAvailableError, match="how pages are written for it is not known"):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}, "LlamaForCausalLM, which lacks"),
        ({"model_type": "colqwen9", "architectures": ["ColQwen9"]}, "ColQwen9 .* not known here"),
        ({"model_type": "colpali", "vlm_config": {"model_type": "llava"}}, "'colpali'.* not known here"),
        ({}, "model type None"),
        ({"model_type": "colqwen9", "architectures": None}, "model type 'colqwen9'"),
        ({"model_type": "colqwen9", "architectures": [5]}, "has 5"),
        ({"model_type": "colpali", "vlm_config": None}, "'colpali'.* not known here"),
        (
            {"model_type": "colpali", "vlm_config": {"model_type": ["paligemma"]}},
            "'colpali'.* not known here",
        ),
    ],
)
def test_a_model_of_another_kind_is_named_in_the_refusal(settings, message, tmp_path):
    write(tmp_path / "config.json", settings)
    with pytest.raises(ModelNotAvailableError, match=message):
        read_layout(tmp_path)


def test_a_folder_without_a_checkpoint_says_so(tmp_path):
    with pytest.raises(ModelNotAvailableError, match=r"no config\.json") as caught:
        load_encoder(str(tmp_path), ON_CPU)
    assert "vidore/colpali-v1.3-hf" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", '{"model_type": "colpa'),
        ("config.json", "[]"),
        ("modules.json", "nothing"),
        ("modules.json", "[{}]"),
        ("modules.json", "[]"),
        ("config.json", '{"model_type": ["colpali"]}'),
        ("config.json", '{"model_type": {"colpali": 1}}'),
        ("config.json", '{"model_type": "colpali", "vlm_config": "paligemma"}'),
        ("config.json", '{"model_type": "bert", "architectures": "HF_ColBERT"}'),
        ("adapter_config.json", '{"peft_type": ["LORA"], "base_model_name_or_path": "owner/base"}'),
        ("adapter_config.json", '{"peft_type": "LORA", "base_model_name_or_path": 5}'),
    ],
)
def test_settings_that_cannot_be_read_are_named(file, content, tmp_path):
    (tmp_path / file).write_text(content)
    with pytest.raises(ModelNotAvailableError, match=file):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    "settings", [{"peft_type": "LOHA", "base_model_name_or_path": "owner/base"}, {"peft_type": "LORA"}]
)
def test_an_adapter_that_cannot_be_merged_is_refused(settings, tmp_path):
    write(tmp_path / "adapter_config.json", settings)
    with pytest.raises(ModelNotAvailableError, match="only LoRA adapters over a named model"):
        read_layout(tmp_path)


def test_code_that_comes_with_a_checkpoint_is_not_run_unless_it_is_trusted(tmp_path, capfd):
    tiny_text.save("stanford", tmp_path / "own")
    config = json.loads((tmp_path / "own" / "config.json").read_text())
    own = {"model_type": "own_bert", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}
    write(tmp_path / "own" / "config.json", config | own)
    (tmp_path / "own" / "own.py").write_text("print('run')\nraise SystemExit('run')\n")
    with pytest.raises(ModelNotAvailableError, match="comes with Python code") as caught:
        load_encoder(str(tmp_path / "own"), ON_CPU)
    assert "--trust-remote-code" in caught.value.hint
    assert "run" not in capfd.readouterr().out


def write(file, content):
    file.write_text(json.dumps(content))

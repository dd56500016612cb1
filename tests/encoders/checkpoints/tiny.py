"""Tiny checkpoints of every family: the real classes and processors with random weights, built without a network.

They are loaded through the same path as the real ones. What they find means nothing.
"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import nn

CORPUS = [
    *["Describe the image.", "Question: ", "Query: ", "User:", "Assistant:"] * 50,
    *["what is the total revenue in 2023 ?", "how many pages are there", "where who when why which"] * 50,
    *["the table and the figure on this page of the document show"] * 50,
    "".join(map(chr, range(32, 127))),
]


def save(kind: str, folder: Path) -> None:
    """Write the checkpoint of this kind to a folder.

    Native ones are written by ``save_pretrained``; the others hold the same kind of model under the names that
    colpali-engine and older versions of transformers give its tensors.
    """
    if kind in ADAPTERS:
        return save_adapter(kind, folder)
    if kind in NATIVE:
        model, processor = NATIVE[kind]()
        model.save_pretrained(folder)
    else:
        parts, prefixes = OTHER[kind]
        config, tensors, processor = parts()
        config.save_pretrained(folder)
        tensors = {renamed(name, prefixes): tensor.contiguous() for name, tensor in tensors.items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    processor.save_pretrained(folder)


def save_adapter(kind: str, folder: Path) -> None:
    """Write a LoRA adapter over the checkpoint that lies, or is written, beside it."""
    base = folder.parent / ADAPTERS[kind]
    if not base.exists():
        save(ADAPTERS[kind], base)
    prefixes = OTHER[ADAPTERS[kind]][1]
    random = torch.Generator().manual_seed(1)
    tensors = {}
    for name, tensor in load_file(base / "model.safetensors").items():
        module = name.removesuffix(".weight")
        if "vision" not in module and module.endswith(
            ("q_proj", "down_proj", prefixes["projection."].rstrip("."))
        ):
            rows, columns = tensor.shape
            path = f"base_model.model.{module}"
            tensors[f"{path}.lora_A.weight"] = torch.randn((4, columns), generator=random) * 0.1
            tensors[f"{path}.lora_B.weight"] = torch.randn((rows, 4), generator=random) * 0.1
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    settings = dict(
        peft_type="LORA", r=4, lora_alpha=8, lora_dropout=0.1, bias="none", use_rslora=False, use_dora=False,
        target_modules="(.*(model).*(q_proj|down_proj).*$|.*(custom_text_proj).*$)", rank_pattern={},
        base_model_name_or_path=str(base), revision=None, task_type="FEATURE_EXTRACTION", inference_mode=True,
    )  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(settings))


def renamed(name, prefixes):
    """Replace the first prefix that fits."""
    for prefix, other in prefixes.items():
        if name.startswith(prefix):
            return other + name.removeprefix(prefix)
    return name


def colpali(hidden=64, dtype=torch.float32):
    byte_pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary, merges = gemma_tokens(480, ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *byte_pieces])
    image_processor = transformers.SiglipImageProcessorPil(
        size={"height": 448, "width": 448}, resample=3, image_mean=[0.5] * 3, image_std=[0.5] * 3,
        do_convert_rgb=True,
    )  # fmt: skip
    image_processor.image_seq_length = 1024
    processor = transformers.ColPaliProcessor(
        image_processor=image_processor,
        tokenizer=transformers.GemmaTokenizer(vocab=vocabulary, merges=merges),
    )
    backbone = transformers.PaliGemmaConfig(
        vision_config=siglip(image_size=448, patch_size=14, projection_dim=hidden),
        text_config=dict(
            model_type="gemma", vocab_size=processor.image_token_id + 1, hidden_size=hidden,
            intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
            head_dim=16, max_position_embeddings=2048,
        ),
        image_token_index=processor.image_token_id, projection_dim=hidden,
        pad_token_id=0, bos_token_id=2, eos_token_id=1,
    )  # fmt: skip
    config = transformers.ColPaliConfig(vlm_config=backbone, embedding_dim=128)
    return with_random_weights(transformers.ColPaliForRetrieval(config)).to(dtype), processor


def colqwen2(hidden=64):
    tokenizer = qwen_tokenizer()
    backbone = transformers.Qwen2VLConfig(
        vision_config=dict(
            depth=1, embed_dim=32, hidden_size=hidden, num_heads=2, mlp_ratio=2, patch_size=14,
            spatial_merge_size=2, temporal_patch_size=2, in_channels=3,
        ),
        text_config=qwen_language_model(tokenizer, hidden),
        **qwen_image_tokens(tokenizer),
    )  # fmt: skip
    config = transformers.ColQwen2Config(vlm_config=backbone, embedding_dim=128)
    model = with_random_weights(transformers.ColQwen2ForRetrieval(config))
    return model, qwen_processor(tokenizer, patch_px=14)


def colmodernvbert(hidden=64):
    """Tiles of 128 pixels and 4 vectors; a real checkpoint's have 512 pixels and 64."""
    tile_px, patch_px, shuffle = 128, 16, 4
    tokenizer = idefics_tokenizer()
    processor = transformers.ColModernVBertProcessor(
        image_processor=idefics_image_processor(tile_px),
        tokenizer=tokenizer,
        image_seq_len=(tile_px // patch_px // shuffle) ** 2,
    )
    ids = tokenizer.convert_tokens_to_ids
    backbone = transformers.ModernVBertConfig(
        text_config=dict(
            model_type="modernbert", vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=96,
            num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=4096, reference_compile=False,
            pad_token_id=ids("[PAD]"), bos_token_id=ids("[CLS]"), eos_token_id=ids("[SEP]"),
            cls_token_id=ids("[CLS]"), sep_token_id=ids("[SEP]"),
        ),
        vision_config=siglip(image_size=tile_px, patch_size=patch_px),
        image_token_id=ids("<image>"), pixel_shuffle_factor=shuffle,
    )  # fmt: skip
    config = transformers.ColModernVBertConfig(vlm_config=backbone, embedding_dim=128)
    return with_random_weights(transformers.ColModernVBertForRetrieval(config)), processor


def colqwen2_5(hidden=64):
    tokenizer = qwen_tokenizer()
    config = transformers.Qwen2_5_VLConfig(
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=14, out_hidden_size=hidden,
            spatial_merge_size=2, temporal_patch_size=2, window_size=112, fullatt_block_indexes=[1],
        ),
        text_config=qwen_language_model(tokenizer, hidden),
        **qwen_image_tokens(tokenizer),
    )  # fmt: skip
    return transformers.Qwen2_5_VLModel(config), qwen_processor(tokenizer, patch_px=14)


def colqwen3(hidden=64):
    tokenizer = qwen_tokenizer()
    language_model = qwen_language_model(tokenizer, hidden)
    language_model["rope_parameters"] |= {"mrope_section": [4, 2, 2], "mrope_interleaved": True}
    config = transformers.Qwen3VLConfig(
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=16, out_hidden_size=hidden,
            spatial_merge_size=2, temporal_patch_size=2, num_position_embeddings=64,
            deepstack_visual_indexes=[0, 1],
        ),
        text_config=dict(**language_model, head_dim=16),
        **qwen_image_tokens(tokenizer),
    )  # fmt: skip
    return transformers.Qwen3VLModel(config), qwen_processor(tokenizer, patch_px=16)


def colidefics3(hidden=64):
    tile_px, patch_px, shuffle = 128, 16, 4
    tokenizer = idefics_tokenizer()
    ids = tokenizer.convert_tokens_to_ids
    config = transformers.Idefics3Config(
        vision_config=dict(
            model_type="idefics3_vision", hidden_size=32, intermediate_size=48, num_hidden_layers=1,
            num_attention_heads=2, image_size=tile_px, patch_size=patch_px,
        ),
        text_config=dict(
            model_type="llama", vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=96,
            num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=4096,
            pad_token_id=ids("[PAD]"), bos_token_id=ids("[CLS]"), eos_token_id=ids("[SEP]"),
        ),
        image_token_id=ids("<image>"), scale_factor=shuffle, pad_token_id=ids("[PAD]"),
    )  # fmt: skip
    processor = transformers.Idefics3Processor(
        image_processor=idefics_image_processor(tile_px),
        tokenizer=tokenizer,
        image_seq_len=(tile_px // patch_px // shuffle) ** 2,
    )
    return transformers.Idefics3Model(config), processor


def native(build):
    """A native model's settings, tensors and processor."""
    model, processor = build()
    tensors = {name.removeprefix("vlm."): tensor for name, tensor in model.state_dict().items()}
    return model.config, with_projection(tensors, "embedding_proj_layer."), processor


def native_backbone(build, class_name):
    """The same, its settings those of the backbone alone, as colpali-engine writes them."""
    config, tensors, processor = native(build)
    return with_class(config.vlm_config, class_name), tensors, processor


def backbone(build, class_name, dim=128):
    """A model of which transformers has only the backbone."""
    model, processor = build()
    model = with_random_weights(nn.ModuleDict({"backbone": model, "projection": nn.Linear(64, dim)}))
    tensors = {name.removeprefix("backbone."): tensor for name, tensor in model.state_dict().items()}
    return with_class(model["backbone"].config, class_name), tensors, processor


def with_projection(tensors, stored):
    return {renamed(name, {stored: "projection."}): tensor for name, tensor in tensors.items()}


def with_class(config, class_name):
    config.architectures = [class_name]
    return config


NATIVE = {
    "colpali": colpali,
    "colpali-2048": lambda: colpali(2048, torch.bfloat16),
    "colqwen2": colqwen2,
    "colmodernvbert": colmodernvbert,
}
OTHER = {
    "engine-colpali": (
        lambda: native_backbone(colpali, "ColPali"),
        {"language_model.": "model.language_model.model.", "projection.": "custom_text_proj.", "": "model."},
    ),
    "engine-colqwen2": (
        lambda: native_backbone(colqwen2, "ColQwen2"),
        {"projection.": "custom_text_proj."},
    ),
    "engine-colqwen2_5": (
        lambda: backbone(colqwen2_5, "ColQwen2_5"),
        {"projection.": "custom_text_proj."},
    ),
    "engine-colqwen3": (
        lambda: backbone(colqwen3, "ColQwen3", 320),
        {"projection.": "model.custom_text_proj.", "": "model."},
    ),
    "engine-colidefics3": (
        lambda: backbone(colidefics3, "ColIdefics3"),
        {"projection.": "linear.", "": "model."},
    ),
    "engine-colmodernvbert": (
        lambda: native_backbone(colmodernvbert, "ColModernVBert"),
        {
            "text_model.": "base_model.model.model.text_model.",
            "projection.": "base_model.model.custom_text_proj.",
            "": "model.",
        },
    ),
    # As versions 4.4x of transformers wrote them.
    "colpali-v4": (
        lambda: native(colpali),
        {
            "language_model.": "vlm.language_model.model.",
            "vision_tower.": "vlm.vision_tower.vision_model.",
            "projection.": "embedding_proj_layer.",
            "": "vlm.",
        },
    ),
    "engine-colpali-v4": (
        lambda: native_backbone(colpali, "ColPali"),
        {
            "language_model.": "model.language_model.model.",
            "vision_tower.": "model.vision_tower.vision_model.",
            "projection.": "custom_text_proj.",
            "": "model.",
        },
    ),
    "engine-colqwen2-v4": (
        lambda: native_backbone(colqwen2, "ColQwen2"),
        {"language_model.": "model.", "projection.": "custom_text_proj."},
    ),
    # And as its versions from 4.52 on did, with a model inside the model.
    "colpali-v4.52": (
        lambda: native(colpali),
        {"projection.": "embedding_proj_layer.", "": "vlm.model."},
    ),
    "colqwen2-v4.52": (
        lambda: native(colqwen2),
        {"projection.": "embedding_proj_layer.", "": "vlm.model."},
    ),
}
"""What is built, and the prefixes that its tensors are stored under."""
ADAPTERS = {"adapter-colpali": "engine-colpali", "adapter-colqwen2": "engine-colqwen2-v4"}
"""The checkpoint that each is made for."""


def siglip(**sizes):
    return dict(
        model_type="siglip_vision_model", hidden_size=32, intermediate_size=48, num_hidden_layers=1,
        num_attention_heads=2, vision_use_head=False, **sizes,
    )  # fmt: skip


def qwen_language_model(tokenizer, hidden):
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    return dict(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=4096,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        bos_token_id=end, eos_token_id=end, pad_token_id=end,
    )  # fmt: skip


def qwen_image_tokens(tokenizer):
    ids = tokenizer.convert_tokens_to_ids
    return dict(
        image_token_id=ids("<|image_pad|>"), video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"), vision_end_token_id=ids("<|vision_end|>"),
    )  # fmt: skip


def qwen_processor(tokenizer, patch_px):
    return transformers.ColQwen2Processor(
        image_processor=transformers.Qwen2VLImageProcessorPil(
            size={"shortest_edge": 56 * 56, "longest_edge": 768 * 28 * 28},
            patch_size=patch_px, merge_size=2, temporal_patch_size=2,
        ),
        tokenizer=tokenizer,
    )  # fmt: skip


def idefics_image_processor(tile_px):
    return transformers.Idefics3ImageProcessorPil(
        size={"longest_edge": 4 * tile_px}, max_image_size={"longest_edge": tile_px}, do_image_splitting=True,
        image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip


def qwen_tokenizer():
    specials = [
        "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
        "<|image_pad|>", "<|video_pad|>", "<|vision_pad|>",
    ]  # fmt: skip
    vocabulary, merges = byte_tokens(420, specials)
    return transformers.Qwen2Tokenizer(vocab=vocabulary, merges=merges, extra_special_tokens=specials[1:])


def idefics_tokenizer():
    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    specials = [
        "<|padding|>", "<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "<|begin_of_text|>",
        "<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *tiles,
    ]  # fmt: skip
    vocabulary, merges = byte_tokens(460, specials)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in specials])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        pad_token="[PAD]", mask_token="[MASK]", model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def gemma_tokens(size, specials):
    """Train tokens that write a space as Gemma does. Returns the vocabulary and the merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("▁", "merged_with_next"),
            pre_tokenizers.Split(Regex(r"[\n.:?]"), "isolated"),
        ]
    )
    return train(tokenizer, size, specials, ["\n", "▁", *map(chr, range(33, 127))])


def byte_tokens(size, specials):
    """Train tokens over bytes, as Qwen2 and ModernBERT have them. Returns the vocabulary and the merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[\n.:?]| ?[^\s.:?]+|\s+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return train(tokenizer, size, specials, sorted(pre_tokenizers.ByteLevel.alphabet()))


def train(tokenizer, size, specials, alphabet):
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    trained = json.loads(tokenizer.to_str())["model"]
    return trained["vocab"], [tuple(merge) for merge in trained["merges"]]


def with_random_weights(model: nn.Module) -> nn.Module:
    """Spread the weights so that different pages and queries give different vectors, the same in every run."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2 or name.endswith("bias"):
                parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.08)
    return model.eval()

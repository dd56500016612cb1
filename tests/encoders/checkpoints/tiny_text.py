"""Tiny ColBERT checkpoints in each layout: the real classes and tokenizers with random weights, built offline.

They are loaded through the same path as the real ones. What they find means nothing, except that the same
word in the same place is found.
"""

import json
import string
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from encoders.checkpoints import tiny

HIDDEN = 32
QUERY_LENGTH = 40
PYLATE_MARKERS = ["[Q] ", "[D] "]


def save(kind: str, folder: Path) -> None:
    """Write the checkpoint of this kind to a folder."""
    KINDS[kind](folder)


def stanford(folder, document_length=128, dim=16):
    """As ``colbert-ir/colbertv2.0``: a BERT and its projection in one file, markers among the unused tokens."""
    save_backbone(folder, bert(), wordpiece_tokenizer())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["HF_ColBERT"]}))
    tensors = {f"bert.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    tensors["linear.weight"] = random_matrix(dim, HIDDEN)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "artifact.metadata").write_text(
        json.dumps(
            {
                "query_token_id": "[unused0]", "doc_token_id": "[unused1]", "query_maxlen": QUERY_LENGTH,
                "doc_maxlen": document_length, "dim": dim, "mask_punctuation": True,
                "attend_to_mask_tokens": False,
            }
        )
    )  # fmt: skip


def pylate(folder, document_length=128, dim=16):
    """As ``lightonai/GTE-ModernColBERT-v1``: a ModernBERT over bytes, its markers added to the vocabulary."""
    tokenizer = byte_tokenizer()
    tokenizer.add_tokens(PYLATE_MARKERS)
    save_backbone(folder, modern_bert(tokenizer), tokenizer)
    save_projection(folder / "1_Dense", dim, {"use_residual": False})
    modules = [
        module(0, "", "sentence_transformers.models.Transformer"),
        module(1, "1_Dense", "pylate.models.Dense.Dense"),
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": document_length - 1, "do_lower_case": False})
    )
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps(
            {
                "model_type": "ColBERT", "prompts": {}, "default_prompt_name": None,
                "similarity_fn_name": "MaxSim", "query_prefix": "[Q] ", "document_prefix": "[D] ",
                "query_length": QUERY_LENGTH, "document_length": document_length,
                "attend_to_expansion_tokens": False, "skiplist_words": list(string.punctuation),
            }
        )
    )  # fmt: skip


def sentence_transformers(folder, document_length=128, dim=16):
    """As sentence-transformers 6 writes one: no expansion, nothing skipped, prompts in words."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    backbone = folder.with_name(folder.name + "-backbone")
    save_backbone(backbone, bert(), wordpiece_tokenizer())
    transformer = Transformer(str(backbone), query_length=QUERY_LENGTH, document_length=document_length)
    projection = Dense(
        HIDDEN, dim, bias=False, activation_function=torch.nn.Identity(),
        init_weight=random_matrix(dim, HIDDEN), module_input_name="token_embeddings",
    )  # fmt: skip
    normalize = Normalize(module_input_name="token_embeddings")
    model = MultiVectorEncoder(
        modules=[transformer, projection, MultiVectorMask(), normalize],
        prompts={"query": "find: ", "document": "page: "},
        device="cpu",
    )
    model.save_pretrained(str(folder), create_model_card=False)


KINDS = {"stanford": stanford, "pylate": pylate, "sentence-transformers": sentence_transformers}


def bert():
    vocabulary = wordpiece_vocabulary()
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=HIDDEN, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=160, pad_token_id=vocabulary["[PAD]"],
    )  # fmt: skip
    return tiny.with_random_weights(transformers.BertModel(config, add_pooling_layer=False))


def modern_bert(tokenizer):
    ids = tokenizer.convert_tokens_to_ids
    config = transformers.ModernBertConfig(
        vocab_size=len(tokenizer), hidden_size=HIDDEN, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=512, local_attention=16,
        pad_token_id=ids("[PAD]"), bos_token_id=ids("[CLS]"), eos_token_id=ids("[SEP]"),
        cls_token_id=ids("[CLS]"), sep_token_id=ids("[SEP]"),
    )  # fmt: skip
    return tiny.with_random_weights(transformers.ModernBertModel(config))


def wordpiece_vocabulary():
    letters = string.ascii_lowercase + string.digits
    tokens = [
        "[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
        *string.punctuation, "\u2014", *letters, *(f"##{letter}" for letter in letters),
        *"the of net sales revenue batter ##ies collection point find page committee million".split(),
        *"alpha beta gamma delta".split(),
    ]  # fmt: skip
    return {token: number for number, token in enumerate(tokens)}


def wordpiece_tokenizer():
    return transformers.BertTokenizer(vocab=wordpiece_vocabulary(), do_lower_case=True, model_max_length=160)


def byte_tokenizer():
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    vocabulary, merges = tiny.byte_tokens(420, specials)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in specials])
    first, last = (("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"]))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[first, last]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        pad_token="[PAD]", mask_token="[MASK]", model_input_names=["input_ids", "attention_mask"],
        model_max_length=512,
    )  # fmt: skip


def save_backbone(folder, model, tokenizer):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_projection(folder, dim, settings):
    folder.mkdir()
    save_file({"linear.weight": random_matrix(dim, HIDDEN)}, folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps(
            {
                "in_features": HIDDEN, "out_features": dim, "bias": False,
                "activation_function": "torch.nn.modules.linear.Identity", **settings,
            }
        )
    )  # fmt: skip


def random_matrix(rows, columns):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(1))


def module(index, path, kind):
    return {"idx": index, "name": str(index), "path": path, "type": kind}

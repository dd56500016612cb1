"""Tiny rerankers of each kind, built without a network. What they prefer means nothing."""

import transformers

from encoders.checkpoints import tiny, tiny_text
from maxsight.encoders.checkpoints.quiet import quiet


def classifier(folder, labels=1, max_tokens=64):
    """As ``cross-encoder/ms-marco-MiniLM-L6-v2``: a BERT with one label."""
    vocabulary = tiny_text.wordpiece_vocabulary()
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=max_tokens, num_labels=labels,
        pad_token_id=vocabulary["[PAD]"],
    )  # fmt: skip
    model = tiny.with_random_weights(transformers.BertForSequenceClassification(config))
    tokenizer = transformers.BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=max_tokens)
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def qwen3_vl(folder):
    """As ``Qwen/Qwen3-VL-Reranker-2B``: a Qwen3-VL that says yes or no."""
    tokenizer = tiny.qwen_tokenizer()
    tokenizer.add_tokens(["yes", "no"])
    language_model = tiny.qwen_language_model(tokenizer, 64)
    language_model["rope_parameters"] |= {"mrope_section": [4, 2, 2], "mrope_interleaved": True}
    config = transformers.Qwen3VLConfig(
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=16, out_hidden_size=64,
            spatial_merge_size=2, temporal_patch_size=2, num_position_embeddings=64,
            deepstack_visual_indexes=[0, 1],
        ),
        text_config=dict(**language_model, head_dim=16),
        tie_word_embeddings=True,
        **tiny.qwen_image_tokens(tokenizer),
    )  # fmt: skip
    model = tiny.with_random_weights(transformers.Qwen3VLForConditionalGeneration(config))
    image_processor = transformers.Qwen2VLImageProcessorPil(
        size={"shortest_edge": 56 * 56, "longest_edge": 768 * 28 * 28}, patch_size=16, merge_size=2
    )
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        image_processor.save_pretrained(folder)

"""Names of tensors: each layout's names become one set of names, so that all visual checkpoints open alike.

Layouts differ only in names. The model is always a backbone, for which transformers has a class, and one linear
projection. These were compared with the classes that wrote them, tensor by tensor and output by output (transformers
5.23, colpali-engine 0.3.18):

- ``vlm.*`` and ``embedding_proj_layer.*``: ColPaliForRetrieval, ColQwen2ForRetrieval, ColModernVBertForRetrieval
- ``language_model.*``, ``visual.*`` and ``custom_text_proj.*``: colpali-engine's ColQwen2, ColQwen2_5; its ColQwen3
  with ``model.`` before each
- ``model.*`` and ``custom_text_proj.*``: its ColPali; its ColModernVBert with ``base_model.model.`` before some
- ``model.*`` and ``linear.*``: its ColIdefics3, such as ColSmol

Both write PaliGemma's language model as ``language_model.model.*``; transformers 4 left Qwen2's bare
(``model.layers.*``). What differs within the vision model, transformers itself brings up to date.
"""

from __future__ import annotations

import re

from maxsight.encoders.checkpoints.checkpoint import Family
from maxsight.encoders.checkpoints.layouts import VisualLayout

BACKBONE = "backbone."
PROJECTION = "projection."
_WRAPPERS = re.compile(r"^(?:(?:base_model|vlm|model)\.)+")
_UNUSED = re.compile(r"(?:^|\.)(?:lm_head\.weight|rotary_emb\.inv_freq|embeddings\.position_ids)$")
"""The language head, and tensors that older versions saved although they follow from the settings."""
_QWEN = (r"^(?=(?:layers|embed_tokens|norm)\.)", "language_model.")
_OLDER = {
    Family.COLPALI: (r"^language_model\.model\.", "language_model."),
    Family.COLQWEN2: _QWEN,
    Family.COLQWEN2_5: _QWEN,
    Family.COLQWEN3: _QWEN,
}


def name_in_model(stored: str, layout: VisualLayout) -> str | None:
    """Find a stored tensor's name in the model: ``backbone.*`` or ``projection.*``; None if the model does not use it.

    Args:
        stored: Its name in the file.
        layout: The checkpoint's layout, or that of an adapter's model.
    """
    if _UNUSED.search(stored):
        return None
    name = _WRAPPERS.sub("", stored)
    if name.startswith(f"{layout.projection}."):
        return PROJECTION + name.removeprefix(f"{layout.projection}.")
    if layout.family in _OLDER:
        name = re.sub(*_OLDER[layout.family], name)
    return BACKBONE + name

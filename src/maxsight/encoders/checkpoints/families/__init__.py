"""The families of visual checkpoints. Each prepares pictures, places vectors and writes prompts in its own way."""

from maxsight.encoders.checkpoints.checkpoint import Checkpoint, Family
from maxsight.encoders.checkpoints.families.base import Batch, VisualFamily
from maxsight.encoders.checkpoints.families.colpali import ColPali
from maxsight.encoders.checkpoints.families.colqwen import ColQwen
from maxsight.encoders.checkpoints.families.idefics import ColIdefics
from maxsight.encoders.checkpoints.families.queries import WrittenQuery

__all__ = ["Batch", "VisualFamily", "WrittenQuery", "family_of"]

_FAMILIES: dict[Family, type[VisualFamily]] = {
    Family.COLPALI: ColPali,
    Family.COLQWEN2: ColQwen,
    Family.COLQWEN2_5: ColQwen,
    Family.COLQWEN3: ColQwen,
    Family.COLMODERNVBERT: ColIdefics,
    Family.COLIDEFICS3: ColIdefics,
}


def family_of(checkpoint: Checkpoint) -> VisualFamily:
    """Make the family of a checkpoint."""
    return _FAMILIES[checkpoint.family](checkpoint)

"""Patches of a page as vectors of image statistics: what the page looks like, without a neural network."""

from maxsight.encoders.patches.encoder import PatchEncoder
from maxsight.encoders.patches.grid import PatchGrid
from maxsight.encoders.patches.statistics import STATISTICS, PatchStatistics, patch_statistics

__all__ = ["STATISTICS", "PatchEncoder", "PatchGrid", "PatchStatistics", "patch_statistics"]

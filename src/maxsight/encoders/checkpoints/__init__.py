"""Encoders made of trained checkpoints: the ColPali family over page pictures, ColBERT and its kin over text.

Everything in here may import torch; nothing outside may. The way in is :mod:`maxsight.encoders.registry`.
"""

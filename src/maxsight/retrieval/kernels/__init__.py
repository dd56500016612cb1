"""Compiled kernels: what ``retrieval.scoring`` computes in numpy, on the processor's own bit and matrix units."""

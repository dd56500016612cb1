"""Compiled kernels on the processor's vector and matrix units; ``reference`` says in numpy what they compute."""

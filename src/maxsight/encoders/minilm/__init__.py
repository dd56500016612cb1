"""The encoder that comes with the package: all-MiniLM-L6-v2 on a CPU, one vector per word piece.

``tokens`` cuts text into tokens and windows, ``model`` runs the network, ``recipe`` turns its hidden states into
vectors, ``language`` recognises text that is not English. ``scripts/build_minilm.py`` makes the model files.
"""

PARAGRAPHS = "minilm:paragraphs"
"""The same model with one vector for each paragraph: the default for records."""

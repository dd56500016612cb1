"""The encoder that comes with the package: all-MiniLM-L6-v2 on a CPU, one vector per word piece.

``offline`` has what it shares with `multilingual`; ``tokens`` cuts text into word pieces.
``scripts/build_minilm.py`` makes the model files.
"""

PARAGRAPHS = "minilm:paragraphs"
"""The same model with one vector for each paragraph: the default for records."""

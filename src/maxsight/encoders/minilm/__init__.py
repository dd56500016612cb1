"""The encoder that comes with the package: all-MiniLM-L6-v2 on a CPU, one vector per word piece.

``encoder`` is the whole; ``tokens`` cuts text, ``windows`` groups the tokens, ``model`` runs the network,
``recipe`` turns its hidden states into vectors, ``language`` says when the text is not English. The model
files beside them are made by ``scripts/build_minilm.py``.
"""

PARAGRAPHS = "minilm:paragraphs"
"""The encoder that comes with maxsight, one vector for each paragraph: for records, unless another one is named."""

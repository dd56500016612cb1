"""What the encoders that run offline share: a BERT in onnxruntime on a CPU, one vector per token.

``tokens`` cuts text into tokens and windows, ``network`` runs the model, ``recipe`` turns its hidden states into
vectors, ``encoder`` puts them together. `minilm` and `multilingual` are encoders made of these.
"""

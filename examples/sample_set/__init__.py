"""The text and drawings of the sample documents, one module per document.

Everything in them is fictional. ``layout``, ``charts`` and ``shapes`` draw; the other modules say what.
"""

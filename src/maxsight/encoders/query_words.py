"""The words of a query as people are shown them."""

_AROUND_WORDS = ".,;:!?\u2026'\"\u2018\u2019\u201c\u201d\u00ab\u00bb()[]{}"


def bare_word(word: str) -> str:
    """Strip quotes, brackets and the punctuation of sentences off both ends; "5%" and "C++" stay whole."""
    return word.strip(_AROUND_WORDS)

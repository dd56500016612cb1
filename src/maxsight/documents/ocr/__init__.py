"""Pictures to words: the engines, and what chooses among them."""

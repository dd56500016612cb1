"""A model answers questions from the best pages. Its citations are checked."""

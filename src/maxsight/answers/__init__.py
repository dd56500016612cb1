"""Questions answered in words by a model that is shown the best pages, with citations that are checked."""

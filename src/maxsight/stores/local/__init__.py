"""A library in a folder: one Lance dataset, and what keeps it whole on the disk."""

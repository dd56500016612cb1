"""A library in a folder: one Lance dataset, whose commits outlast a power cut."""

"""The composition of the rooms below: a library that indexes, searches, explains, copies and maintains itself."""

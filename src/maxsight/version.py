"""The version of the package. A module of its own, so that no other module imports the package above it."""

__version__ = "0.2.0"

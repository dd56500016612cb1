"""The command line: one file per command, which parses, calls the library and prints."""

from maxsight.cli.app import main

__all__ = ["main"]

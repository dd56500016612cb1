"""The command line: one file per command, each parse, library, print."""

from maxsight.cli.app import main

__all__ = ["main"]

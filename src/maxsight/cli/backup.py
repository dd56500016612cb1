"""``maxsight backup``."""

from __future__ import annotations

from pathlib import Path

import click

from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import json_option
from maxsight.cli.output import print_result


@click.command()
@click.argument("destination", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@library_option
@json_option
def backup(destination: Path, library: ChosenLibrary, as_json: bool) -> None:
    """Copy one consistent version of the library to DIR.

    DIR must be empty or not exist. You can search and index meanwhile. The copy is a library. Its documents are named
    relative to the folder that holds it, so put it back in the library's place before you index with it.
    """
    with library.open(read_only=True) as opened:
        opened.backup(destination)
    print_result({"backup": destination}, f"{library} copied to {destination}", as_json=as_json)

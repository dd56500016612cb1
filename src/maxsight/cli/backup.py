"""``maxsight backup``."""

from __future__ import annotations

from pathlib import Path

import click

from maxsight.cli.output import json_option, library_option, print_json
from maxsight.stores.addresses import Address


@click.command()
@click.argument("destination", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@library_option
@json_option
def backup(destination: Path, library: Address, as_json: bool) -> None:
    """Copy one consistent version of the library to DIR.

    DIR must be empty or not exist. Searching and indexing may go on meanwhile. The copy is a library itself;
    documents are named relative to the folder that holds it, so put it back in the library's place before you index
    with it.
    """
    from maxsight import Library

    with Library.open(library, read_only=True) as opened:
        opened.backup(destination)
    if as_json:
        print_json({"backup": destination})
    else:
        click.echo(f"{library} copied to {destination}")

"""``maxsight remove``."""

from __future__ import annotations

import click

from maxsight.cli.output import json_option, library_option, print_json, say_damage
from maxsight.stores.addresses import Address


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@library_option
@json_option
def remove(files: tuple[str, ...], library: Address, as_json: bool) -> None:
    """Remove documents from the library; the files stay.

    FILE is a path or a file name, or a file of records for all documents made of it.
    """
    from maxsight import Library

    with Library.open(library) as opened:
        removed = opened.remove(files)
        say_damage(opened)
    if as_json:
        print_json({"removed": removed})
        return
    for path in removed:
        click.echo(f"removed {path}")

"""``maxsight remove``."""

from __future__ import annotations

import click

from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import json_option
from maxsight.cli.output import print_json, say_damage


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@library_option
@json_option
def remove(files: tuple[str, ...], library: ChosenLibrary, as_json: bool) -> None:
    """Remove documents from the library; the files stay.

    FILE is a path or a file name. A file of records stands for all its documents.
    """
    with library.open() as opened:
        removed = opened.remove(files)
        say_damage(opened)
    if as_json:
        print_json({"removed": removed})
        return
    for path in removed:
        click.echo(f"removed {path}")

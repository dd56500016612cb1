"""``maxsight export``."""

from __future__ import annotations

from pathlib import Path

import click

from maxsight.cli.output import counted, json_option, library_option, print_json
from maxsight.stores.addresses import Address


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.parquet")
@library_option
@json_option
def export(file: Path, library: Address, as_json: bool) -> None:
    """Write every page to a Parquet file.

    A row has a page's text, vectors, regions and your fields.
    """
    from maxsight import Library

    with Library.open(library, read_only=True) as opened:
        pages = opened.export(file)
    if as_json:
        print_json({"file": file, "pages": pages})
    else:
        click.echo(f"{file}: {counted(pages, 'page')}")

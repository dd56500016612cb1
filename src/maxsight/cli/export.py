"""``maxsight export``."""

from __future__ import annotations

from pathlib import Path

import click

from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import json_option
from maxsight.cli.output import counted, print_result


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.parquet")
@library_option
@json_option
def export(file: Path, library: ChosenLibrary, as_json: bool) -> None:
    """Write every page to a Parquet file.

    A row has a page's text and where it comes from, vectors, regions and your fields.
    """
    with library.open(read_only=True) as opened:
        pages = opened.export(file)
    print_result({"file": file, "pages": pages}, f"{file}: {counted(pages, 'page')}", as_json=as_json)

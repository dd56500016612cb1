"""``maxsight verify``."""

from __future__ import annotations

import sys

import click

from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import json_option
from maxsight.cli.output import counted, plain, print_json, progress, say

DAMAGED = 5


@click.command()
@library_option
@click.option("--repair", is_flag=True, help="Drop damaged pages; the next `index` reads them again.")
@json_option
def verify(library: ChosenLibrary, repair: bool, as_json: bool) -> None:
    """Read every page, check it, and name what is damaged.

    Vectors are compared with their checksums. The exit code is 5 if something is damaged and was not repaired.
    """
    with library.open(read_only=not repair) as opened, progress("reading") as show:
        result = opened.verify(repair=repair, on_progress=show)
    if as_json:
        print_json({"clean": result.clean, **plain(result)})
    else:
        for problem in (*result.damage, *result.faults):
            say(f"damaged: {problem}")
        click.echo(
            f"{library}: {counted(result.pages, 'page')} read, {_verdict(result.clean, result.repaired)}"
        )
    if not (result.clean or result.repaired):
        sys.exit(DAMAGED)


def _verdict(clean: bool, repaired: bool) -> str:
    if clean:
        return "everything is as it was written"
    if repaired:
        return "damaged pages were dropped; `maxsight index` reads them again"
    return "some pages are damaged; `maxsight verify --repair` drops them"

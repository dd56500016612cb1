"""``maxsight verify``."""

from __future__ import annotations

import sys

import click

from maxsight.cli.output import counted, json_option, library_option, plain, print_json, progress, say
from maxsight.stores.addresses import Address

DAMAGED = 5


@click.command()
@library_option
@click.option(
    "--repair", is_flag=True, help="Drop what is damaged; the next `index` reads those pages again."
)
@json_option
def verify(library: Address, repair: bool, as_json: bool) -> None:
    """Read every page, check it, and name what is damaged.

    Vectors are compared with their checksums. The exit code is 0 when everything is as it was written, or was
    repaired, else 5.
    """
    from maxsight import Library

    with Library.open(library, read_only=not repair) as opened, progress("reading") as show:
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
        return "what was damaged was dropped; `maxsight index` reads those pages again"
    return "something is damaged; `maxsight verify --repair` drops it"

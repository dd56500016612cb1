"""``maxsight compact``."""

from __future__ import annotations

import click

from maxsight.cli.output import json_option, library_option, print_json, say_damage, size
from maxsight.stores.addresses import Address


@click.command()
@library_option
@json_option
def compact(library: Address, as_json: bool) -> None:
    """Merge fragments and drop versions more than an hour old."""
    from maxsight import Library

    with Library.open(library) as opened:
        before = opened.status().size_bytes
        opened.compact()
        say_damage(opened)
        after = opened.status().size_bytes
    assert before is not None and after is not None  # only a folder can be compacted
    if as_json:
        print_json({"size_bytes_before": before, "size_bytes": after})
    else:
        click.echo(
            f"{library}: {size(before)} before, {size(after)} now; versions go when they are an hour old"
        )

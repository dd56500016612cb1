"""``maxsight compact``."""

from __future__ import annotations

import click

from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import json_option
from maxsight.cli.output import print_result, say_damage, size


@click.command()
@library_option
@json_option
def compact(library: ChosenLibrary, as_json: bool) -> None:
    """Merge fragments, and delete versions over an hour old.

    The versions of the last hour stay, since readers may use them. So right after much writing the library takes more
    space than before; an hour later the same command frees it.
    """
    with library.open() as opened:
        before = opened.status().size_bytes
        opened.compact()
        say_damage(opened)
        after = opened.status().size_bytes
    assert before is not None and after is not None  # only a folder can be compacted
    print_result(
        {"size_bytes_before": before, "size_bytes": after},
        f"{library}: {size(before)} before, {size(after)} now, with the versions of the last hour, which readers may "
        "use. A compact an hour from now deletes them",
        as_json=as_json,
    )

"""``maxsight copy``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from maxsight.cli.library_options import storage_options, token_option
from maxsight.cli.options import json_option
from maxsight.cli.output import counted, print_result, progress, resumable
from maxsight.stores.addresses import parse_address


@click.command()
@click.argument("source")
@click.argument("destination", metavar="DEST")
@token_option
@storage_options
@click.option(
    "--source-token", metavar="TOKEN", help="Token of SOURCE, if both are servers.  [default: as --token]"
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder that documents' names in DEST are relative to, if the files have moved.",
)
@click.option("--prune", is_flag=True, help="Remove documents in DEST that SOURCE does not have.")
@json_option
def copy(
    source: str,
    destination: str,
    token: str | None,
    source_token: str | None,
    root: Path | None,
    prune: bool,
    as_json: bool,
    **storage: Any,
) -> None:
    """Copy the library SOURCE to DEST.

    SOURCE and DEST are each a folder, a place in a bucket, a Milvus Lite database (NAME.db), or the URL of a Milvus
    server. Nothing is encoded again. The same command continues an interrupted copy, and brings an old one up to date.
    Written pages are read back and compared.
    """
    from maxsight import Library

    with (
        resumable("copied"),
        Library.open(parse_address(source, source_token or token, **storage), read_only=True) as opened,
        progress("copying") as show,
    ):
        report = opened.copy(
            parse_address(destination, token, **storage), root=root, prune=prune, on_progress=show
        )
    print_result(
        report,
        f"{source} copied to {destination}: {counted(report.documents, 'document')}, {counted(report.pages, 'page')}, "
        f"{report.vectors:,} vectors; {report.written:,} pages written, {report.unchanged:,} were there, "
        f"{counted(len(report.removed), 'document')} removed; checksum {report.checksum}",
        as_json=as_json,
    )

"""``maxsight copy``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from maxsight.cli.output import INTERRUPTED, counted, json_option, print_json, progress, say, token_option


@click.command()
@click.argument("source")
@click.argument("destination", metavar="DEST")
@token_option
@click.option(
    "--source-token", metavar="TOKEN", help="Of SOURCE, where both are servers.  [default: as --token]"
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder that documents' names in DEST are relative to, where the files have moved.",
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
) -> None:
    """Make DEST hold what the library SOURCE holds.

    Nothing is encoded again. Each is a folder, a Milvus Lite database (NAME.db), or the URL of a Milvus server. The
    same command goes on where an interrupted one stopped, and brings an old copy up to date. What was written is read
    back and compared.
    """
    from maxsight import Library

    with Library.open(source, token=source_token or token, read_only=True) as opened:
        try:
            with progress("copying") as show:
                report = opened.copy(destination, token=token, root=root, prune=prune, on_progress=show)
        except KeyboardInterrupt:
            say("stopped; what was copied is kept. The same command goes on from here.")
            sys.exit(INTERRUPTED)
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{source} copied to {destination}: {counted(report.documents, 'document')}, {counted(report.pages, 'page')}, "
        f"{report.vectors:,} vectors; {report.written:,} pages written, {report.unchanged:,} were there, "
        f"{counted(len(report.removed), 'document')} removed; checksum {report.checksum}"
    )

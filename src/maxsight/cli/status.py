"""``maxsight status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import json_option
from maxsight.cli.output import counted, print_json, say_damage, size

if TYPE_CHECKING:
    from maxsight.library.status import Status


@click.command()
@library_option
@json_option
def status(library: ChosenLibrary, as_json: bool) -> None:
    """Show what the library holds, and its encoder."""
    with library.open(read_only=True) as opened:
        summary = opened.status()
        say_damage(opened)
    if as_json:
        print_json(summary)
        return
    incomplete = f" ({summary.incomplete:,} incomplete)" if summary.incomplete else ""
    click.echo(f"library    {summary.path}")
    click.echo(f"documents  {summary.documents:,}{incomplete}")
    click.echo(f"pages      {summary.pages:,}")
    pooled = f" (pool factor {summary.pool_factor})" if summary.pool_factor > 1 else ""
    click.echo(f"vectors    {summary.vectors:,}{pooled}")
    if summary.size_bytes is not None:
        per_page = f", {size(summary.size_bytes // summary.pages)} a page" if summary.pages else ""
        click.echo(f"size       {size(summary.size_bytes)}{per_page}")
    click.echo(f"store      {summary.store}")
    click.echo(f"encoder    {summary.space}")
    click.echo(f"search     {_search(summary)}")
    click.echo(
        f"fields     {', '.join(f'{name} ({kind})' for name, kind in summary.fields.items()) or 'none'}"
    )
    click.echo(f"format     {summary.format_version}, made by maxsight {summary.created_by}")


def _search(summary: Status) -> str:
    audit = summary.audit
    if audit is None:
        return "default settings; `maxsight audit` measures how many of the best pages they find"
    if not summary.audit_holds:
        return f"default settings: the audit of {audit.date} had {counted(audit.pages, 'page')}; audit again"
    measured = f"measured {audit.date} with {counted(audit.queries, 'query', 'queries')}"
    if (best := audit.recommended) is None:
        return f"every page is scored: fewer do not reach {audit.target:g} ({measured})"
    return f"{summary.candidates:,} candidates, recall@{audit.top_k} {best.recall:.3f} ({measured})"

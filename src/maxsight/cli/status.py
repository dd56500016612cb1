"""``maxsight status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maxsight.cli.output import counted, json_option, library_option, print_json, say_damage, size

if TYPE_CHECKING:
    from maxsight.library.status import Status
    from maxsight.stores.addresses import Address


@click.command()
@library_option
@json_option
def status(library: Address, as_json: bool) -> None:
    """Show what the library holds, and which encoder it has."""
    from maxsight import Library

    with Library.open(library, read_only=True) as opened:
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
        return "by default; `maxsight audit` measures what it finds"
    if not summary.audit_holds:
        return f"by default: the audit of {audit.date} had {counted(audit.pages, 'page')}; `maxsight audit` again"
    measured = f"measured {audit.date} with {counted(audit.queries, 'query', 'queries')}"
    if (best := audit.recommended) is None:
        return f"every page is scored: less does not find {audit.target:g} ({measured})"
    return f"{summary.candidates:,} candidates, recall@{audit.top_k} {best.recall:.3f} ({measured})"

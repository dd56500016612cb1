"""``maxsight explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import json_option, library_option, print_json, region_text, say
from maxsight.errors import InputError

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.stores.addresses import Address
    from maxsight.types import Region


@click.command()
@click.argument("question")
@click.argument("file")
@click.argument("page", type=click.IntRange(1))
@library_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PNG",
    help="Draw the page with its matching regions here.",
)
@click.option("--password", envvar="MAXSIGHT_PASSWORD", show_envvar=True, help="For an encrypted PDF.")
@query_encoder_options
@json_option
def explain(
    question: str,
    file: str,
    page: int,
    library: Address,
    out: Path | None,
    password: str | None,
    encoder: str | None,
    encoder_options: EncoderOptions,
    as_json: bool,
) -> None:
    """Show why PAGE of FILE would be found for QUESTION: where each query word matched."""
    from dataclasses import replace

    from maxsight.library import Library

    if out and out.suffix.lower() != ".png":
        raise InputError(f"the picture is a PNG, so {out} can't be its name", hint="Let it end in .png.")

    with Library.open(library, encoder=encoder, options=encoder_options, read_only=True) as opened:
        explanation = opened.explain(question, file, page)
        if out:
            picture = opened.draw(explanation, settings=replace(opened.settings, password=password))
            try:
                picture.save(out, format="PNG")
            except OSError as error:
                raise InputError(f"{out} can't be written: {error.strerror or error}") from error
            say(f"drawn: {out}")
    if as_json:
        print_json(explanation)
        return
    click.echo(f"{explanation.path}  page {explanation.page_number}  score {explanation.score:.3f}")
    width = max((len(match.word) for match in explanation.matches), default=0)
    for match in explanation.matches:
        click.echo(f"  {match.score:7.3f}  {match.word:<{width}}  {_place(match.region)}")
    for note in explanation.notes:
        say(f"note: {note}")


def _place(region: Region) -> str:
    """Its words and its box; where there are no words, ``str`` gives the box."""
    box = region.box
    at = f"  at {box[0]:.3f},{box[1]:.3f}-{box[2]:.3f},{box[3]:.3f}" if region.text and box else ""
    return region_text(region) + at

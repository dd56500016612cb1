"""``maxsight explain``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.options import PageNumber, json_option, password_option, question_argument
from maxsight.cli.output import json_text, plain, region_text, say, say_notes, shown
from maxsight.cli.remote import remote_library, url_option
from maxsight.writing import check_suffix, named_errors

if TYPE_CHECKING:
    from maxsight.client import RemoteExplanation
    from maxsight.heatmaps.explanation import Explanation
    from maxsight.library.drawing import PagePicture
    from maxsight.results import Region


@click.command()
@question_argument()
@click.argument("file")
@click.argument("page", type=PageNumber())
@library_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PNG|DIR",
    help="Draw the page with its matching regions to this file. A folder also gets a picture for each query token, and "
    "the shares of the score as JSON.",
)
@url_option
@password_option
@query_encoder_options
@json_option
def explain(
    question: str,
    file: str,
    page: int,
    library: ChosenLibrary,
    out: Path | None,
    url: str | None,
    password: str | None,
    as_json: bool,
) -> None:
    """Show why PAGE of FILE would be found for QUESTION.

    For each word: how far its match stands out from an average page of the library, from 0 to 1, its share of the
    score, what it matched, and where. Words that stand on the page to the letter are marked with = and shown at all
    their places. For other words of several tokens that matched different places, each token follows with its own.
    Common words are summed up below. JSON has them, and what each token and each region gave.
    """
    from maxsight.lettering import without_font

    if remote := remote_library(url):
        with remote:
            if out:
                raise click.UsageError(
                    "A server draws no such picture: leave out --out, or use its web page."
                )
            _print(remote.explain(question, file, page), as_json)
        return
    folder = out and (out.is_dir() or not out.suffix)
    if out and not folder:
        check_suffix(out, (".png",), "the picture is", or_else=", or name a folder")

    with library.open(read_only=True) as opened:
        found = opened.find_page(file, page)
        explanation = opened.explain_page(question, found)
        if out:
            picture = opened.picture(found, settings=replace(opened.settings, password=password))
            with named_errors(out):
                _draw_all(explanation, picture, out) if folder else explanation.draw(*picture).save(out)
            say(f"drawn: {out}")
            if letters := without_font(question):
                say_notes(
                    [
                        f"no font here has {letters}: boxes are drawn for them. Install one, such as Noto Sans CJK"
                    ]
                )
    _print(explanation, as_json)


def _print(explanation: Explanation | RemoteExplanation, as_json: bool) -> None:
    if as_json:
        click.echo(json_text(_attribution(explanation)))
        return
    click.echo(f"{shown(explanation.path)}  page {explanation.page_number}  score {explanation.score:.3f}")
    for line in _table(explanation):
        click.echo(f"  {line}")
    for boost in explanation.boosts:
        click.echo(f"  apart from the score: {shown(str(boost))}")
    say_notes(explanation.notes)


def _draw_all(explanation: Explanation, picture: PagePicture, folder: Path) -> None:
    """Draw the page with its heatmap and with that of each query token; write the shares of the score as JSON."""
    from maxsight.heatmaps.overlay import captioned, scaled

    folder.mkdir(parents=True, exist_ok=True)
    explanation.draw(*picture).save(folder / "heatmap.png")
    page = scaled(picture.image)
    for number, token in enumerate(explanation.tokens):
        name = "-".join(filter(None, [f"token-{number + 1:02}", re.sub(r"\W+", "", token.piece)[:40]]))
        marked = explanation.mark(page, picture.boxes, token=number)
        captioned(marked, _caption(explanation, number)).save(folder / f"{name}.png")
    written = json_text(_attribution(explanation)) + "\n"
    (folder / "attribution.json").write_text(written, encoding="utf-8")


def _caption(explanation: Explanation, number: int) -> str:
    token = explanation.tokens[number]
    text = token.piece or "(added by the model)"
    of_word = f" of {token.word}" if token.word and token.word != token.piece else ""
    found = f"{token.score:.2f} of {explanation.score:.2f} at {region_text(token.region)}"
    return f"token {number + 1}: {text}{of_word}, {found}"


def _attribution(explanation: Explanation | RemoteExplanation) -> dict[str, Any]:
    """Convert to JSON with all digits, so that the shares still sum to the score."""
    return {**plain(explanation, digits=None), "notes": list(explanation.notes)}


def _table(explanation: Explanation | RemoteExplanation) -> Iterator[str]:
    """Write a row for each place of each word that tells pages apart, and one for all common words."""
    rows = [
        ("stands out", "score", "word", "matched", "at left,top-right,bottom of a page 1 wide and 1 high")
    ]
    for number, match in enumerate(explanation.matches):
        if not match.common:
            numbers = f"{match.contrast:.2f}", f"{match.score:.3f}"
            sign = "= " if match.identical else ""
            for region in match.places or (match.region,):
                rows.append((*numbers, match.word, sign + region_text(region), _place(region)))
                numbers = "", ""
            tokens = [token for token in explanation.tokens if token.match == number]
            if not match.identical and len({token.region for token in tokens}) > 1:
                rows += [
                    (
                        "",
                        f"{token.score:.3f}",
                        f"  {token.piece}",
                        region_text(token.region),
                        _place(token.region),
                    )
                    for token in tokens
                ]
    if not any(place for *_, place in rows[1:]):
        rows[0] = (*rows[0][:4], "")
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for contrast, score, word, matched, place in rows:
        numbers_text = f"{contrast:>{widths[0]}}  {score:>{widths[1]}}"
        yield f"{numbers_text}  {word:<{widths[2]}}  {matched:<{widths[3]}}  {place}".rstrip()
    if common := [match for match in explanation.matches if match.common]:
        given = f"{sum(match.score for match in common):.3f}"
        words = ", ".join(dict.fromkeys(match.word for match in common))
        line = f"{'':>{widths[0]}}  {given:>{widths[1]}}  common words: {words}"
        yield click.style(line, dim=True)


def _place(region: Region) -> str:
    """Write the box of a region's words. Without words the box stands in their column already."""
    if not region.text or not region.box:
        return ""
    return " and ".join("{:.3f},{:.3f}-{:.3f},{:.3f}".format(*box) for box in (region.box, *region.more))

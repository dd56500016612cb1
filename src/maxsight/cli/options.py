"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]


class PageNumber(click.IntRange):
    """A page of a document, counted from 1. Errors say its name: "'six' is not a valid page number"."""

    name = "page number"

    def __init__(self) -> None:
        super().__init__(1)


filter_option = click.option(
    "--filter",
    "where",
    metavar="EXPR",
    help="SQL condition on file, path, page_number, text and your own fields: "
    "\"year >= 2020 AND text CONTAINS 'net sales'\".",
)
names_option = click.option(
    "--names/--no-names",
    default=True,
    show_default=True,
    help="Documents that the question names come before others of nearly their score.",
)
exact_option = click.option("--exact", is_flag=True, help="Score every page, not only the candidates.")
quality_model_option = click.option(
    "--quality-model",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="MODEL",
    help="Like --quality, with your own model file.",
)
search_device_option = click.option(
    "--search-device",
    metavar="cpu|auto|cuda|cuda:1|mps",
    default="cpu",
    show_default=True,
    help="Where pages are scored. A GPU holds all vectors and scores every page.",
)
password_option = click.option(
    "--password", envvar="MAXSIGHT_PASSWORD", show_envvar=True, help="For encrypted PDFs."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def add_options(command: Command, *options: Option) -> Command:
    """Add options to a command, in the order of its help."""
    decorated: Any = command
    for option in reversed(options):
        decorated = option(decorated)
    return cast(Command, decorated)


def was_given(option: str) -> bool:
    """Whether an option stands on the command line, and not only in the environment."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE

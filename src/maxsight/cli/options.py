"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]


class WholeNumber(click.IntRange):
    """A whole number in a range. Help and errors say "number" and not "integer range"."""

    name = "number"


class Number(click.FloatRange):
    """A number in a range."""

    name = "number"


class PageNumber(click.IntRange):
    """A page of a document, counted from 1. Errors say its name: "'six' is not a valid page number"."""

    name = "page number"

    def __init__(self) -> None:
        super().__init__(1)


class GroupedHelp(click.Command):
    """A command with many options, whose help shows them in groups.

    Attributes:
        groups: Names of options by the title of their group; the options of none come last.
    """

    groups: Mapping[str, Sequence[str]] = MappingProxyType({})

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups in their order, each with its options in theirs."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = {param.name: record for param in options if (record := param.get_help_record(ctx))}
        for title, names in self.groups.items():
            with formatter.section(title):
                formatter.write_dl([records.pop(name) for name in names])
        with formatter.section("Other options"):
            formatter.write_dl(list(records.values()))


def question_argument(*, required: bool = True) -> Option:
    """Make the argument QUESTION. Words without quotation marks around them are one question, too."""
    return click.argument(
        "question",
        nargs=-1,
        required=required,
        metavar="QUESTION" if required else "[QUESTION]",
        callback=lambda context, parameter, words: " ".join(words) if words else None,
    )


def top_k_option(*, default: int, help: str, most: int | None = None) -> Option:
    """Make the option ``-k`` or ``--top-k``."""
    return click.option(
        "-k",
        "--top-k",
        type=WholeNumber(1, most),
        default=default,
        show_default=True,
        help=help,
    )


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

"""``--url``: the library that a server holds, for the commands that can ask one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maxsight import extras
from maxsight.cli.output import Command, was_given
from maxsight.settings import api_token

if TYPE_CHECKING:
    from maxsight.client import RemoteLibrary

_OF_THIS_MACHINE = ("encoder", "device", "dtype", "trust_remote_code", "search_device", "password")


def url_option(command: Command) -> Command:
    """Add ``--url``; goes with ``--library`` and ``--token``."""
    return click.option(
        "--url",
        envvar="MAXSIGHT_URL",
        show_envvar=True,
        metavar="http://HOST:PORT",
        help="Ask the library that `maxsight serve` holds there, not one here; --token or $MAXSIGHT_API_TOKEN is what "
        "that server wants to be shown.",
    )(command)


def remote_library(url: str | None) -> RemoteLibrary | None:
    """The library behind a server, if one is to be asked: a library on the command line goes before the environment."""
    if was_given("library") and was_given("url"):
        raise click.UsageError("Give --library or --url, not both.")
    if not url or was_given("library"):
        return None
    for option in _OF_THIS_MACHINE:
        if was_given(option):
            raise click.UsageError(
                f"--{option.replace('_', '-')} is for a library on this machine: leave it out, or --url."
            )
    extras.require("client")
    from maxsight.client import RemoteLibrary

    token = click.get_current_context().params["token"] if was_given("token") else api_token()
    return RemoteLibrary(url, token=token)

"""``--url``: the library of a server, for commands that can ask one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maxsight import extras
from maxsight.cli.options import was_given
from maxsight.settings import api_token

if TYPE_CHECKING:
    from maxsight.client import RemoteLibrary

_LOCAL_OPTIONS = ("encoder", "device", "dtype", "trust_remote_code", "search_device", "password")

url_option = click.option(
    "--url",
    envvar="MAXSIGHT_URL",
    show_envvar=True,
    metavar="http://HOST:PORT",
    help="Ask the library of `maxsight serve` at this address. --token or $MAXSIGHT_API_TOKEN is that server's token.",
)


def remote_library(url: str | None) -> RemoteLibrary | None:
    """Connect to the library of a server. None if none is named, or --library is on the command line."""
    if was_given("library") and was_given("url"):
        raise click.UsageError("Give --library or --url, not both.")
    if not url or was_given("library"):
        return None
    for option in _LOCAL_OPTIONS:
        if was_given(option):
            raise click.UsageError(
                f"--{option.replace('_', '-')} is for a library on this machine: leave it out, or --url."
            )
    extras.require("client")
    from maxsight.client import RemoteLibrary

    token = click.get_current_context().params["token"] if was_given("token") else api_token()
    return RemoteLibrary(url, token=token)

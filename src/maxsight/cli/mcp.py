"""``maxsight mcp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maxsight import extras
from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import library_option

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.stores.addresses import Address


@click.command()
@library_option
@query_encoder_options
def mcp(library: Address, encoder: str | None, encoder_options: EncoderOptions) -> None:
    """Let an assistant search and read the library, over MCP.

    These are tools of the Model Context Protocol. The assistant starts this command and speaks with it over standard
    input and output. It can search pages, read them and see their pictures; it can change nothing.
    """
    extras.require("mcp")
    from maxsight import Library
    from maxsight.server.mcp import Pages, mcp_server

    with Library.open(library, encoder=encoder, options=encoder_options, read_only=True) as opened:
        _ = opened.encoder  # loaded before the first question
        mcp_server(Pages.of_library(opened)).run("stdio")

"""``maxsight mcp``."""

from __future__ import annotations

import click

from maxsight import extras
from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.library_options import ChosenLibrary, library_option
from maxsight.cli.rerank_options import ChosenReranker, rerank_options


@click.command()
@library_option
@rerank_options
@query_encoder_options
def mcp(library: ChosenLibrary, rerank: ChosenReranker | None) -> None:
    """Let an assistant search and read the library over MCP.

    MCP is the Model Context Protocol. The assistant starts this command and uses it over standard input and output. It
    can search pages, read them and see their pictures. It can change nothing.
    """
    extras.require("mcp")
    from maxsight.server.mcp import mcp_server
    from maxsight.server.mcp_pages import Pages

    reranker = rerank.load(library.encoder_options) if rerank else None
    with library.open(read_only=True) as opened:
        _ = opened.encoder  # loaded before the first question
        mcp_server(Pages.of_library(opened, reranker)).run("stdio")

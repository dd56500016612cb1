"""``maxsight serve``."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import Any

import click

from maxsight import extras
from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.library_options import ChosenLibrary, served_library_option
from maxsight.cli.options import Number, WholeNumber, quality_model_option, search_device_option
from maxsight.cli.rerank_options import ChosenReranker, rerank_options
from maxsight.errors import InputError


@click.command()
@served_library_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=WholeNumber(0, 65535),
    default=8000,
    show_default=True,
    help="The port; 0 for a free one.",
)
@click.option(
    "--token",
    envvar="MAXSIGHT_API_TOKEN",
    show_envvar=True,
    help="The token that callers must send; needed for a host that other machines can reach.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another host name of the server, as behind a proxy.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="URL",
    help="A web site whose pages may call the API: https://example.org.",
)
@click.option(
    "--uploads",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where uploaded files are stored.  [default: uploads/ beside the library]",
)
@click.option("--read-only", is_flag=True, help="Refuse uploads and deletes.")
@click.option(
    "--max-upload",
    type=WholeNumber(1),
    metavar="BYTES",
    default=500_000_000,
    show_default=True,
    help="Maximum size of one upload.",
)
@click.option(
    "--upload-time",
    type=Number(0, min_open=True),
    metavar="SECONDS",
    default=1800,
    show_default=True,
    help="Maximum time of one upload.",
)
@click.option(
    "--quality",
    is_flag=True,
    help="Predict the error rates of OCR for every uploaded page with a picture, as `maxsight index --quality` does. "
    "Not needed for a library whose pages that command has judged.",
)
@click.option(
    "--group-readable",
    is_flag=True,
    help="Also with a token, leave the permissions of new files to the umask.",
)
@quality_model_option
@rerank_options
@search_device_option
@query_encoder_options
def serve(
    library: ChosenLibrary,
    host: str,
    port: int,
    max_upload: int,
    upload_time: float,
    quality: bool,
    quality_model: Path | None,
    rerank: ChosenReranker | None,
    search_device: str,
    group_readable: bool,
    **options: Any,
) -> None:
    """Serve the library as a web page and an API, at one address.

    Without --host only this machine can reach it; another host needs --token. With a token, the files that the server
    makes can be read by its own user alone.
    """
    extras.require("server")
    from maxsight.indexing import load_judge
    from maxsight.server.config import RequestLimits, ServerSettings

    limits = RequestLimits(upload_bytes=max_upload, upload_s=upload_time)
    settings = ServerSettings(host=host, limits=limits, **options)
    judges = quality or quality_model is not None
    if settings.read_only and judges:
        raise InputError(
            "a server with --read-only accepts no uploads, so it has nothing to judge",
            hint="Leave out --read-only, or --quality and --quality-model.",
        )
    if settings.token and not group_readable:
        os.umask(0o077)  # what this process makes is for its user alone
    judge = load_judge(quality_model) if judges else None
    listening = _listen(host, port)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    from maxsight.server.listening import server_of
    from maxsight.server.service import Service

    service = Service.open(
        library.address,
        settings,
        encoder=library.encoder,
        options=library.encoder_options,
        search_device=search_device,
        judge=judge,
        reranker=rerank.load(library.encoder_options) if rerank else None,
    )
    click.echo(f"{library} is served at {_address(listening)}")
    server_of(service).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InputError(
            f"can't listen on port {port} of {host}: {error.strerror or error}",
            hint="Another program may use it: choose another --port, or 0 for a free one.",
        ) from error
    # Asyncio sets this only for sockets that name their protocol. Without it small answers wait 40 ms (Nagle).
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

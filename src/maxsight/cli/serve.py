"""``maxsight serve``."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maxsight import extras
from maxsight.cli.encoder_options import query_encoder_options
from maxsight.cli.output import quality_model_option, search_device_option, served_library_option
from maxsight.errors import InputError

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions
    from maxsight.stores.addresses import Address


@click.command()
@served_library_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port; 0 for a free one.",
)
@click.option(
    "--token",
    envvar="MAXSIGHT_API_TOKEN",
    show_envvar=True,
    help="What callers must show; needed for a host that other machines can reach.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name that the server is called by, as behind a proxy.",
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
    help="Where uploaded files are kept.  [default: uploads/ beside the library]",
)
@click.option("--read-only", is_flag=True, help="Refuse uploads and deletes.")
@click.option(
    "--max-upload",
    type=click.IntRange(1),
    metavar="BYTES",
    default=500_000_000,
    show_default=True,
    help="Bytes of one upload.",
)
@click.option(
    "--upload-time",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    default=1800,
    show_default=True,
    help="How long one upload may take.",
)
@click.option(
    "--quality",
    is_flag=True,
    help="Predict the error rates of OCR for every uploaded page with a picture, as `maxsight index --quality` does. "
    "In a library whose pages it has judged, uploads are judged without it.",
)
@quality_model_option
@search_device_option
@query_encoder_options
def serve(
    library: Address,
    host: str,
    port: int,
    token: str | None,
    allowed_hosts: tuple[str, ...],
    cors_origins: tuple[str, ...],
    uploads: Path | None,
    read_only: bool,
    max_upload: int,
    upload_time: float,
    quality: bool,
    quality_model: Path | None,
    search_device: str,
    encoder: str | None,
    encoder_options: EncoderOptions,
) -> None:
    """Serve the library as a web page and an API, at one address.

    Only this machine can reach it unless --host says otherwise, and then --token is needed.
    """
    extras.require("server")
    from maxsight.indexing import load_judge
    from maxsight.server.config import RequestLimits, ServerSettings

    settings = ServerSettings(
        host=host,
        token=token,
        allowed_hosts=allowed_hosts,
        cors_origins=cors_origins,
        uploads=uploads,
        read_only=read_only,
        limits=RequestLimits(upload_bytes=max_upload, upload_s=upload_time),
    )
    judges = quality or quality_model is not None
    if read_only and judges:
        raise InputError(
            "a server with --read-only takes no uploads, so there is nothing to judge",
            hint="Leave out --read-only, or --quality and --quality-model.",
        )
    judge = load_judge(quality_model) if judges else None
    listening = _listen(host, port)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    from maxsight.server.listening import server_of
    from maxsight.server.service import Service

    service = Service.open(
        library,
        settings,
        encoder=encoder,
        options=encoder_options,
        search_device=search_device,
        judge=judge,
    )
    click.echo(f"{library} is served at {_address(listening)}")
    server_of(service).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InputError(
            f"port {port} of {host} can't be listened on: {error.strerror or error}",
            hint="Another program may have it: choose another --port, or 0 for a free one.",
        ) from error
    # Asyncio does so only for sockets that name their protocol; without, small answers wait 40 ms (Nagle).
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

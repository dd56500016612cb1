"""Runs a Milvus server that nothing but this machine's loopback can reach. Run by the Python that has ``milvus``.

The server listens on every interface, so it is started in a network namespace that has none but loopback. The
socket that clients connect to is opened before this process enters the namespace, and so stays outside; what it
accepts is passed on to the server inside. Prints the port and the server's process id, then serves until its standard
input ends.

    python isolated_server.py FOLDER PORT

PORT is 0 for any.
"""

import asyncio
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP, IFF_LOOPBACK = 0x8914, 0x1, 0x8
LIBC = ctypes.CDLL(None, use_errno=True)
PIECE = 1 << 20


def enter_namespace():
    """Leave every network but a loopback of our own."""
    user, root = os.getuid(), os.geteuid() == 0
    if LIBC.unshare(CLONE_NEWNET if root else CLONE_NEWNET | CLONE_NEWUSER):
        number = ctypes.get_errno()
        raise OSError(number, f"no network namespace can be made here: {os.strerror(number)}")
    if not root:
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_LOOPBACK))


def start_server(folder):
    """Start Milvus with its files in ``folder``; it wants the token ``root:Milvus``."""
    from milvus import MilvusServer

    binaries = Path(sys.prefix) / "milvus-bin"  # unpacked once
    binaries.mkdir(exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "bin").exists():
        (folder / "bin").symlink_to(binaries)
    server = MilvusServer(wait_for_started=False)
    server.set_base_dir(str(folder))
    server.config.set("common.security.authorizationEnabled", "true")
    server.start()
    server.wait_started(timeout=120_000)
    return server


async def pass_on(reader, writer):
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def serve(listening, server):
    async def connect(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", server.listen_port)
        await asyncio.gather(
            pass_on(reader, inner_writer), pass_on(inner_reader, writer), return_exceptions=True
        )

    await asyncio.start_server(connect, sock=listening, limit=PIECE)
    print(listening.getsockname()[1], server.server_proc.pid, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main():
    listening = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    enter_namespace()
    server = start_server(Path(sys.argv[1]))

    def end(*_):
        server.server_proc.kill()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    try:
        asyncio.run(serve(listening, server))
    finally:
        server.server_proc.kill()


if __name__ == "__main__":
    main()

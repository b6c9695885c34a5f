"""TLS in front of servers whose local builds have none, as the managed services they stand for insist on it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from typing import TypeAlias

from localcloud.runner.forward import both_ways, forward

_SSL_REQUEST = 80877103
_GSS_REQUEST = 80877104


Upstream: TypeAlias = tuple[str, int]
"""Address and port of the server behind, which speaks without encryption."""


async def redis(address: str, port: int, upstream: Upstream, context: ssl.SSLContext) -> asyncio.Server:
    """TLS from the first byte."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await forward(reader, writer, upstream)

    return await asyncio.start_server(serve, address, port, ssl=context)


async def postgres(address: str, port: int, upstream: Upstream, context: ssl.SSLContext) -> asyncio.Server:
    """TLS after the client's request for it; a client that asks for none is refused, as ``rds.force_ssl`` does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await _wants_tls(reader, writer):
                await writer.start_tls(context)
                server = await asyncio.open_connection(*upstream)
                await both_ways(reader, writer, *server)
        except (asyncio.IncompleteReadError, OSError, ssl.SSLError):
            return
        finally:
            writer.close()

    return await asyncio.start_server(serve, address, port)


async def _wants_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Reads the first messages of the protocol; a request for GSS encryption is declined and the next one awaited."""
    while True:
        _, code = struct.unpack("!II", await reader.readexactly(8))
        if code == _SSL_REQUEST:
            writer.write(b"S")
            await writer.drain()
            return True
        if code != _GSS_REQUEST:
            with contextlib.suppress(ConnectionError):
                writer.write(_refusal("no encryption: this server takes TLS connections only"))
                await writer.drain()
            return False
        writer.write(b"N")
        await writer.drain()


def _refusal(message: str) -> bytes:
    fields = b"SFATAL\0C28000\0M" + message.encode() + b"\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields

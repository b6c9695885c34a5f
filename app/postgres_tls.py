"""A way to a database over TLS for client programs that were built without it, as those in the image are.

They talk to a loopback address of this pod, and from here on it is TLS, judged as the service's own connections are.
"""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from sqlalchemy import make_url

from app.database import Address

ENCRYPTED = ("require", "verify-ca", "verify-full")
CHUNK_BYTES = 65536
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def tunnel(secret: SecretStr) -> AsyncIterator[int | None]:
    """The port of LOOPBACK that leads to the database; None where its address asks for no encryption."""
    url = make_url(secret.get_secret_value())
    mode = str(url.query.get("sslmode", "prefer"))
    if mode not in ENCRYPTED:
        yield None
        return
    host, port, context = url.host or "localhost", url.port or 5432, _context(secret, mode)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream = await _encrypted(host, port, context)
        except (OSError, asyncio.IncompleteReadError) as error:
            writer.write(_refusal(f"no TLS to {host}:{port}: {error}"))
            writer.close()
            return
        try:
            await asyncio.gather(_copy(reader, upstream), _copy(upstream_reader, writer))
        finally:
            upstream.close()
            writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


def _context(secret: SecretStr, mode: str) -> ssl.SSLContext:
    """TLS context for a mode of libpq: require encrypts without verification, the others check the certificate."""
    known = Address.parse(secret).tls
    if isinstance(known, ssl.SSLContext):
        return known
    context = ssl.create_default_context()
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


async def _encrypted(
    host: str, port: int, context: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Postgres' own way into TLS: asked for in clear, answered by one letter."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_SSL_REQUEST)
        answer = await reader.readexactly(1)
        if answer != b"S":
            raise OSError("the server offers no TLS")
        await writer.start_tls(context, server_hostname=host)
    except BaseException:
        # A cancelled task too must not leave the connection open.
        writer.close()
        raise
    return reader, writer


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the source ends; then close the other side, because TLS has no half-closed connection."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _refusal(message: str) -> bytes:
    """An error as the protocol has it, so that the client program prints it."""
    fields = b"SFATAL\0C08006\0M" + message.encode() + b"\0\0"
    return b"E" + struct.pack("!I", len(fields) + 4) + fields

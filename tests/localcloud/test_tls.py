"""TLS in front of a plain server: what the server says comes through, and so does that it has gone."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from localcloud.runner import tls
from localcloud.runner.certificates import Certificates
from localcloud.servers import free_port


async def last_words(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that refuses everybody, as a database refuses a wrong password."""
    writer.write(b"no")
    await writer.drain()
    writer.close()


def test_a_client_hears_the_last_words_and_then_the_end(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    certificates.ensure()
    port, plain = free_port(), free_port()

    async def run() -> bytes:
        server = await asyncio.start_server(last_words, "127.0.0.1", plain)
        front = await tls.redis("127.0.0.1", port, ("127.0.0.1", plain), certificates.server_context())
        async with server, front:
            trusted = ssl.create_default_context(cafile=certificates.bundle)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted, server_hostname="localhost")
            heard = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return heard

    assert asyncio.run(run()) == b"no"


def test_a_client_that_checks_the_whole_name_of_a_managed_store_is_satisfied(tmp_path: Path) -> None:
    """A wildcard stands for one part of a name, and the names of ElastiCache have several below amazonaws.com."""
    host = "master.prod-us-east-1-redis-cache-group-a2f2120.fgyc88.use1.cache.amazonaws.com"
    certificates = Certificates(tmp_path)
    certificates.ensure()
    port, plain = free_port(), free_port()

    async def ask(name: str) -> bytes:
        server = await asyncio.start_server(last_words, "127.0.0.1", plain)
        front = await tls.redis("127.0.0.1", port, ("127.0.0.1", plain), certificates.server_context(host))
        async with server, front:
            trusted = ssl.create_default_context(cafile=certificates.bundle)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted, server_hostname=name)
            heard = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return heard

    assert asyncio.run(ask(host)) == b"no"
    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(ask("another.cache.amazonaws.com"))

"""Bytes from one connection to another, both ways, until either side ends."""

from __future__ import annotations

import asyncio
import contextlib

CHUNK_BYTES = 65536


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int] | None) -> None:
    """Connects to the target and copies; no target, or one that refuses, closes the connection as a Service would."""
    try:
        if target is None:
            return
        upstream_reader, upstream_writer = await asyncio.open_connection(*target)
        await both_ways(reader, writer, upstream_reader, upstream_writer)
    except OSError:
        return
    finally:
        writer.close()


async def both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
) -> None:
    try:
        await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))
    finally:
        upstream_writer.close()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the source ends; the end is passed on, so half-closed connections work. Over TLS there are none."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()

"""A managed store's password changed at AWS: the local server behind it takes the new one, sessions go on."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import redis.asyncio

DEFAULT_USER = "default"


async def renew_postgres(host: str, port: int, user: str, database: str, passwords: tuple[str, str]) -> None:
    """From the first password to the second. Letters and digits only, as the settings of a password are."""
    old, new = passwords
    connection = await asyncpg.connect(host=host, port=port, user=user, database=database, password=old)
    try:
        quoted = await connection.fetchval("SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", user, new)
        await connection.execute(quoted)
    finally:
        await connection.close()


async def renew_redis(host: str, port: int, passwords: tuple[str, str]) -> None:
    """Adds the second password beside the first, as ElastiCache does when it rotates."""
    old, new = passwords
    client = redis.asyncio.Redis(host=host, port=port, password=old)
    try:
        await client.execute_command("ACL", "SETUSER", DEFAULT_USER, "on", f">{new}")
    finally:
        await client.aclose()


def remembered(data: Path, password: str) -> str:
    """The password that a server's data was last given; the first time, the one given now."""
    file = _file(data)
    if not file.exists():
        remember(data, password)
    return file.read_text()


def remember(data: Path, password: str) -> None:
    file = _file(data)
    file.touch(mode=0o600)
    file.write_text(password)


def _file(data: Path) -> Path:
    return data.with_name(f"{data.name}.password")

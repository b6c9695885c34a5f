"""Who may log in to the database: two logins of one owner, so that one can be renewed while the other is in use (X02).

Everything in the database belongs to a group that nobody logs in as; both logins act as it. The administrator's own
login is used for nothing but this.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.locks import Lock

_LOG = structlog.get_logger("app.roles")
OWNER = "contentgen_owner"
ITERATIONS = 4096
NAME = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")

_OWN_DATABASE = f"""
DO $$ BEGIN EXECUTE format('GRANT ALL ON DATABASE %I TO {OWNER}', current_database()); END $$
"""


_STATISTICS = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"
_OWNER_SEES = f"GRANT pg_monitor TO {OWNER}"


async def ensure(administrator: AsyncConnection, logins: Mapping[str, str]) -> None:
    """Make the owner and give each login its password. A login that is not named keeps the one it has.

    Passwords are sent as verifiers, so that no log of statements can hold one. Raises ValueError for a wrong name.
    """
    # Several migrators at once would trip over each other's rows in the system's own tables.
    await administrator.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Lock.LOGINS})
    await _create(administrator, OWNER, "NOLOGIN")
    await administrator.execute(text(f"GRANT {OWNER} TO CURRENT_USER"))
    await administrator.execute(text(f"ALTER SCHEMA public OWNER TO {OWNER}"))
    await administrator.execute(text(_OWN_DATABASE))
    for name, password in logins.items():
        if not NAME.match(name):
            raise ValueError(f"{name!r} is no name for a login; allowed are small letters, digits and underscores")
        await _create(administrator, name, f"LOGIN IN ROLE {OWNER}")
        await administrator.execute(text(f"ALTER ROLE {name} SET role = '{OWNER}'"))
        await administrator.exec_driver_sql(f"ALTER ROLE {name} PASSWORD '{verifier(password)}'")
    await administrator.commit()
    await _allow_inspection(administrator)


async def _allow_inspection(administrator: AsyncConnection) -> None:
    """What `app database` reads (P05). An administrator who may not give it is no reason to stop a migration."""
    for statement in (_STATISTICS, _OWNER_SEES):
        try:
            await administrator.execute(text(statement))
            await administrator.commit()
        except DBAPIError as error:
            await administrator.rollback()
            _LOG.warning("the database cannot be inspected whole", statement=statement, error=str(error.orig))


def verifier(password: str, salt: bytes | None = None) -> str:
    """What Postgres stores instead of a password (RFC 5802): enough to check one, not enough to log in with."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


async def _create(connection: AsyncConnection, name: str, kind: str) -> None:
    known = await connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name})
    if known.scalar() is None:
        await connection.execute(text(f"CREATE ROLE {name} {kind}"))

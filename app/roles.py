"""Login and group roles of the database, and their rights (X02).

Everything belongs to a group role without login. Migrations, maintenance, backups and restores act as that group by
logins of its own; the service's logins may read and change rows and nothing else. Of each there are two, so that one
can be renewed while the other is in use. The administrator's own login makes these, and databases, and does no more.
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

from app.access.owners import ROLE as CLIENT
from app.locks import Lock

_LOG = structlog.get_logger("app.roles")
OWNER, SERVICE = "contentgen_owner", "contentgen_service"
ITERATIONS = 4096
NAME = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")

_OWN_DATABASE = f"""
DO $$ BEGIN EXECUTE format('GRANT ALL ON DATABASE %I TO {OWNER}', current_database()); END $$
"""


_STATISTICS = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"
_BOTH_SEE = f"GRANT pg_monitor TO {OWNER}, {SERVICE}"


_ROWS, _NUMBERS = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT"
# Of everything there is, and of everything the owner will make: partitions, the queue's tables, views.
_SERVICE_MAY = (
    f"GRANT USAGE ON SCHEMA public TO {SERVICE}",
    f"GRANT {_ROWS} ON ALL TABLES IN SCHEMA public TO {SERVICE}",
    f"GRANT {_NUMBERS} ON ALL SEQUENCES IN SCHEMA public TO {SERVICE}",
    f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {_ROWS} ON TABLES TO {SERVICE}",
    f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {_NUMBERS} ON SEQUENCES TO {SERVICE}",
)


async def ensure(administrator: AsyncConnection, service: Mapping[str, str], owners: Mapping[str, str]) -> None:
    """Make both groups and give each login its password. A login that is not named keeps the one it has.

    Passwords are sent as verifiers, so that no log of statements can hold one. Raises ValueError for a wrong name.
    """
    # Several migrators at once would trip over each other's rows in the system's own tables.
    await administrator.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Lock.LOGINS})
    for group in (OWNER, SERVICE, CLIENT):
        await _create(administrator, group, "NOLOGIN")
    await administrator.execute(text(f"GRANT {CLIENT} TO {OWNER}, {SERVICE}"))
    await administrator.execute(text(f"GRANT {OWNER} TO CURRENT_USER"))
    await prepare(administrator)
    for name, password in owners.items():
        await _login(administrator, name, password, OWNER)
        # What it makes belongs to the group, so that the other login may change it.
        await administrator.execute(text(f"ALTER ROLE {name} SET role = '{OWNER}'"))
    for name, password in service.items():
        await _login(administrator, name, password, SERVICE)
        # Releases before this one made them the owner's.
        await administrator.execute(text(f"ALTER ROLE {name} RESET role"))
        await administrator.execute(text(f"REVOKE {OWNER} FROM {name}"))
    await administrator.commit()
    await _allow_inspection(administrator)


async def prepare(administrator: AsyncConnection) -> None:
    """Both groups' rights in the database of this connection; a restored one has none."""
    await administrator.execute(text(f"ALTER SCHEMA public OWNER TO {OWNER}"))
    await administrator.execute(text(_OWN_DATABASE))
    await administrator.execute(text(f"SET ROLE {OWNER}"))
    for statement in _SERVICE_MAY:
        await administrator.execute(text(statement))
    await administrator.execute(text("RESET ROLE"))


async def _login(administrator: AsyncConnection, name: str, password: str, group: str) -> None:
    if not NAME.match(name):
        raise ValueError(f"{name!r} is no name for a login; allowed are small letters, digits and underscores")
    await _create(administrator, name, "LOGIN")
    await administrator.execute(text(f"GRANT {group} TO {name}"))
    # Who replaces a database must be able to send its clients away.
    await administrator.execute(text(f"GRANT {name} TO CURRENT_USER"))
    await administrator.exec_driver_sql(f"ALTER ROLE {name} PASSWORD '{verifier(password)}'")


async def _allow_inspection(administrator: AsyncConnection) -> None:
    """Grant the rights that `app database` needs (P05). An administrator who may not give it is no reason to stop a
    migration.
    """
    for statement in (_STATISTICS, _BOTH_SEE):
        try:
            await administrator.execute(text(statement))
            await administrator.commit()
        except DBAPIError as error:
            await administrator.rollback()
            _LOG.warning("the database cannot be inspected whole", statement=statement, error=str(error.orig))


def verifier(password: str, salt: bytes | None = None) -> str:
    """Stored form of a password in Postgres (RFC 5802): enough to check one, not enough to log in with."""
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

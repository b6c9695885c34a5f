"""Ownership of jobs, and its second check: row-level security in the database (E03).

A job made with a key is the key's client's. One made without a key, which only open environments allow, is a guest's:
its owner begins with ``~``, which no client's name can. Client-facing statements run as a role that the policy below
binds, so a forgotten condition shows no other client's rows.
"""

from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

ROLE: Final = "contentgen_client"
"""A group role without login; the service's logins are members and act as it for a client."""
SETTING: Final = "contentgen.owner"
GUESTS: Final = "~"

_MINE: Final = "coalesce(owner, '~' || client_id)"
"""Releases up to 0.1.0 left the owner of a guest's job empty."""
MAKE_ROLE: Final = f"""
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN CREATE ROLE {ROLE} NOLOGIN; END IF;
    EXCEPTION WHEN duplicate_object THEN NULL;
    END $$
"""
"""A role is the server's, not the database's: a dump names it, and a new server has to be given it first."""


def grants_on(*tables: str) -> tuple[str, ...]:
    """Rights of clients on tables; a restored database has to be given them again, because dumps carry no rights."""
    rights = (f"GRANT SELECT, UPDATE, DELETE ON {table} TO {ROLE}" for table in tables)
    return (f"GRANT USAGE ON SCHEMA public TO {ROLE}", *rights)


def row_policy(table: str, mine: str = "owner") -> tuple[str, ...]:
    """Statements that show each client its own rows of a table alone; ``mine`` is the SQL of a row's owner."""
    visible = (
        f"{mine} = current_setting('{SETTING}', true)"
        f" OR (current_setting('{SETTING}', true) = '{GUESTS}' AND {mine} LIKE '{GUESTS}%')"
    )
    return (
        MAKE_ROLE,
        *grants_on(table),
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS own_{table} ON {table}",
        f"CREATE POLICY own_{table} ON {table} TO {ROLE} USING ({visible})",
        f"DROP POLICY IF EXISTS service_{table} ON {table}",
        f"CREATE POLICY service_{table} ON {table} USING (current_user <> '{ROLE}')",
    )


GRANTS: Final = grants_on("jobs")
ROW_POLICY: Final = row_policy("jobs", _MINE)

_ACT: Final = text(f"SELECT set_config('role', '{ROLE}', true), set_config('{SETTING}', :owner, true)")
_OURSELVES: Final = text("SELECT set_config('role', 'none', true)")


class NotFound(Exception):
    """The owner has no such thing."""


def guest(client_id: str) -> str:
    """The owner of what is made without a key under a name."""
    return GUESTS + client_id


def acting_for(owner: str) -> TextClause:
    """The statement after which a transaction sees and changes rows of this owner only.

    ``GUESTS`` stands for every guest: where no key is asked for, every caller who knows its id owns a guest's job.
    """
    return _ACT.bindparams(owner=owner)


async def act_for_ourselves(connection: AsyncConnection) -> None:
    """The rest of the transaction is the service's own again: its queue is no client's to touch."""
    await connection.execute(_OURSELVES)

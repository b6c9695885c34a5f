"""Weekly looks at what should not be there (K17): the security of keys and rows, and indexes that no query can use."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.chores import Chore
from app.recipe_app.history import CLIENTS_TABLES

_UNGUARDED: Final = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY(:tables)"
    " AND NOT (relrowsecurity AND EXISTS"
    " (SELECT FROM pg_policies WHERE tablename = relname AND policyname LIKE 'own_%'))"
)
_OLD_KEYS: Final = text(
    "SELECT id, client_id FROM api_keys WHERE revoked_at IS NULL AND created_at < now() - interval '90 days'"
    " ORDER BY id"
)
_OPEN_TABLES: Final = text(
    "SELECT DISTINCT table_name FROM information_schema.role_table_grants"
    " WHERE grantee = 'PUBLIC' AND table_schema = 'public' ORDER BY 1"
)
_REVOKED_SESSIONS: Final = text(
    "SELECT s.id FROM sessions s JOIN api_keys k ON k.id = s.key_id"
    " WHERE k.revoked_at IS NOT NULL AND s.expires_at > now() AND s.created_at > k.revoked_at ORDER BY 1"
)


async def _security_audit(connection: AsyncConnection, _: bool) -> tuple[int, str]:
    """Findings in words; nothing is changed, because each needs a person's decision."""
    unguarded = await connection.execute(_UNGUARDED, {"tables": list(CLIENTS_TABLES)})
    findings = [f"table {name}: clients' rows are not guarded by row-level security" for name in unguarded.scalars()]
    old = await connection.execute(_OLD_KEYS)
    findings += [f"key {row.id} of {row.client_id}: older than a quarter" for row in old]
    everyone = await connection.execute(_OPEN_TABLES)
    findings += [f"table {name}: every login may read or change it" for name in everyone.scalars()]
    late = await connection.execute(_REVOKED_SESSIONS)
    findings += [f"session {name}: made from a key that was revoked" for name in late.scalars()]
    return len(findings), "; ".join(findings)


SECURITY_AUDIT: Final = Chore("security audit", _security_audit)

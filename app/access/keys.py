"""API keys: `cg_<id>_<secret>`. Only a hash is stored: the id finds it, and it is compared in constant time."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, insert, select, update

from app.access.revocations import Revocations, key_name, revoke, session_name
from app.access.tiers import Tier
from app.cache import Cache
from app.database import Database
from app.limits import UNKNOWN_KEY_SECONDS
from app.tables import api_keys

CACHE_SECONDS = 300
_FORM = re.compile(r"^cg_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$")


class ApiKey(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    client_id: str
    name: str
    tier: Tier
    created_at: datetime
    revoked_at: datetime | None = None


class _Cached(ApiKey):
    hash_hex: str


class KeyStore:
    """Creates, lists, revokes and recognises keys."""

    def __init__(self, database: Database, cache: Cache, revocations: Revocations) -> None:
        self._database = database
        self._cache = cache
        self._revocations = revocations

    async def create(self, client_id: str, name: str, tier: Tier) -> tuple[ApiKey, str]:
        """A new key, and the text that its owner sees this once."""
        key_id = secrets.token_hex(6)
        presented = f"cg_{key_id}_{secrets.token_urlsafe(32)}"
        values = {
            "id": key_id,
            "key_hash": _digest(presented),
            "client_id": client_id,
            "name": name,
            "tier": tier.value,
        }
        async with self._database.write() as connection:
            row = (await connection.execute(insert(api_keys).values(values).returning(api_keys))).one()
        return ApiKey.model_validate(row), presented

    async def list(self, client_id: str | None = None) -> "Sequence[ApiKey]":
        """All keys, or one client's, newest first."""
        statement = select(api_keys).order_by(api_keys.c.created_at.desc())
        if client_id is not None:
            statement = statement.where(api_keys.c.client_id == client_id)
        return [ApiKey.model_validate(row) for row in await self._database.rows(statement, fresh=True)]

    async def revoke(self, key_id: str) -> bool:
        """Refuse a key and every session made from it, in every process within two seconds, in every region within
        five. False when there is no such key in force.
        """
        in_force = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
        values = {"revoked_at": func.now(), "changed_at": func.now()}
        async with self._database.write() as connection:
            result = await connection.execute(update(api_keys).where(in_force).values(values))
            if result.rowcount:
                await revoke(connection, [key_name(key_id)])
        if not result.rowcount:
            return False
        self._revocations.add(key_name(key_id))
        await self._cache.invalidate(_cached(key_id))
        return True

    async def end_session(self, session_id: str) -> None:
        """Revoke a session."""
        async with self._database.write() as connection:
            await revoke(connection, [session_name(session_id)])
        self._revocations.add(session_name(session_id))

    async def recognise(self, presented: str, *, ask: bool = True) -> ApiKey | None:
        """The key that was presented, if it is one of ours and in force; without ``ask`` only if it is cached."""
        match = _FORM.match(presented)
        if not match:
            return None
        found = await self._find(match[1], ask=ask)
        digest = _digest(presented)
        # Compared even when there is no such key, so that the time taken tells nothing about ids.
        expected = bytes.fromhex(found.hash_hex) if found else bytes(len(digest))
        same = hmac.compare_digest(digest, expected)
        return found if same and found and found.revoked_at is None else None

    async def _find(self, key_id: str, *, ask: bool) -> _Cached | None:
        cached = await self._cache.get(_cached(key_id))
        if cached is not None:
            return _Cached.model_validate_json(cached) if cached else None
        if not ask:
            return None
        # From the primary: a replica may not have a new key yet, and still have one that was revoked.
        found = await self._database.rows(select(api_keys).where(api_keys.c.id == key_id), fresh=True)
        row = next(iter(found), None)
        if row is None:
            await self._cache.put(_cached(key_id), "", UNKNOWN_KEY_SECONDS)
            return None
        key = _Cached(**ApiKey.model_validate(row).model_dump(), hash_hex=bytes(row.key_hash).hex())
        await self._cache.put(_cached(key_id), key.model_dump_json(), CACHE_SECONDS)
        return key


def _cached(key_id: str) -> str:
    return f"key:{key_id}"


def _digest(presented: str) -> bytes:
    # The secret has 256 random bits, so a slow hash would protect nothing and cost every request.
    return hashlib.sha256(presented.encode()).digest()

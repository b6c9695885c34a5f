"""Who sends a request: nobody in particular, the holder of an API key, or of a session made from one (E03)."""

from dataclasses import dataclass

from starlette.datastructures import Headers

from app.access.keys import KeyStore
from app.access.sessions import Session, Sessions
from app.access.tiers import Tier


class NotRecognised(Exception):
    """Credentials were presented and are not valid."""


@dataclass(frozen=True)
class Caller:
    """The sender of a request. Without a key all fields are None."""

    client_id: str | None = None
    key_id: str | None = None
    tier: Tier | None = None
    session: Session | None = None


ANONYMOUS = Caller()


class Callers:
    """Recognises callers by their headers."""

    def __init__(self, keys: KeyStore, sessions: Sessions) -> None:
        self._keys = keys
        self._sessions = sessions

    async def identify(self, headers: Headers) -> Caller:
        """From X-API-Key or Authorization: Bearer. Raises NotRecognised for wrong credentials, DatabaseUnavailable."""
        presented = headers.get("x-api-key") or _bearer(headers.get("authorization"))
        return await self.recognise(presented) if presented else ANONYMOUS

    async def recognise(self, presented: str) -> Caller:
        """A key or a session token. Raises NotRecognised, DatabaseUnavailable."""
        if presented.startswith("cg_"):
            key = await self._keys.recognise(presented)
            if key is not None:
                return Caller(key.client_id, key.id, key.tier)
        else:
            session = await self._sessions.check(presented)
            if session is not None:
                return Caller(session.client_id, session.key_id, session.tier, session)
        raise NotRecognised


def _bearer(value: str | None) -> str | None:
    scheme, _, token = (value or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None

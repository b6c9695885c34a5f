"""Identity of a request's sender: anonymous, the holder of an API key, or of a session made from one (E03)."""

from dataclasses import dataclass

from starlette.datastructures import Headers

from app.access.keys import KeyStore
from app.access.owners import GUESTS, guest
from app.access.revocations import Revocations, key_name, session_name
from app.access.sessions import Session, Sessions
from app.access.tiers import Tier
from app.database import DatabaseUnavailable


class NotRecognised(Exception):
    """Credentials were presented and are not valid."""


@dataclass(frozen=True)
class Caller:
    """The sender of a request. Without a key all fields are None."""

    client_id: str | None = None
    key_id: str | None = None
    tier: Tier | None = None
    session: Session | None = None

    @property
    def sees(self) -> str:
        """The owner whose jobs the caller may see; guests, where they are let in, see each other's by their ids."""
        return self.client_id or GUESTS

    def owner(self, client_id: str) -> str:
        """The owner of what the caller makes or lists under a client's name."""
        return self.client_id or guest(client_id)


ANONYMOUS = Caller()


class Callers:
    """Recognises callers by their headers."""

    def __init__(self, keys: KeyStore, sessions: Sessions, revocations: Revocations) -> None:
        self._keys = keys
        self._sessions = sessions
        self._revocations = revocations

    async def identify(self, headers: Headers, *, ask: bool = True) -> Caller:
        """From X-API-Key or Authorization: Bearer. Raises NotRecognised for wrong credentials, DatabaseUnavailable.

        With ``ask`` false no database is asked: for who has presented too many wrong ones.
        """
        presented = headers.get("x-api-key") or _bearer(headers.get("authorization"))
        return await self.recognise(presented, ask=ask) if presented else ANONYMOUS

    async def recognise(self, presented: str, *, ask: bool = True) -> Caller:
        """A key or a session token. Raises NotRecognised, and DatabaseUnavailable also while it is unknown what was
        revoked.
        """
        caller = await self._caller(presented, ask=ask)
        if not await self._revocations.caught_up():
            raise DatabaseUnavailable("it is not known which keys were revoked in the last seconds")
        if self.revoked(caller):
            raise NotRecognised
        return caller

    def revoked(self, caller: Caller) -> bool:
        """True if the key or the session has ended since it was recognised."""
        names = [key_name(caller.key_id)] if caller.key_id else []
        if caller.session is not None:
            names.append(session_name(caller.session.id))
        return self._revocations.denies(*names)

    async def _caller(self, presented: str, *, ask: bool) -> Caller:
        if presented.startswith("cg_"):
            key = await self._keys.recognise(presented, ask=ask)
            if key is not None:
                return Caller(key.client_id, key.id, key.tier)
        else:
            session = self._sessions.check(presented)
            if session is not None:
                return Caller(session.client_id, session.key_id, session.tier, session)
        raise NotRecognised


def _bearer(value: str | None) -> str | None:
    scheme, _, token = (value or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None

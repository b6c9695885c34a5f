"""Session tokens: an API key traded for a signed token that expires (E12), so that a browser need not keep the key.

A session is also remembered in the cache; logging out forgets it there. While Redis is down the signature and the
expiry decide alone.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import jwt

from app.access.tiers import Tier
from app.redis_link import RedisDown, RedisLink

ALGORITHM = "HS256"
AUDIENCE = "contentgen"


@dataclass(frozen=True)
class Session:
    """Who a token speaks for."""

    id: str
    client_id: str
    key_id: str
    tier: Tier


class Sessions:
    """Issues, checks and ends sessions."""

    def __init__(self, secrets: tuple[str, ...], seconds: int, link: RedisLink) -> None:
        """Signs with the first of the secrets and believes all of them."""
        self._secrets = secrets
        self.seconds = seconds
        self._link = link

    @property
    def configured(self) -> bool:
        """Whether this deployment has a secret to sign with."""
        return bool(self._secrets)

    async def issue(self, client_id: str, key_id: str, tier: Tier) -> str:
        """A token for an hour (configurable). Needs `configured`."""
        now, session = int(time.time()), uuid4().hex
        claims = {"sub": client_id, "kid": key_id, "tier": tier.value, "jti": session}
        times = {"iat": now, "exp": now + self.seconds, "aud": AUDIENCE}
        with suppress(RedisDown):
            await self._link.ask(lambda client: client.set(f"session:{session}", key_id, ex=self.seconds))
        return jwt.encode({**claims, **times}, self._secrets[0], ALGORITHM)

    async def check(self, token: str) -> Session | None:
        """The session of a token; None when it is forged, expired or was ended."""
        session = next((found for secret in self._secrets if (found := _spoken(token, secret))), None)
        if session is None:
            return None
        try:
            known = await self._link.ask(lambda client: client.exists(f"session:{session.id}"))
        except RedisDown:
            return session
        return session if known else None

    async def end(self, session: Session) -> None:
        """Log out. Raises RedisDown when it cannot be made known; the token then lives until it expires."""
        await self._link.ask(lambda client: client.delete(f"session:{session.id}"))


def _spoken(token: str, secret: str) -> Session | None:
    """What a token says, if it was signed with this secret and is in time."""
    try:
        claims = jwt.decode(
            token, secret, [ALGORITHM], audience=AUDIENCE, options={"require": ["exp", "jti", "sub", "kid"]}
        )
        return Session(claims["jti"], claims["sub"], claims["kid"], Tier(claims["tier"]))
    except (jwt.PyJWTError, ValueError, KeyError):
        return None

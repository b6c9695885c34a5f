"""Session tokens: an API key traded for a signed token that expires (E12), so that a browser need not keep the key.

A token is verified by its signature, which every region makes with the same secret, until it expires or it or its key
is revoked (app.access.revocations). Nothing is stored for a session that is in force.
"""

import time
from dataclasses import dataclass
from uuid import uuid4

import jwt

from app.access.tiers import Tier

ALGORITHM = "HS256"
AUDIENCE = "contentgen"
LONGEST_SECONDS = 86_400
"""A session is renewed for so long after the key was shown; then the key is asked for again."""


@dataclass(frozen=True)
class Session:
    """Session of a client, read from its token; the key was shown when it ``began``, in seconds of the epoch, as is
    ``expires``.
    """

    id: str
    client_id: str
    key_id: str
    tier: Tier
    began: int
    expires: int


class Sessions:
    """Issues and checks tokens."""

    def __init__(self, secrets: tuple[str, ...], seconds: int) -> None:
        """Signs with the first of the secrets and accepts all of them."""
        self._secrets = secrets
        self.seconds = seconds

    @property
    def configured(self) -> bool:
        """True if this deployment has a secret to sign with."""
        return bool(self._secrets)

    def issue(
        self, client_id: str, key_id: str, tier: Tier, *, began: int | None = None, seconds: int | None = None
    ) -> str:
        """A token for an hour (configurable). Needs `configured`."""
        now = int(time.time())
        began = began or now
        until = min(now + (seconds or self.seconds), began + LONGEST_SECONDS)
        claims = {"sub": client_id, "kid": key_id, "tier": tier.value, "jti": uuid4().hex, "auth_time": began}
        return jwt.encode({**claims, "iat": now, "exp": until, "aud": AUDIENCE}, self._secrets[0], ALGORITHM)

    def check(self, token: str) -> Session | None:
        """The session of a token; None when it is forged or has expired."""
        return next((found for secret in self._secrets if (found := _spoken(token, secret))), None)


def _spoken(token: str, secret: str) -> Session | None:
    """Claims of a token, if it was signed with this secret and is in time."""
    required = {"require": ["exp", "jti", "sub", "kid", "auth_time"]}
    try:
        claims = jwt.decode(token, secret, [ALGORITHM], audience=AUDIENCE, options=required)
        times = int(claims["auth_time"]), int(claims["exp"])
        return Session(claims["jti"], claims["sub"], claims["kid"], Tier(claims["tier"]), *times)
    except (jwt.PyJWTError, ValueError, KeyError):
        return None

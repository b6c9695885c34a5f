"""``contentgen token``: a session for trying a stack whose API asks for a key, and for the smoke tests of a release.

Sessions are verified by their signature (requirement E12), and every reader of a stack's secret outputs may sign one:
nothing is stored, no key is made, and it ends by itself.
"""

from __future__ import annotations

import json
import time
from typing import Final
from uuid import uuid4

import jwt

from ops.target import EngineReadError, Target, kept

OUTPUT: Final = "sessionSecret"
CLIENT: Final = "operator"
SECONDS: Final = 3600
CLAIMS: Final = {"aud": "contentgen", "kid": "operator", "tier": "business"}
"""Claims that the application expects of a session (app/access/sessions.py); a test gives it one of ours."""


class TokenError(Exception):
    """The stack gives no secret to sign with; the message says why."""


def token_of(target: Target, client: str = CLIENT, seconds: int = SECONDS) -> str:
    """A session for a client of a running stack. Raises TokenError."""
    try:
        secret = kept(target, "output", OUTPUT, "--show-secrets", "--json")
    except EngineReadError as error:
        fix = "bring the stack up to this release"
        raise TokenError(f"stack {target.stack}: no output {OUTPUT}: {error}; fix: {fix}") from None
    return signed(str(json.loads(secret)), client, seconds, int(time.time()))


def signed(secret: str, client: str, seconds: int, now: int) -> str:
    """A session that ends after so many seconds."""
    times = {"iat": now, "auth_time": now, "exp": now + seconds}
    return jwt.encode({**CLAIMS, **times, "sub": client, "jti": uuid4().hex}, secret, "HS256")

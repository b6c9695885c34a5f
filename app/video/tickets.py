"""Addresses of videos on the service's own origin, which a page's player can load: it can send no key, and the page may
load media of no other origin. The address is signed like a session, and lives as long as the bucket's own.
"""

import time
from typing import Final

import jwt

from app.access.sessions import ALGORITHM
from app.ids import JobId

AUDIENCE: Final = "video"


def ticket_of(video: JobId, key: str, secrets: tuple[str, ...], seconds: int) -> str | None:
    """A ticket for the file of a video, valid for so long; None where the service has no secret to sign with."""
    if not secrets:
        return None
    claims = {"sub": str(video), "key": key, "exp": int(time.time()) + seconds, "aud": AUDIENCE}
    return jwt.encode(claims, secrets[0], ALGORITHM)


def key_of(ticket: str, secrets: tuple[str, ...]) -> str | None:
    """Key of the object that a ticket of ours is for; None when it is forged or has expired."""
    for secret in secrets:
        try:
            claims = jwt.decode(ticket, secret, [ALGORITHM], audience=AUDIENCE, options={"require": ["exp", "sub"]})
            return str(claims["key"])
        except (jwt.PyJWTError, KeyError):
            continue
    return None

"""Signatures of webhooks as Stripe makes them, verified by Stripe's own SDK (E03, E13)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

TOLERANCE_SECONDS: Final = 300


def signed_at(secrets: Sequence[str], body: bytes, header: str) -> datetime | None:
    """Time of signature of an untouched, recent message signed with one of the secrets; None for any other."""
    # A process that gets no event does not pay for the SDK in memory.
    from stripe import SignatureVerificationError, WebhookSignature

    for secret in secrets:
        try:
            WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
        except (SignatureVerificationError, UnicodeDecodeError):
            continue
        moment = next(part.partition("=")[2] for part in header.split(",") if part.startswith("t="))
        return datetime.fromtimestamp(int(moment), UTC)
    return None

"""A session that `contentgen token` signs is one that the service believes, until it ends."""

from __future__ import annotations

import time

import pytest

from app.access.sessions import Sessions
from app.access.tiers import Tier
from ops.sessions import signed

SECRET = "a-secret-of-at-least-thirty-two-letters"


@pytest.mark.requirement("E12")
def test_the_service_believes_a_session_that_the_command_signed_and_no_other() -> None:
    now = int(time.time())
    session = Sessions((SECRET,), 3600).check(signed(SECRET, "me", 3600, now))
    assert session is not None
    assert (session.client_id, session.tier, session.began, session.expires) == ("me", Tier.BUSINESS, now, now + 3600)
    assert Sessions((SECRET,), 3600).check(signed(SECRET, "me", 3600, now - 3601)) is None
    assert Sessions((SECRET[::-1],), 3600).check(signed(SECRET, "me", 3600, now)) is None

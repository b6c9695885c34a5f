"""Order of jobs, and the key of a text."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Assignment, GenerationRequest, Priority
from app.ids import JobId
from app.intake import Submission
from app.queue import PATIENCE_SECONDS, rank


@pytest.mark.requirement("A04")
@given(priority=st.sampled_from(Priority), other=st.sampled_from(Priority), gap=st.integers(0, 10_000))
def test_no_job_is_overtaken_for_longer_than_its_patience(priority: Priority, other: Priority, gap: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    waiting, newer = rank(priority, now), rank(other, now + timedelta(seconds=gap))
    if gap > PATIENCE_SECONDS[priority]:
        assert waiting > newer
    assert rank(Priority.SPEED, now) > rank(Priority.BALANCED, now) > rank(Priority.COST, now)


def test_an_assignment_is_what_decides_the_text() -> None:
    request = GenerationRequest(topic="Quiet offices", content_type="blog", client_id="acme")  # type: ignore[arg-type]
    assert set(Assignment.model_fields) == {"topic", "content_type", "keywords", "priority"}
    assert request.assignment() == request.model_copy(update={"client_id": "rival"}).assignment()


def test_a_request_without_fresh_is_the_same_as_before_there_was_the_field() -> None:
    """Idempotency keys outlive a release."""
    request = GenerationRequest(topic="Quiet offices", content_type="blog", client_id="acme")  # type: ignore[arg-type]
    before = '{"topic":"Quiet offices","content_type":"blog","keywords":[],"priority":"balanced","client_id":"acme"}'
    fresh = request.model_copy(update={"fresh": True})
    hashes = [Submission(JobId.new("use1"), one, None).body_hash for one in (request, fresh)]
    assert hashes[0] == hashlib.sha256(before.encode()).digest() != hashes[1]

"""The released service in every region, and the stack's own alarms."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from ops.release import service
from ops.release.alarms import ALARM, alarms_of, ringing
from ops.release.process import StepError
from ops.release.service import Service
from ops.sessions import TokenError
from ops.target import Target
from stacks.products.content_generation.blueprint import BLUEPRINT
from stacks.specs.trial import Trial
from tests.release.engine import PretendedEngine

REGIONS = {"us-east-1": "https://edge-us-east-1.x", "eu-west-1": "https://edge-eu-west-1.x"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """Address, session and whether a job was made, of each smoke test; no alarm is on."""
    found: list[tuple[str, str, bool]] = []

    def smoke(address: str, headers: dict[str, str], trial: Trial, host: str, session: str, *, whole: bool) -> None:
        assert (headers, trial, host) == ({"X-Frame-Options": "DENY"}, BLUEPRINT.trial, "api.x")
        found.append((address, session, whole))

    monkeypatch.setattr(service, "smoke", smoke)
    monkeypatch.setattr(service, "token_of", lambda target, client: f"token of {client}")
    monkeypatch.setattr(service, "alarms_of", lambda target: {})
    monkeypatch.setattr(service, "ringing", lambda target, alarms: frozenset())
    return found


def made(said: list[str] | None = None) -> Service:
    target = Target("prod", Path("pulumi"), Path(), {}, ())
    return Service(
        target,
        REGIONS,
        {"X-Frame-Options": "DENY"},
        BLUEPRINT.trial,
        "api.x",
        (said if said is not None else []).append,
    )


@pytest.mark.requirement("L02")
def test_every_region_is_tried_with_a_job_of_its_own_and_a_session(asked: list[tuple[str, str, bool]]) -> None:
    made().smoke()
    assert asked == [(address, "token of smoke-test", True) for address in REGIONS.values()]


@pytest.mark.requirement("L06")
def test_a_watch_asks_every_region_each_time_and_makes_a_job_in_one_by_turns(
    asked: list[tuple[str, str, bool]],
) -> None:
    watched = made()
    for number in range(3):
        watched.look(number)
    assert [address for address, _, _ in asked] == list(REGIONS.values()) * 3
    assert [job for _, _, job in asked] == [True, False, False, True, True, False]


@pytest.mark.requirement("L02")
def test_the_region_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, asked: list[object]) -> None:
    def smoke(address: str, headers: dict[str, str], trial: Trial, host: str, session: str, *, whole: bool) -> None:
        if "eu-west-1" in address:
            raise StepError("/ready answers 503, not 200")

    monkeypatch.setattr(service, "smoke", smoke)
    with pytest.raises(StepError, match=r"^eu-west-1: /ready answers 503"):
        made().smoke()


@pytest.mark.requirement("L06")
def test_an_alarm_that_goes_off_after_the_smoke_test_is_the_releases_and_one_before_it_is_not(
    monkeypatch: pytest.MonkeyPatch, asked: list[object]
) -> None:
    on = {"disk"}
    monkeypatch.setattr(service, "ringing", lambda target, alarms: frozenset(on))
    watched = made()
    watched.smoke()
    watched.look(0)
    on.add("connections")
    with pytest.raises(StepError, match=r"alarms went off: connections$"):
        watched.look(1)


def test_a_stack_without_keys_is_tried_without_a_session(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, str, bool]]
) -> None:
    def none(target: Target, client: str) -> str:
        raise TokenError("no output sessionSecret")

    monkeypatch.setattr(service, "token_of", none)
    said: list[str] = []
    made(said).smoke()
    assert {session for _, session, _ in asked} == {""}
    assert said == ["smoke test without a session: no output sessionSecret"]


@pytest.mark.requirement("L06")
@mock_aws
def test_the_stacks_own_alarms_that_are_on_are_found_in_each_region(tmp_path: Path) -> None:
    engine = PretendedEngine(tmp_path)
    target = engine.target()
    named = {f"prod-{number}": "us-east-1" for number in range(120)} | {"prod-cache": "eu-west-1"}
    engine.resources(
        {"urn": "u", "type": "aws:s3/bucket:Bucket", "outputs": {}},
        *({"urn": one, "type": ALARM, "outputs": {"name": one, "region": region}} for one, region in named.items()),
    )
    for name, region in {**named, "another-teams": "us-east-1"}.items():
        client = boto3.client("cloudwatch", region_name=region)
        client.put_metric_alarm(
            AlarmName=name,
            Namespace="n",
            MetricName="m",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        if name in ("prod-7", "prod-119", "prod-cache", "another-teams"):
            client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert ringing(target, alarms_of(target)) == {"prod-7", "prod-119", "prod-cache"}


def test_a_state_that_cannot_be_read_is_an_error_with_the_engines_words(tmp_path: Path) -> None:
    target = PretendedEngine(tmp_path).target()
    (tmp_path / "export").unlink()
    with pytest.raises(StepError, match=r"(?s)prod: its state cannot be read: .*FileNotFoundError"):
        alarms_of(target)

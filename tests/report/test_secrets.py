"""What the engine prints in clear when an update is not the planned one, and what drift may name."""

from __future__ import annotations

import pytest

from ops.drift import drifted
from ops.report.events import parse
from ops.report.secrets import HIDDEN, clean, is_secret, redacted
from tests.report.events import lines, step

PLANNED = (
    "error: resource urn:pulumi:prod::contentgen::random:index/randomPassword:RandomPassword::p violates plan: "
    "properties changed: ~~result[{&{canary-horse-battery}}!={canary-other}], ++length[{canary 3}], "
    "--special[<nil>!=canary]\n"
)


def test_a_violated_plan_keeps_the_names_of_properties_and_loses_every_value() -> None:
    line = redacted(PLANNED)
    assert "canary" not in line
    assert line.endswith("violates plan: result, length, special\n")
    assert "RandomPassword::p" in line


def test_a_violation_in_words_that_are_not_known_is_hidden_whole() -> None:
    assert redacted("error: resource violates plan: something canary\n") == f"error: resource violates plan: {HIDDEN}\n"


def test_other_lines_pass_without_what_looks_like_a_secret() -> None:
    assert redacted(" +  aws:s3/bucket:Bucket backup creating\n") == " +  aws:s3/bucket:Bucket backup creating\n"
    assert "canary" not in redacted("connecting to redis://:canary@host:6379/0\n")


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("password", True),
        ("spec.authToken", True),
        ("stringData.x_api_key", True),
        ("spec.template.spec.automountServiceAccountToken", False),
        ("spec.secretName", False),
        ("kmsKeyId", False),
        ("spec.replicas", False),
    ],
)
def test_secrets_are_told_by_where_they_are(path: str, secret: bool) -> None:
    assert is_secret("kubernetes:apps/v1:Deployment", path) is secret


def test_of_a_secret_object_nothing_is_shown() -> None:
    assert is_secret("kubernetes:core/v1:Secret", "metadata.name")


def test_a_text_without_secrets_stays_as_it_is() -> None:
    assert clean("image registry.example.com/app@sha256:00 on 10.0.0.1:80") == (
        "image registry.example.com/app@sha256:00 on 10.0.0.1:80"
    )


def test_drift_names_resource_and_field_and_never_a_value() -> None:
    deployment = "kubernetes:apps/v1:Deployment"
    events = [
        step("update", deployment, "cpm", {"a": "canary"}, {"a": "x"}, {"spec.template": "update", "data.b": "add"}),
        step("create", "kubernetes:core/v1:Service", "cpm-service", None, {}),
        step("same", deployment, "im", {}, {}),
    ]
    assert list(drifted(parse("local", lines(events)))) == [
        "kubernetes:apps/v1:Deployment cpm differs: data.b, spec.template",
        "kubernetes:core/v1:Service cpm-service is gone",
    ]


def test_what_controllers_set_beside_our_fields_is_no_drift() -> None:
    event = step("update", "kubernetes:apps/v1:Deployment", "cpm", {"a": 1}, {"a": 1}, {})
    assert list(drifted(parse("local", lines([event])))) == []

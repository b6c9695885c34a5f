"""Secrets that the engine prints in clear when an update is not the planned one, and values that drift may name."""

from __future__ import annotations

import pytest

from ops.drift import drifted
from ops.report.events import parse
from ops.report.secrets import HIDDEN, clean, is_secret, redacted, without_secrets
from ops.report.values import difference
from tests.report.events import Values, lines, step

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


KEY = ("-----BEGIN RSA PRIVATE KEY-----\n", "canaryone\n", "canarytwo\n", "-----END RSA PRIVATE KEY-----\n")


def test_a_private_key_over_several_lines_is_hidden_to_its_end() -> None:
    told = "".join(without_secrets(["before\n", *KEY, "after\n"]))
    assert "canary" not in told
    assert told.startswith("before\n") and told.endswith("after\n")


@pytest.mark.parametrize(
    "path",
    ["data.LEARNING_API_KEY", "data.WARN_TOKEN", "data_dir_password", "DB_PWD", "SIGNING_KEY", "ENCRYPTION_KEY"],
)
def test_a_harmless_word_within_a_name_does_not_hide_that_it_is_a_secrets(path: str) -> None:
    assert is_secret("kubernetes:core/v1:ConfigMap", path)


@pytest.mark.parametrize("path", ["masterUserSecretArn", "secret_arn", "tls_key_file", "tokens_dir", "kmsKeyId"])
def test_where_a_secret_is_kept_is_none(path: str) -> None:
    assert not is_secret("aws:rds/instance:Instance", path)


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ("env[0].value", {"env": [{"name": "DB_PASSWORD", "value": "canary"}]}),
        ("parameters[0].value", {"parameters": [{"name": "master_password", "value": "canary"}]}),
        ("args[0]", {"args": ["--password=canary"]}),
        ("definitions", {"definitions": '[{"environment": [{"name": "DB_PASSWORD", "value": "canary"}]}]'}),
        ("definitions", {"definitions": '{"dbPassword": "canary"}'}),
    ],
)
def test_a_secret_in_a_list_an_argument_or_a_text_of_json_is_hidden(path: str, before: Values) -> None:
    event = step("update", "aws:ecs/taskDefinition:TaskDefinition", "t", before, {}, {path: "update"})
    (change,) = parse("prod", lines([event])).changes
    shown, _ = difference(change, path)
    assert shown is not None and HIDDEN in shown
    assert "canary" not in shown


@pytest.mark.parametrize("text", ["x" * 200_000, "-" * 200_000, "a-" * 100_000, "http://" * 30_000])
def test_a_long_text_without_a_secret_is_left_as_it_is(text: str) -> None:
    """Repetitions without bounds took minutes here."""
    assert clean(text) == text

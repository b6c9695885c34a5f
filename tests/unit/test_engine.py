"""The recording engine itself: a test that cannot fail proves nothing, so these show how tests fail under it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pulumi
import pytest
from pulumi_kubernetes import core, meta
from pulumi_random import RandomPassword

from infra.settings.stack import NAMESPACE
from tests.unit.engine import CANARY, HIDDEN, UNKNOWN, run
from tests.unit.program import CLUSTER

LOCAL = {"environment": "local", "domain": "texts.acme.io", "regions": '["us-east-1"]'}


def secret() -> core.v1.Secret:
    return core.v1.Secret("made", string_data={"password": RandomPassword("made-password", length=32).result})


def test_a_false_assertion_inside_an_output_fails_the_test() -> None:
    def program() -> None:
        def check(name: str) -> None:
            assert name == "another"

        secret().metadata.name.apply(check)

    with pytest.raises(AssertionError, match="another"):
        run(program)


def test_a_false_assertion_about_a_recorded_resource_fails_the_test() -> None:
    made = run(secret).one("Secret")
    with pytest.raises(AssertionError):
        assert made.at("kind") == "ConfigMap"


def test_computed_values_flow_into_later_inputs() -> None:
    def program() -> None:
        core.v1.ConfigMap("copy", data={"name": secret().metadata.name})

    assert run(program).one("ConfigMap").at("data", "name") == "made-abc123"


def test_at_a_preview_what_a_provider_makes_up_is_unknown_and_the_rest_is_not() -> None:
    def program() -> None:
        made = secret()
        core.v1.ConfigMap("copy", data={"name": made.metadata.name, "kind": made.kind, "id": made.id})

    copy = run(program, preview=True).one("ConfigMap")
    assert copy.at("data") == {"name": UNKNOWN, "kind": "Secret", "id": UNKNOWN}


def test_a_secret_value_is_seen_in_inputs_and_hidden_in_what_is_visible() -> None:
    made = run(secret).one("Secret")
    assert made.at("stringData", "password") == f"{CANARY}-made-password"
    assert made.visible["stringData"] == HIDDEN


def test_a_secret_that_is_made_plain_is_visible() -> None:
    def program() -> None:
        core.v1.ConfigMap("leak", data={"password": pulumi.Output.unsecret(RandomPassword("p", length=8).result)})

    assert CANARY in str(run(program).one("ConfigMap").visible)


def test_protection_parent_and_provider_are_recorded() -> None:
    def program() -> None:
        parent = pulumi.ComponentResource("test:index:Parent", "parent")
        core.v1.Namespace(
            "kept",
            metadata=meta.v1.ObjectMetaArgs(name="kept"),
            opts=pulumi.ResourceOptions(parent=parent, protect=True),
        )

    kept = run(program).one("Namespace")
    assert kept.protect
    assert kept.parent.endswith("test:index:Parent::parent")
    assert kept.urn.endswith("test:index:Parent$kubernetes:core/v1:Namespace::kept")


def test_a_program_that_calls_a_providers_function_fails() -> None:
    def program() -> None:
        pulumi.runtime.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})

    with pytest.raises(AssertionError, match="called aws:index/getCallerIdentity"):
        run(program)


def test_the_programs_own_file_declares_a_stack_from_the_text_the_engine_hands_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {**LOCAL, "clusters": json.dumps({"us-east-1": CLUSTER}), "account": "123456789012"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({f"{NAMESPACE}:{key}": value for key, value in values.items()}))
    monkeypatch.delenv("CONTENTGEN_TARGET", raising=False)
    engine = run(lambda: runpy.run_path(str(root / "infra" / "__main__.py")), "local")
    assert [one.name for one in engine.of("contentgen:stack:Region")] == ["local-us-east-1"]
    assert [one.before_create for one in engine.of("core/v1:Namespace")] == [("namespace-us-east-1",)]


@pytest.mark.parametrize("commit", ["0123abc", ""])
def test_the_program_hands_out_the_commit_that_a_release_deploys_and_nothing_without_one(
    root: Path, monkeypatch: pytest.MonkeyPatch, commit: str
) -> None:
    values = {**LOCAL, "account": "123456789012", "clusters": json.dumps({"us-east-1": CLUSTER})}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({f"{NAMESPACE}:{key}": value for key, value in values.items()}))
    monkeypatch.delenv("CONTENTGEN_TARGET", raising=False)
    monkeypatch.setenv("CONTENTGEN_COMMIT", commit)
    exported: dict[str, object] = {}
    monkeypatch.setattr(pulumi, "export", lambda name, value: exported.update({name: value}))
    run(lambda: runpy.run_path(str(root / "infra" / "__main__.py")), "local")
    assert exported.get("commit") == (commit or None)

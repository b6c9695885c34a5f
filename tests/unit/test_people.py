"""Permissions of people in each environment: every rule of every role, one by one (requirements S08, Y07)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from infra.settings.access import AccessSettings
from infra.settings.environment import Environment
from infra.settings.errors import SettingsError
from infra.settings.stack import StackSettings
from stacks.identity.rbac import GIVEN, Team, people
from stacks.plan import plan
from stacks.stack_files import parse
from stacks.validation import findings
from tests.unit.engine import RecordingEngine
from tests.unit.program import Declare

READING = {"get", "list", "watch"}
SHELL = ("pods/exec", "create")


@dataclass(frozen=True)
class Right:
    """One verb on one resource, and the role that has it."""

    role: str
    api: str
    resource: str
    verb: str


def rights(engine: RecordingEngine) -> Iterator[Right]:
    """Every right of every role of a stack, of people and of service accounts."""
    for role in [*engine.of("v1:Role"), *engine.of("v1:ClusterRole")]:
        rules = role.at("rules")
        assert isinstance(rules, list)
        for rule in rules:
            for api in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        yield Right(str(role.at("metadata", "name")), api, resource, verb)


def bound(engine: RecordingEngine) -> dict[str, set[str]]:
    """The groups of people by the role they have."""
    found: dict[str, set[str]] = {}
    for binding in engine.of("v1:RoleBinding"):
        subjects = binding.at("subjects")
        assert isinstance(subjects, list)
        groups = {subject["name"] for subject in subjects if subject["kind"] == "Group"}
        if groups:
            found.setdefault(str(binding.at("roleRef", "name")), set()).update(groups)
    return found


def with_access(environment: Environment, **teams: list[str]) -> StackSettings:
    base = {"environment": environment, "domain": "example.com", "regions": ["us-east-1"]}
    return parse(environment, {**base, "access": teams})


@pytest.mark.requirement("Y07")
def test_no_role_has_a_wildcard_or_a_way_up_or_reads_every_secret(every: RecordingEngine) -> None:
    given = list(rights(every))
    assert given or every.stack.endswith("local")
    assert [one for one in given if "*" in one.api + one.resource + one.verb] == []
    assert [one for one in given if one.verb in ("bind", "escalate", "impersonate")] == []
    assert [one for one in given if one.resource == "secrets"] == []
    assert every.of("v1:ClusterRole") == []


@pytest.mark.requirement("S08")
@pytest.mark.parametrize(
    ("stack", "teams"),
    [
        ("local", {}),
        ("dev", {"team-engineers": {"engineers"}}),
        ("staging", {"team-engineers": {"engineers"}, "team-quality": {"quality"}}),
        (
            "prod",
            {
                "team-engineers": {"engineers-on-call"},
                "team-operations": {"operations"},
                "team-break-glass": {"production-break-glass"},
            },
        ),
    ],
)
def test_each_environment_lets_in_its_own_people_only(declare: Declare, stack: str, teams: dict[str, set[str]]) -> None:
    assert bound(declare(stack)) == teams


@pytest.mark.requirement("S08")
@pytest.mark.requirement("Y07")
@pytest.mark.parametrize(
    ("stack", "shell"), [("dev", {"team-engineers"}), ("staging", set()), ("prod", {"team-break-glass"})]
)
def test_who_may_open_a_shell_and_so_read_what_a_pod_mounts(declare: Declare, stack: str, shell: set[str]) -> None:
    assert {one.role for one in rights(declare(stack)) if (one.resource, one.verb) == SHELL} == shell


@pytest.mark.requirement("Y07")
def test_in_production_only_the_broken_glass_makes_pods_and_nobody_changes_what_is_declared(declare: Declare) -> None:
    changing = {
        (one.role, one.resource, one.verb)
        for one in rights(declare("prod"))
        if one.role.startswith("team-") and one.verb not in READING
    }
    restart = {("team-operations", "pods", "delete"), ("team-break-glass", "pods", "delete")}
    entered = {("pods/exec", "create"), ("pods/portforward", "create"), ("jobs", "create"), ("jobs", "delete")}
    assert changing == restart | {("team-break-glass", *one) for one in entered}


def test_every_role_of_people_sees_pods_and_their_logs(declare: Declare) -> None:
    for stack in ("dev", "staging", "prod"):
        seen = {one.role for one in rights(declare(stack)) if (one.resource, one.verb) == ("pods/log", "get")}
        assert seen == set(bound(declare(stack)))


@pytest.mark.requirement("S08")
@pytest.mark.parametrize("environment", Environment)
@pytest.mark.parametrize("team", Team)
def test_a_team_without_access_to_an_environment_is_refused_there_and_not_ignored(
    environment: Environment, team: Team
) -> None:
    settings = with_access(environment, **{team.value: ["people"]})
    wrong = [one for one in findings(plan("it", settings), embedded=True) if "access" in one.key]
    if team in GIVEN[environment]:
        assert wrong == []
        (access,) = people(settings)
        assert access.groups == ("people",)
    else:
        assert [one.key for one in wrong] == [f"contentgen:access.{team}"]
        assert people(settings) == ()


def test_a_group_in_two_teams_is_refused() -> None:
    with pytest.raises(SettingsError, match="people is listed twice"):
        with_access(Environment.PROD, engineers=["people"], break_glass=["people"])


@pytest.mark.parametrize("group", ["system:masters", "system:authenticated", "", "a b", "*"])
def test_a_group_of_kubernetes_own_or_none_at_all_is_refused(group: str) -> None:
    with pytest.raises(SettingsError, match="engineers"):
        with_access(Environment.DEV, engineers=[group])


def test_the_teams_of_the_settings_are_those_that_environments_know() -> None:
    assert set(AccessSettings.model_fields) == {team.value for team in Team}

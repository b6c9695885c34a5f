"""Settings of a stack file, and the messages about wrong ones."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from infra.catalog.headers import MAXIMUM_HEADERS_A_ROUTE, SECURITY_HEADERS
from infra.settings.environment import Environment
from infra.settings.errors import SettingsError
from infra.settings.stack import StackSettings
from infra.settings.stores import Backend
from infra.settings.value_types import IN_WORDS, memory_bytes
from stacks.stack_files import parse, parse_config

LEAST = {"environment": "dev", "domain": "example.com", "regions": ["us-east-1"]}


def refused(**values: object) -> str:
    """The message for a stack file with these values over the least one."""
    with pytest.raises(SettingsError) as raised:
        parse("dev", {**LEAST, **values})
    return str(raised.value)


def accepted(**values: object) -> StackSettings:
    return parse("dev", {**LEAST, **values})


@pytest.mark.requirement("S06")
def test_every_wrong_value_is_told_at_once_with_file_key_value_and_what_is_allowed() -> None:
    message = refused(
        environment="production",
        regions=["us-east-1", "mars-1"],
        services={"cpm": {"maximum": 11}, "api": {"maximum": 1}},
        postgres={"storage_gb": 101},
        colour="blue",
    )
    assert message.startswith("Pulumi.dev.yaml: 6 settings are wrong, nothing was changed:")
    told = dict(line.strip().split(": ", 1) for line in message.splitlines()[1:])
    assert "'prod'" in told["contentgen:environment = 'production'"]
    assert "mars-1; allowed are us-east-1, eu-west-1, ap-southeast-1" in message
    assert told["contentgen:services.cpm.maximum = 11"] == "must be at most 10, the limit of cpm (Y02)"
    assert told["contentgen:services.api = 'api'"] == "allowed services are cpm, im, worker, frontend"
    assert told["contentgen:postgres.storage_gb = 101"] == "must be at most 100 (Y02)"
    assert "docs/settings.md" in told["contentgen:colour = 'blue'"]


@pytest.mark.requirement("A11")
def test_an_administrators_network_that_is_none_is_told_with_an_example() -> None:
    message = refused(admin={"networks": ["203.0.113.0/24", "203.0.113.7/24", "office"]})
    assert "2 settings are wrong" in message
    assert "contentgen:admin.networks[1] = '203.0.113.7/24': must be an address or a network such as" in message
    assert "contentgen:admin.networks[2] = 'office': must be" in message


@pytest.mark.requirement("Y02")
@pytest.mark.parametrize(
    ("values", "key", "limit"),
    [
        ({"services": {"cpm": {"maximum": 11}}}, "services.cpm.maximum", "10"),
        ({"services": {"cpm": {"minimum": 11}}}, "services.cpm.minimum", "10"),
        ({"services": {"im": {"maximum": 6}}}, "services.im.maximum", "5"),
        ({"services": {"worker": {"maximum": 6}}}, "services.worker.maximum", "5"),
        ({"services": {"frontend": {"maximum": 6}}}, "services.frontend.maximum", "5"),
        ({"services": {"cpm": {"memory": "3Gi"}}}, "services.cpm.memory", "2Gi"),
        ({"services": {"im": {"memory": "2049Mi"}}}, "services.im.memory", "2Gi"),
        ({"postgres": {"storage_gb": 101}}, "postgres.storage_gb", "100"),
        ({"postgres": {"max_connections": 201}}, "postgres.max_connections", "200"),
        ({"budget": {"monthly_usd": 1501}}, "budget.monthly_usd", "1500"),
        ({"budget": {"monthly_usd": 3001}, "regions": ["us-east-1", "eu-west-1"]}, "budget.monthly_usd", "3000"),
    ],
)
def test_a_value_one_beyond_its_limit_is_refused_naming_the_limit(
    values: Mapping[str, object], key: str, limit: str
) -> None:
    message = refused(**values)
    assert f"contentgen:{key} = " in message
    assert f"must be at most {limit}" in message
    assert "1 setting is wrong" in message


def test_a_stack_has_a_name_of_at_most_20_characters() -> None:
    assert parse("s" * 20, LEAST)
    with pytest.raises(SettingsError, match="must have at most 20 characters"):
        parse("s" * 21, LEAST)


@pytest.mark.parametrize(
    "values",
    [
        {"services": {"cpm": {"maximum": 10}, "im": {"maximum": 5}, "worker": {"maximum": 5}}},
        {"services": {"cpm": {"memory": "2Gi"}, "im": {"memory": "2048Mi"}}},
        {"postgres": {"storage_gb": 100, "max_connections": 200}},
        {"redis": {"memory_mb": 64}},
    ],
)
def test_a_value_at_its_limit_is_taken(values: Mapping[str, object]) -> None:
    given = accepted(**values).model_dump(exclude_unset=True, exclude_none=True)
    assert {key: given[key] for key in values} == values


@pytest.mark.requirement("S06")
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"product": "recipe"}, "contentgen:product = 'recipe': must be one of content-generation"),
        ({"regions": []}, "contentgen:regions = []"),
        ({"regions": ["us-east-1", "us-east-1"]}, "a region is listed twice"),
        ({"domain": "not a domain"}, "contentgen:domain = 'not a domain'"),
        ({"services": {"cpm": {"minimum": 3, "maximum": 2}}}, "minimum 3 is above maximum 2"),
        ({"services": {"cpm": {"minimum": 0}}}, "greater than or equal to 1"),
        ({"services": {"cpm": {"maximum": "4"}}}, "contentgen:services.cpm.maximum = '4': must be a valid integer"),
        ({"services": {"cpm": {"maximum": True}}}, "contentgen:services.cpm.maximum = True"),
        ({"services": {"cpm": {"maximums": 4}}}, "contentgen:services.cpm.maximums = 4: no such key"),
        ({"services": {"cpm": {"memory": "1GB"}}}, "contentgen:services.cpm.memory = '1GB'"),
        ({"backup": {"schedule": "hourly"}}, "contentgen:backup.schedule = 'hourly'"),
        ({"budget": {"notify": ["nobody"]}}, "contentgen:budget.notify[0] = 'nobody'"),
        ({"clusters": {"mars-1": {}}}, "unknown region mars-1"),
        ({"clusters": {"us-east-1": {"vpc_id": "vpc"}}}, "contentgen:clusters.us-east-1.vpc_id = 'vpc'"),
        ({"headers": {f"X-Own-{number}": "1" for number in range(8)}}, "a route takes at most 16"),
    ],
)
def test_a_wrong_value_is_refused_in_words(values: Mapping[str, object], told: str) -> None:
    assert told in refused(**values)


@pytest.mark.parametrize("key", ["environment", "domain", "regions"])
def test_what_has_no_default_is_required(key: str) -> None:
    with pytest.raises(SettingsError, match=rf"contentgen:{key} = None: is required"):
        parse("dev", {name: value for name, value in LEAST.items() if name != key})


def test_the_text_that_the_engine_hands_over_gives_the_same_settings_as_the_file() -> None:
    values: dict[str, object] = {
        **LEAST,
        "owner": "42",
        "services": {"cpm": {"minimum": 2, "maximum": 4}},
        "postgres": {"backend": "managed", "read_replicas": 0},
        "headers": {"Permissions-Policy": None},
    }
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    settings = parse_config("dev", text)
    assert settings == parse("dev", values)
    assert (settings.environment, settings.postgres.backend) == (Environment.DEV, Backend.MANAGED)


def test_text_that_only_looks_like_a_list_is_refused_as_what_it_is() -> None:
    with pytest.raises(SettingsError, match="contentgen:regions = '\\[us-east-1'"):
        parse_config("dev", {"environment": "dev", "domain": "example.com", "regions": "[us-east-1"})


def test_settings_cannot_be_changed_once_they_are_read() -> None:
    settings = accepted()
    with pytest.raises(ValueError, match="frozen"):
        settings.domain = "other.example.com"  # type: ignore[misc]


def test_a_header_given_in_other_case_replaces_the_default_and_null_takes_it_away() -> None:
    settings = accepted(headers={"x-frame-options": "SAMEORIGIN", "Permissions-Policy": None, "X-Own": "1"})
    own = settings.security_headers
    assert own["X-Frame-Options"] == "SAMEORIGIN"
    assert "x-frame-options" not in own
    assert set(own) == {*SECURITY_HEADERS, "X-Own"} - {"Permissions-Policy"}


def test_the_default_headers_leave_room_on_a_route() -> None:
    assert len(SECURITY_HEADERS) < MAXIMUM_HEADERS_A_ROUTE


@pytest.mark.parametrize(("quantity", "size"), [("512Mi", 512 * 2**20), ("2Gi", 2**31), ("2G", None), ("", None)])
def test_memory_is_read_in_binary_units_only(quantity: str, size: int | None) -> None:
    assert memory_bytes(quantity) == size


@pytest.mark.requirement("S06")
@pytest.mark.parametrize(
    ("values", "told"),
    [
        *(
            ({"image": image}, "contentgen:image")
            for image in ("1Gi; rm -rf /", "Contentgen:1", "a//b", "a:b:c", "a@sha256:00", "name:", "/name", "a b")
        ),
        ({"images": {"redis": "redis:7\n"}}, "contentgen:images.redis"),
        *(
            ({"backup": {"schedule": cron}}, "contentgen:backup.schedule")
            for cron in (
                "99 99 * * *",
                "*/0 * * * *",
                "0 24 * * *",
                "0 0 31 2 *",
                "* * * *",
                "0 0 0 1 *",
                "5-1 * * * *",
            )
        ),
        ({"headers": {"X Own": "1"}}, "contentgen:headers.X Own = 'X Own': must be a header's name"),
        ({"headers": {"X-Own": "1\r\nSet-Cookie: a=b"}}, "contentgen:headers.X-Own"),
        ({"headers": {"X-Own": "\N{PARTY POPPER}"}}, "contentgen:headers.X-Own"),
        ({"headers": {"X-Own": ""}}, "contentgen:headers.X-Own"),
        ({"headers": {"X-Own": " 1"}}, "contentgen:headers.X-Own"),
        ({"owner": "team <platform>"}, "contentgen:owner"),
        ({"owner": "team\n"}, "contentgen:owner"),
        *(({"clusters": {"us-east-1": {"context": name}}}, "context") for name in ("", " ", " a", "a\tb", "\n")),
        ({"domain": ".".join(["a" * 60] * 4)}, "must have at most 200 characters"),
        ({"alerts": {"notify": [f"team-{number}@acme.io" for number in range(11)]}}, "must have at most 10 items"),
    ],
)
def test_a_value_that_aws_kubernetes_or_a_browser_would_refuse_is_refused(
    values: Mapping[str, object], told: str
) -> None:
    assert told in refused(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"image": "123.dkr.ecr.us-east-1.amazonaws.com/team/contentgen:1.2@sha256:" + 64 * "a"},
        {"image": "localhost:5000/contentgen"},
        {"backup": {"schedule": "*/15 0-6,22 1,15 jan-mar MON-FRI"}},
        {"backup": {"schedule": "0 0 31 2 mon"}},
        {"backup": {"schedule": "0 0 29 2 *"}},
        {"headers": {"X-Own": 'a "b"; c\td'}},
        {"owner": "Team 7 / texts"},
        {"clusters": {"us-east-1": {"context": "arn:aws:eks:us-east-1:123456789012:cluster/prod"}}},
    ],
)
def test_what_aws_kubernetes_and_browsers_take_is_taken(values: Mapping[str, object]) -> None:
    given = accepted(**values).model_dump(exclude_unset=True, exclude_none=True)
    assert {key: given[key] for key in values} == values


def test_every_pattern_of_the_settings_is_said_in_words() -> None:
    def patterns(node: object) -> set[str]:
        if isinstance(node, list):
            return set().union(*(patterns(one) for one in node))
        if not isinstance(node, dict):
            return set()
        own = {node["pattern"]} if isinstance(node.get("pattern"), str) else set()
        keys = node.get("patternProperties", {})
        return own.union(keys, *(patterns(one) for one in node.values()))

    assert patterns(StackSettings.model_json_schema()) == set(IN_WORDS)

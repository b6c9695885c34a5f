"""The DNS of the compliant stack: two regions, each with a failover chain, under a name that goes by geography."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policies.examples.base import in_aws
from policies.reading import Value
from policies.rule import Resource

API: Final = "api.shop.example.com"
REGIONS: Final = ("us-east-1", "eu-west-1")


def _alias(name: str) -> dict[str, Value]:
    return {"type": "CNAME", "aliases": [{"name": name, "evaluateTargetHealth": True}]}


def _record(name: str, what: str, properties: dict[str, Value]) -> Resource:
    return in_aws("route53/record:Record", f"{name}-{what}", {"name": name, **properties})


def _leaf(region: str) -> Resource:
    target: dict[str, Value] = {
        "type": "CNAME",
        "ttl": 60,
        "records": [f"edge-{region}.shop.example.com"],
        "healthCheckId": f"check-{region}",
    }
    return _record(f"{region}.{API}", "simple", target)


def _chain(home: str, other: str) -> dict[str, Resource]:
    name = f"failover-{home}.{API}"
    return {
        f"{which.lower()} of {home}": _record(
            name,
            which.lower(),
            {
                **_alias(f"{region}.{API}"),
                "setIdentifier": which.lower(),
                "failoverRoutingPolicies": [{"type": which}],
            },
        )
        for which, region in (("PRIMARY", home), ("SECONDARY", other))
    }


def _place(key: str, home: str) -> Resource:
    policy: dict[str, Value] = {"country": "*"} if key == "*" else {"continent": key}
    return _record(
        API,
        "default" if key == "*" else key.lower(),
        {
            **_alias(f"failover-{home}.{API}"),
            "setIdentifier": "default" if key == "*" else key.lower(),
            "geolocationRoutingPolicies": [policy],
        },
    )


EXAMPLES: Final[Mapping[str, Resource]] = {
    "record of us-east-1": _leaf("us-east-1"),
    "record of eu-west-1": _leaf("eu-west-1"),
    **_chain("us-east-1", "eu-west-1"),
    **_chain("eu-west-1", "us-east-1"),
    "place of Europe": _place("EU", "eu-west-1"),
    "place of the rest": _place("*", "us-east-1"),
}

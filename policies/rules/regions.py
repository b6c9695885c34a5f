"""Several regions: records that know when a region is gone, and chains that end somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.reading import Properties, Value, at, items, later, mappings, number, shown, states, text
from policies.rule import Break, Judged, Resource, ResourceRule, StackRule, Violation
from policies.tunables import Kind, Settings, Tunable

RECORD: Final = "aws:route53/record:Record"
FAILOVER: Final = "failoverRoutingPolicies"
GEOLOCATION: Final = "geolocationRoutingPolicies"
POLICIES: Final = (
    FAILOVER,
    GEOLOCATION,
    "cidrRoutingPolicy",
    "geoproximityRoutingPolicy",
    "latencyRoutingPolicies",
    "multivalueAnswerRoutingPolicy",
    "weightedRoutingPolicies",
)


UNWATCHED: Final = (".cloudfront.net",)
"""Targets whose health Route 53 cannot evaluate (Route 53 Developer Guide, values for alias records)."""
AWS_NAMES: Final = (*UNWATCHED, ".amazonaws.com", ".awsglobalaccelerator.com", ".elasticbeanstalk.com")
"""Names of AWS's own services, to which an alias may lead outside of the stack."""
ADDRESSES: Final = ("A", "AAAA", "HTTPS", "SVCB")


def _healthy(record: Resource, settings: Settings) -> Iterator[str]:
    """Mail, texts and proofs of ownership lead to no region, and an alias to AWS's own names follows AWS."""
    properties = record.properties
    ttl, most = number(properties.get("ttl")), settings.number("ttlSeconds")
    aliases = mappings(properties.get("aliases"))
    routed = _is_routed(properties)
    if routed and not text(properties.get("setIdentifier")):
        yield "has a routing policy and no setIdentifier"
    if not routed and not aliases and not _leads_to_a_region(properties):
        return
    if not aliases and (ttl is None or ttl > most):
        yield f"ttl is {shown(ttl)}; it must be {most:g} s or less, or clients stay with a lost region"
    if not aliases and not states(properties, "healthCheckId"):
        yield "has no health check, so DNS still answers with a lost region"
    for alias in aliases:
        if alias.get("evaluateTargetHealth") is not True and not _is_of_aws(alias, UNWATCHED):
            yield f"its alias to {shown(alias.get('name'))} does not evaluate the target's health"


def _is_routed(properties: Properties) -> bool:
    """True if a record is one of several for its name; a routing policy is a list, an object or a flag."""
    return any(bool(properties.get(key)) for key in POLICIES)


def _name(value: Value) -> str:
    """A DNS name as Route 53 compares them: without the dot at its end, in small letters."""
    return text(value).rstrip(".").lower()


def _leads_to_a_region(properties: Properties) -> bool:
    """True if clients follow the record: an address, or a name that is not a proof of ownership (ACM, DKIM)."""
    kind = text(properties.get("type"))
    return kind in ADDRESSES or (kind == "CNAME" and not _is_proof(text(later(properties, "name"))))


def _is_proof(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("."))


def _is_of_aws(alias: Properties, names: tuple[str, ...]) -> bool:
    return text(alias.get("name")).rstrip(".").endswith(names)


def _chains(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    by_name: dict[str, list[Resource]] = {}
    for one in resources:
        by_name.setdefault(_name(one.properties.get("name")), []).append(one)
    for name, records in by_name.items():
        roles = sorted(text(at(one, "type")) for each in records for one in mappings(each.properties.get(FAILOVER)))
        if roles and roles != ["PRIMARY", "SECONDARY"]:
            yield Violation(f"{name} has {' and '.join(roles)}; a chain has one PRIMARY and one SECONDARY", records[0])
        places = [one for each in records for one in mappings(each.properties.get(GEOLOCATION))]
        if places and not any(one.get("country") == "*" for one in places):
            yield Violation(
                f"{name} has no default record: clients outside its places get no answer; add one with country *",
                records[0],
            )
        yield from _ends(name, records, by_name, settings)
    leaves = [
        name
        for name, records in by_name.items()
        if any(_leads_to_a_region(one.properties) and not items(one.properties.get("aliases")) for one in records)
    ]
    routed = any(_is_routed(one.properties) for one in resources)
    if routed and len(leaves) < settings.number("regions"):
        yield Violation(f"{len(leaves)} regions answer; it must be {settings.number('regions'):g} or more")


def _ends(
    name: str, records: Sequence[Resource], by_name: Mapping[str, Sequence[Resource]], settings: Settings
) -> Iterator[Violation]:
    """Violations by the order of a failover name's regions: to the end, once each, as agreed."""
    if not any(items(one.properties.get(FAILOVER)) for one in records):
        for one in records:
            for alias in mappings(one.properties.get("aliases")):
                if _name(alias.get("name")) not in by_name and not _is_of_aws(alias, AWS_NAMES):
                    yield Violation(f"its alias {shown(alias.get('name'))} names no record of the stack", one)
        return
    try:
        order = list(_leaves(name, by_name, ()))
    except LookupError as error:
        yield Violation(str(error), records[0])
        return
    homes = [leaf.partition(".")[0] for leaf in order]
    agreed = [region for region in settings.texts("priority") if region in homes and region != homes[0]]
    if len(set(homes)) != len(homes):
        yield Violation(f"{name} comes to a region twice: {' then '.join(homes)}", records[0])
    elif agreed and homes[1:] != agreed and not _is_inner(name, by_name):
        yield Violation(
            f"{name} goes {' then '.join(homes)}; agreed is {' then '.join([homes[0], *agreed])}", records[0]
        )


def _leaves(name: str, by_name: Mapping[str, Sequence[Resource]], seen: tuple[str, ...]) -> Iterator[str]:
    if name in seen:
        raise LookupError(f"the chain comes back to {name}: {' to '.join([*seen, name])}")
    if name.rstrip(".").endswith(AWS_NAMES):
        yield name
        return
    if name not in by_name:
        raise LookupError(f"the chain leads to {name}, which no record of the stack is")
    records = sorted(by_name[name], key=_role)
    aliases = [_name(alias.get("name")) for one in records for alias in mappings(one.properties.get("aliases"))]
    if not aliases:
        yield name
    for alias in aliases:
        yield from _leaves(alias, by_name, (*seen, name))


def _role(record: Resource) -> str:
    """PRIMARY stands before SECONDARY, in the alphabet too."""
    return next((text(one.get("type")) for one in mappings(record.properties.get(FAILOVER))), "")


def _is_inner(name: str, by_name: Mapping[str, Sequence[Resource]]) -> bool:
    """True if another chain goes on with this one: only the outer one begins at its home."""
    return any(
        _name(alias.get("name")) == name and items(one.properties.get(FAILOVER))
        for records in by_name.values()
        for one in records
        for alias in mappings(one.properties.get("aliases"))
    )


HEALTHY: Final = ResourceRule(
    id="MRG-01",
    name="records-follow-health",
    severity=Severity.CRITICAL,
    says="Every record has a health check or follows its target's, and is forgotten within a minute.",
    why="A record that does not know sends clients to a region that is gone.",
    fix="Set healthCheckId or evaluateTargetHealth, setIdentifier, and ttl 60.",
    source="AWS, Route 53 health checks",
    types=(RECORD,),
    check=_healthy,
    tunables=(Tunable("ttlSeconds", Kind.NUMBER, 60, "longest time an answer is remembered"),),
    breaks=(
        Break("record of us-east-1", "/ttl", 3600),
        Break("record of us-east-1", "/ttl"),
        Break("record of us-east-1", "/healthCheckId", later=True),
        Break("place of Europe", "/aliases/0/evaluateTargetHealth", False),
        Break("place of Europe", "/setIdentifier"),
    ),
)

CHAINS: Final = StackRule(
    id="MRG-02",
    name="failover-chain",
    severity=Severity.HIGH,
    says="Every chain has one primary and one secondary, goes through the regions in the agreed order, and ends.",
    why="A chain in a circle, or into nothing, is found on the day the first region fails.",
    fix="Let each name have one PRIMARY and one SECONDARY that leads on; give the geography a default place.",
    source="AWS, Route 53 failover routing",
    types=(RECORD,),
    check=_chains,
    tunables=(
        Tunable("regions", Kind.NUMBER, 2, "fewest regions that must answer"),
        Tunable("priority", Kind.TEXTS, [], "regions in the order in which they stand in for each other"),
    ),
    breaks=(
        Break("secondary of us-east-1", ""),
        Break("secondary of us-east-1", "/aliases/0/name", "nowhere.example.com"),
        Break("secondary of us-east-1", "/aliases/0/name", "us-east-1.api.shop.example.com"),
        Break("secondary of us-east-1", "/aliases/0/name", "failover-us-east-1.api.shop.example.com"),
        Break("place of the rest", ""),
    ),
)

AREA: Final = "Regions"
RULES: Final = (HEALTHY, CHAINS)

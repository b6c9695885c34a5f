"""Route 53's routing policies: how each is written, and the rules one record has to keep (requirement G02)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from localcloud.provider.block import Block
from localcloud.provider.resource import Problem
from localcloud.provider.values import Value

RECORD_TYPES = (
    "A",
    "AAAA",
    "CAA",
    "CNAME",
    "DS",
    "HTTPS",
    "MX",
    "NAPTR",
    "NS",
    "PTR",
    "SOA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
)
FAILOVER = ("PRIMARY", "SECONDARY")
SIMPLE = "simple"


@dataclass(frozen=True)
class Policy:
    """One routing policy: our property, AWS's field, and how the value is written."""

    property: str
    field: str
    name: str

    def declared(self, inputs: Block) -> Value:
        """The value for AWS, None when the record does not use the policy."""
        given = inputs.blocks(self.property)
        if not given:
            return None
        match self.name:
            case "failover":
                return given[0].text("type")
            case "latency":
                return given[0].text("region")
            case "weighted":
                return given[0].number("weight")
            case _:
                return given[0].renamed(GEOLOCATION)

    def read(self, record: Block) -> Value:
        """The value for Pulumi, None when the record does not use the policy."""
        if not record.has(self.field):
            return None
        match self.name:
            case "failover":
                return [{"type": record.text(self.field)}]
            case "latency":
                return [{"region": record.text(self.field)}]
            case "weighted":
                return [{"weight": record.number(self.field)}]
            case _:
                return [record.block(self.field).named(GEOLOCATION)]


GEOLOCATION = {"continent": "ContinentCode", "country": "CountryCode", "subdivision": "SubdivisionCode"}
POLICIES = (
    Policy("failoverRoutingPolicies", "Failover", "failover"),
    Policy("latencyRoutingPolicies", "Region", "latency"),
    Policy("weightedRoutingPolicies", "Weight", "weighted"),
    Policy("geolocationRoutingPolicies", "GeoLocation", "geolocation"),
)
MULTIVALUE = "MultiValueAnswer"


def policy_of(record: Block) -> str:
    """The name of the policy a record in the zone has."""
    found = [policy.name for policy in POLICIES if record.has(policy.field)]
    return found[0] if found else "multivalue" if record.flag(MULTIVALUE) else SIMPLE


def record_problems(inputs: Block) -> Iterator[Problem]:
    """Inputs of a single record that Route 53 refuses."""
    used = [policy.name for policy in POLICIES if inputs.has(policy.property)]
    if inputs.flag("multivalueAnswerRoutingPolicy"):
        used.append("multivalue")
    if len(used) > 1:
        yield Problem("setIdentifier", f"a record has one routing policy; this one has {', '.join(used)}")
    if used and not inputs.has("setIdentifier"):
        yield Problem("setIdentifier", f"a record with a routing policy ({used[0]}) needs setIdentifier")
    if not used and inputs.has("setIdentifier"):
        yield Problem("setIdentifier", "setIdentifier is only for records with a routing policy")
    if inputs.has("aliases") == inputs.has("records"):
        yield Problem("records", "a record has either aliases or records (with ttl), and exactly one of them")
    if inputs.has("records") and not inputs.has("ttl"):
        yield Problem("ttl", "a record with records needs ttl (seconds)")
    if inputs.has("aliases") and inputs.has("ttl"):
        yield Problem("ttl", "an alias takes the ttl of its target; leave ttl out")
    if not inputs.is_unknown("type") and inputs.text("type") not in RECORD_TYPES:
        yield Problem("type", f"type is {inputs.text('type')!r}; Route 53 allows {', '.join(RECORD_TYPES)}")
    yield from _policy_problems(inputs)


def _policy_problems(inputs: Block) -> Iterable[Problem]:
    for index, failover in enumerate(inputs.blocks("failoverRoutingPolicies")):
        if not failover.is_unknown("type") and failover.text("type") not in FAILOVER:
            yield Problem(
                f"failoverRoutingPolicies[{index}].type",
                f"type is {failover.text('type')!r}; Route 53 allows PRIMARY and SECONDARY. For three places, alias "
                f"the secondary to a name with a failover pair of its own",
            )
    for index, place in enumerate(inputs.blocks("geolocationRoutingPolicies")):
        if place.has("continent") == place.has("country"):
            yield Problem(
                f"geolocationRoutingPolicies[{index}]",
                'a geolocation has either continent or country ("*" for everywhere else), and exactly one of them',
            )


def clashes(
    wanted: Block, others: list[Block], *, alias_targets: list[Block], zone_id: str, apex: str
) -> Iterator[str]:
    """Conflicts for which Route 53 would refuse a record beside `others`, the records already under its name."""
    kind, policy = wanted.text("Type"), policy_of(wanted)
    if kind == "CNAME" and wanted.text("Name").rstrip(".") == apex:
        yield f"a CNAME is not permitted at the apex of zone {apex}; use an alias"
    if wanted.block("AliasTarget").text("HostedZoneId") == zone_id and kind not in {
        one.text("Type") for one in alias_targets
    }:
        yield f"the alias target {wanted.block('AliasTarget').text('DNSName')} {kind} does not exist in its zone yet"
    for other in others:
        if kind != other.text("Type"):
            if "CNAME" in (kind, other.text("Type")):
                yield f"a CNAME stands alone under its name, and {other.text('Type')} and {kind} would share it"
        elif policy_of(other) != policy:
            yield (
                f"its policy is {policy}, but a {policy_of(other)} record of that name and type exists; AWS allows one "
                f"policy under a name. Give each policy a name of its own and connect them with aliases"
            )
        elif (field := _SINGULAR.get(policy)) and wanted.values.get(field) == other.values.get(field):
            yield f"{other.text('SetIdentifier')} has the same {policy} value; under one name each value stands once"


_SINGULAR = {policy.name: policy.field for policy in POLICIES if policy.name != "weighted"}
"""The policies under which two records of one name may not have the same value."""

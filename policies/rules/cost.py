"""Rules of cost: a budget, tags, sizes from a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pulumi_policy import Severity

from policies.pods import SERVING
from policies.reading import Value, at, items, mapping, mappings, number, shown, text, texts
from policies.rule import Break, Judged, Resource, ResourceRule, StackRule, Violation, each
from policies.rules.data import CACHE, CACHE_NODE, CLUSTER_INSTANCE
from policies.rules.scale import DATABASE
from policies.tunables import Kind, Settings, Tunable

BUDGET: Final = "aws:budgets/budget:Budget"
AWS: Final = "pulumi:providers:aws"
LOGS: Final = "aws:cloudwatch/logGroup:LogGroup"
OF_ALL: Final = ("CostCategory", "LinkedAccount", "TagKeyValue")
"""Filters by which a budget may still hold all of a stack (AWS Budgets, BudgetFilter); others choose a part of it."""
NOTICES: Final = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
SIZED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        DATABASE: ("instanceClass", "databases"),
        CLUSTER_INSTANCE: ("instanceClass", "databases"),
        CACHE: ("nodeType", "caches"),
        CACHE_NODE: ("nodeType", "caches"),
        "aws:ec2/instance:Instance": ("instanceType", "machines"),
        "aws:ec2/launchTemplate:LaunchTemplate": ("instanceType", "machines"),
    }
)
"""Types that have a size: the property, and the list of allowed sizes."""
LABELS: Final = ["name", "component", "part-of", "managed-by"]


def _budget(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    budgets = [
        one
        for one in resources
        if one.properties.get("timeUnit") == "MONTHLY"
        and one.properties.get("budgetType") == "COST"
        and all(text(by.get("name")) in OF_ALL for by in mappings(one.properties.get("costFilters")))
    ]
    if not budgets:
        yield Violation("has no monthly budget; declare one")

    def judged(budget: Resource) -> Iterator[Judged]:
        yield from (Violation(wrong, budget) for wrong in _one_budget(budget, settings.number("monthlyUsd")))

    yield from each(budgets, judged)


def _one_budget(budget: Resource, most: float) -> Iterator[str]:
    planned = [number(one.get("amount")) or 0 for one in mappings(budget.properties.get("plannedLimits"))]
    limit = max(planned) if planned else number(budget.properties.get("limitAmount"))
    if limit is None or limit > most:
        yield f"limitAmount is {shown(limit)}; it must be at most {most:g} USD"
    told = [
        (text(one.get("notificationType")), number(one.get("threshold")))
        for one in mappings(budget.properties.get("notifications"))
        if one.get("comparisonOperator") == "GREATER_THAN"
        and one.get("thresholdType") == "PERCENTAGE"
        and (len(items(one.get("subscriberSnsTopicArns"))) or len(items(one.get("subscriberEmailAddresses"))))
    ]
    for kind, percent in NOTICES:
        if (kind, percent) not in told:
            yield f"has no notification with a subscriber for {kind} at {percent} %"


def _tagged(resource: Resource, settings: Settings) -> Iterator[str]:
    given = mapping(at(_opened(resource.properties.get("defaultTags")), "tags"))
    ignored = _opened(resource.properties.get("ignoreTags"))
    for name in settings.texts("tags"):
        if not text(given.get(name)):
            yield f"defaultTags has no {name}, so the bill cannot be read by it"
        if name in texts(ignored.get("keys")) or name.startswith(tuple(texts(ignored.get("keyPrefixes")))):
            yield f"ignoreTags names {name}, so the provider leaves the tag as it is"


def _opened(value: Value) -> dict[str, Value]:
    """A provider's own properties are JSON in a text, in the engine's way."""
    if not isinstance(value, str):
        return dict(mapping(value))
    try:
        return dict(mapping(json.loads(value)))
    except ValueError:
        return {}


def _labelled(resource: Resource, settings: Settings) -> Iterator[str]:
    labels = mapping(at(resource.properties, "metadata", "labels"))
    for name in settings.texts("labels"):
        if not text(labels.get(f"app.kubernetes.io/{name}")):
            yield f"has no label app.kubernetes.io/{name}"


def _sized(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type == LOGS:
        days = number(properties.get("retentionInDays"))
        if not days or not settings.number("leastLogDays") <= days <= settings.number("mostLogDays"):
            allowed = f"{settings.number('leastLogDays'):g} to {settings.number('mostLogDays'):g}"
            yield f"retentionInDays is {shown(days)}; allowed are {allowed}: logs without retention cost for ever"
        return
    key, name = SIZED[resource.type]
    if properties.get(key) not in settings.texts(name):
        yield f"{key} is {shown(properties.get(key))}; allowed are {', '.join(settings.texts(name)) or 'none'}"
    several = properties.get("multiAz" if resource.type == DATABASE else "multiAzEnabled")
    if several is True and not settings.flag("severalZones"):
        yield "is in several zones, which doubles its price; this stack needs one zone"


BUDGET_PRESENT: Final = StackRule(
    id="CST-01",
    name="budget",
    severity=Severity.HIGH,
    says="Every stack has a monthly budget with notifications at 80 % and 100 %, and at a forecast of 100 %.",
    why="Otherwise the first to notice is the invoice, a month later.",
    fix="Declare a monthly cost budget with the three notices, each with a subscriber.",
    source="AWS Well-Architected, COST02",
    types=(BUDGET,),
    check=_budget,
    tunables=(Tunable("monthlyUsd", Kind.NUMBER, 1000, "highest budget of a month, USD"),),
    breaks=(
        Break("budget", ""),
        Break("budget", "/limitAmount", "100000"),
        Break("budget", "/limitAmount"),
        Break("budget", "/timeUnit", "DAILY"),
        Break("budget", "/notifications/2"),
        Break("budget", "/notifications/0/subscriberSnsTopicArns"),
        Break("budget", "/notifications"),
    ),
)

TAGS: Final = ResourceRule(
    id="CST-02",
    name="cost-tags",
    severity=Severity.MEDIUM,
    says="Everything in AWS carries the tags by which the bill is read.",
    why="Cost without an owner is not lowered by anyone.",
    fix="Set them once, as the provider's defaultTags.",
    source="AWS tagging policies",
    types=(AWS,),
    check=_tagged,
    tunables=(Tunable("tags", Kind.TEXTS, ["product", "environment", "stack", "owner"], "tags that must be there"),),
    breaks=(Break("provider", "/defaultTags", '{"tags": {"product": "shop"}}'), Break("provider", "/defaultTags")),
)

LABELLED: Final = ResourceRule(
    id="CST-02b",
    name="recommended-labels",
    severity=Severity.LOW,
    says="Workloads carry the recommended labels.",
    why="Cost, alerts and dashboards by component are read off them.",
    fix="Set app.kubernetes.io/name, component, part-of and managed-by.",
    source="Kubernetes recommended labels; Kyverno, require-labels",
    types=SERVING,
    check=_labelled,
    tunables=(Tunable("labels", Kind.TEXTS, LABELS, "names after app.kubernetes.io/ that must be there"),),
    breaks=(
        Break("deployment", "/metadata/labels/app.kubernetes.io~1component"),
        Break("deployment", "/metadata/labels"),
    ),
)

SIZES: Final = ResourceRule(
    id="CST-03",
    name="known-sizes",
    severity=Severity.MEDIUM,
    says="Machines come from a list, several zones only where they are needed, and logs end.",
    why="One wrong letter in an instance class is a hundred times the price.",
    fix="Choose from the list; a larger class is a change of the list, reviewed.",
    source="AWS Well-Architected, COST06; Checkov CKV_AWS_66, CKV_AWS_338",
    types=(*SIZED, LOGS),
    check=_sized,
    tunables=(
        Tunable(
            "databases", Kind.TEXTS, ["db.t4g.medium", "db.t4g.large", "db.t4g.xlarge"], "allowed RDS instance classes"
        ),
        Tunable(
            "caches",
            Kind.TEXTS,
            ["cache.t4g.micro", "cache.t4g.small", "cache.t4g.medium"],
            "allowed ElastiCache node types",
        ),
        Tunable(
            "machines", Kind.TEXTS, ["t4g.small", "t4g.medium", "m7g.large", "m7g.xlarge"], "allowed EC2 instance types"
        ),
        Tunable("severalZones", Kind.FLAG, True, "whether stores may be in several zones"),
        Tunable("leastLogDays", Kind.NUMBER, 30, "fewest days that logs are kept"),
        Tunable("mostLogDays", Kind.NUMBER, 365, "most days that logs are kept"),
    ),
    breaks=(
        Break("database", "/instanceClass", "db.r6g.16xlarge"),
        Break("database", "/instanceClass"),
        Break("cache", "/nodeType", "cache.r7g.16xlarge"),
        Break("logs", "/retentionInDays", 0),
        Break("logs", "/retentionInDays"),
    ),
)

AREA: Final = "Cost"
RULES: Final = (BUDGET_PRESENT, TAGS, LABELLED, SIZES)

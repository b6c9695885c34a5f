"""Rules of recovery: databases with a backup that is tried, stores with a standby."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.pods import CRON_JOB, STATEFUL_SET, object_name, serving
from policies.reading import Properties, at, number, shown, text
from policies.rule import Break, Judged, Resource, ResourceRule, StackRule, Violation
from policies.rules.data import CACHE, CACHE_NODE, EVICTING_FAMILIES, is_replica
from policies.rules.scale import DATABASE
from policies.tunables import Kind, Settings, Tunable

ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
ALERTS: Final = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
SERVERS: Final = ("postgres", "postgresql", "mysql", "mariadb", "postgis", "timescaledb")


def _is_database(one: Resource) -> bool:
    """A server by its image's own name, so that an exporter of its figures is none."""
    if one.type == DATABASE:
        return not is_replica(one.properties)
    return one.type == STATEFUL_SET and any(_is_server(text(container.get("image"))) for _, container in serving(one))


def _is_server(image: str) -> bool:
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name in SERVERS


def _jobs(resources: Sequence[Resource]) -> list[str]:
    """The scheduled jobs that run; a suspended one never does."""
    return [
        object_name(one)
        for one in resources
        if one.type == CRON_JOB and at(one.properties, "spec", "suspend") is not True
    ]


def _backed_up(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    databases = [one for one in resources if _is_database(one)]
    if databases and not any(settings.text("job") in name for name in _jobs(resources)):
        yield Violation(f"a database without a scheduled job called {settings.text('job')}", databases[0])


def _tried(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    databases = [one for one in resources if _is_database(one)]
    if databases and not any(settings.text("job") in name for name in _jobs(resources)):
        yield Violation(
            f"no scheduled job restores its backups; declare one called {settings.text('job')}", databases[0]
        )
    watched = any(
        settings.text("alarm") in f"{one.name} {one.properties}".lower()
        for one in resources
        if one.type in (ALARM, ALERTS)
    )
    if databases and not watched:
        yield Violation(f"has no alarm on missing backups: no alarm names {settings.text('alarm')}", databases[0])


def _stand_in(resource: Resource, settings: Settings) -> Iterator[str]:
    if not settings.flag("required"):
        return
    properties = resource.properties
    if resource.type == DATABASE:
        if not is_replica(properties) and properties.get("multiAz") is not True:
            yield f"multiAz is {shown(properties.get('multiAz'))}; allowed is true: a lost zone is otherwise an outage"
        return
    if resource.type == CACHE_NODE:
        if text(properties.get("engine")) in EVICTING_FAMILIES:
            yield "is a node alone: a lost zone is an outage; declare a ReplicationGroup"
        return
    if any(resource.name.endswith(ending) for ending in settings.texts("copyless")):
        return
    for key in ("automaticFailoverEnabled", "multiAzEnabled"):
        if properties.get(key) is not True:
            yield f"{key} is {shown(properties.get(key))}; allowed is true"
    nodes, least = _nodes_of_a_shard(properties), settings.number("nodes")
    if nodes is not None and nodes < least:
        told = f"replicasPerNodeGroup is {shown(properties.get('replicasPerNodeGroup'))}"
        yield f"{told}; it must be {least - 1:g} or more"
    elif nodes is None and (number(properties.get("numCacheClusters")) or 0) < least:
        told = f"numCacheClusters is {shown(properties.get('numCacheClusters'))}"
        yield f"{told}; it must be {least:g} or more"


def _nodes_of_a_shard(properties: Properties) -> float | None:
    """The nodes of each shard, of a cache that has shards: its primary and the copies."""
    if number(properties.get("numNodeGroups")) is None:
        return None
    return 1 + (number(properties.get("replicasPerNodeGroup")) or 0)


BACKED_UP: Final = StackRule(
    id="RES-05",
    name="database-has-backup",
    severity=Severity.CRITICAL,
    says="A stack with a database has a scheduled job that backs it up.",
    why="Snapshots live and die with the account and the region; a dump elsewhere does not.",
    fix="Declare the CronJob that dumps the database to the backup bucket.",
    source="Google SRE, data integrity",
    types=(DATABASE, STATEFUL_SET, CRON_JOB),
    check=_backed_up,
    tunables=(Tunable("job", Kind.TEXT, "backup", "what the name of the backup's CronJob holds"),),
    breaks=(Break("backup", ""),),
)

TRIED: Final = StackRule(
    id="RES-05b",
    name="backup-is-tried",
    severity=Severity.HIGH,
    says="A scheduled job restores backups, and an alarm fires when it stops.",
    why="A backup that was never restored is not known to work.",
    fix="Declare the CronJob that restores the newest backup and checks it, and an alarm on missing successes.",
    source="Google SRE, data integrity; AWS Backup restore testing",
    types=(DATABASE, STATEFUL_SET, CRON_JOB, ALARM, ALERTS),
    check=_tried,
    tunables=(
        Tunable("job", Kind.TEXT, "restore", "what the name of the restore's CronJob holds"),
        Tunable("alarm", Kind.TEXT, "backup", "word that the alarm's name or properties hold"),
    ),
    breaks=(Break("restore test", ""), Break("alarm", "")),
)

STAND_IN: Final = ResourceRule(
    id="RES-05c",
    name="stand-in-zone",
    severity=Severity.HIGH,
    says="Managed stores have a stand-in in another zone that takes over by itself.",
    why="A zone is lost a few times a year; by hand that is an hour at night.",
    fix="Set multiAz, automaticFailoverEnabled and multiAzEnabled.",
    source="Checkov CKV_AWS_157, CKV2_AWS_50",
    types=(DATABASE, CACHE, CACHE_NODE),
    check=_stand_in,
    tunables=(
        Tunable("required", Kind.FLAG, True, "whether the stack must survive the loss of a zone"),
        Tunable("nodes", Kind.NUMBER, 2, "fewest nodes of a cache"),
        Tunable("copyless", Kind.TEXTS, [], "endings of the names of caches whose contents can be computed again"),
    ),
    breaks=(
        Break("database", "/multiAz", False),
        Break("database", "/multiAz"),
        Break("cache", "/automaticFailoverEnabled", False),
        Break("cache", "/multiAzEnabled"),
        Break("cache", "/numCacheClusters", 1),
    ),
)

AREA: Final = "Recovery"
RULES: Final = (BACKED_UP, TRIED, STAND_IN)

"""Databases, caches, keys and secrets: encrypted, private, backed up, kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.pods import STATEFUL_SET
from policies.reading import Properties, at, items, later, mappings, number, shown, states, text
from policies.rule import Break, Resource, ResourceRule
from policies.rules.bucket import BUCKET
from policies.rules.scale import DATABASE, PARAMETERS
from policies.tunables import Kind, Settings, Tunable

CACHE: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
CACHE_NODE: Final = "aws:elasticache/cluster:Cluster"
SERVERLESS_CACHE: Final = "aws:elasticache/serverlessCache:ServerlessCache"
CACHE_PARAMETERS: Final = "aws:elasticache/parameterGroup:ParameterGroup"
KEY: Final = "aws:kms/key:Key"
CLAIM: Final = "kubernetes:core/v1:PersistentVolumeClaim"
CLUSTER: Final = "aws:rds/cluster:Cluster"
GLOBAL_CLUSTER: Final = "aws:rds/globalCluster:GlobalCluster"
CLUSTER_PARAMETERS: Final = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
CLUSTER_INSTANCE: Final = "aws:rds/clusterInstance:ClusterInstance"
TLS_PARAMETERS: Final = (
    (("postgres", "aurora-postgresql", "sqlserver"), "rds.force_ssl", ("1",)),
    (("mysql", "mariadb", "aurora-mysql"), "require_secure_transport", ("1", "on")),
)
"""The parameter that refuses plain text, by the beginning of a parameter group's family."""
EVICTING_FAMILIES: Final = ("redis", "valkey")
EVICTIONS: Final = ("noeviction", "allkeys-lru")
OLD_AUTHORITIES: Final = ("rds-ca-2015", "rds-ca-2019")


def is_replica(database: Properties) -> bool:
    """A read replica: made from its source, it has neither backups nor settings of its own."""
    return states(database, "replicateSourceDb")


def must(properties: Properties, **wanted: bool) -> Iterator[str]:
    """Violations by properties that must be on or off."""
    for key, value in wanted.items():
        if properties.get(key) is not value:
            yield f"{key} is {shown(properties.get(key))}; allowed is {str(value).lower()}"


def _private_database(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type in (PARAMETERS, CLUSTER_PARAMETERS):
        yield from _refuses_plain(properties)
        return
    if resource.type == CLUSTER_INSTANCE:
        yield from must(properties, publiclyAccessible=False)
        return
    yield from must(properties, storageEncrypted=True)
    if resource.type == DATABASE:
        yield from must(properties, publiclyAccessible=False)
    if settings.flag("deletionProtection") and not is_replica(properties):
        yield from must(properties, deletionProtection=True)
        if properties.get("skipFinalSnapshot") is True:
            yield "skipFinalSnapshot is True; allowed is false: what is deleted is then gone"
    if text(properties.get("caCertIdentifier")) in OLD_AUTHORITIES:
        yield f"caCertIdentifier is {shown(properties.get('caCertIdentifier'))}, which has expired"
    if resource.type == DATABASE and not is_replica(properties):
        group = text(later(properties, "parameterGroupName"))
        if not states(properties, "parameterGroupName"):
            yield "names no parameter group, so it takes plain text connections"
        elif group.startswith("default."):
            yield f"parameterGroupName is {group}, in which nothing can be set; declare a group"


def _refuses_plain(group: Properties) -> Iterator[str]:
    """Each engine calls it otherwise (Amazon RDS User Guide, SSL/TLS by engine); others have no such parameter."""
    family = text(group.get("family"))
    for families, name, allowed in TLS_PARAMETERS:
        if family.startswith(families):
            given = [one.get("value") for one in mappings(group.get("parameters")) if one.get("name") == name]
            if not given or text(given[0]).lower() not in allowed:
                told = f"allowed is {allowed[0]!r}, which refuses plain text"
                yield f"{name} is {shown(given[0] if given else None)}; {told}"


def _backed_up_database(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type == CLUSTER_INSTANCE:
        # Its backups are its cluster's, and it takes minor upgrades where nothing is said.
        if properties.get("autoMinorVersionUpgrade") is False:
            yield "autoMinorVersionUpgrade is False; allowed is true"
        return
    yield from must(properties, copyTagsToSnapshot=True)
    if resource.type == DATABASE:
        yield from must(properties, autoMinorVersionUpgrade=True)
    least, days = settings.number("days"), number(properties.get("backupRetentionPeriod"))
    if not is_replica(properties) and (days is None or days < least):
        yield f"backupRetentionPeriod is {shown(days)}; it must be at least {least:g} days"


def _observed_database(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.type != CLUSTER:
        yield from must(resource.properties, performanceInsightsEnabled=True)
    if resource.type != CLUSTER_INSTANCE and not items(resource.properties.get("enabledCloudwatchLogsExports")):
        yield "enabledCloudwatchLogsExports is empty; export the engine's log, such as postgresql"


def _protected_cache(resource: Resource, settings: Settings) -> Iterator[str]:
    properties = resource.properties
    if resource.type == CACHE_PARAMETERS:
        if not text(properties.get("family")).startswith(EVICTING_FAMILIES):
            return
        policies = [
            one.get("value") for one in mappings(properties.get("parameters")) if one.get("name") == "maxmemory-policy"
        ]
        if not policies or policies[0] not in EVICTIONS:
            told = shown(policies[0] if policies else None)
            yield f"maxmemory-policy is {told}; allowed are {' and '.join(EVICTIONS)}"
        return
    if resource.type == CACHE_NODE:
        if text(properties.get("engine")) in EVICTING_FAMILIES:
            yield "is a node alone, which ElastiCache cannot encrypt at rest; declare a ReplicationGroup"
        return
    if resource.type == SERVERLESS_CACHE:
        # Encrypted always, by AWS (ElastiCache User Guide, encryption).
        if not states(properties, "userGroupId"):
            yield "has no userGroupId: any client that reaches the port reads and writes"
    else:
        yield from _encrypted_cache(properties)
    if not number(properties.get("snapshotRetentionLimit")):
        yield "snapshotRetentionLimit is absent or 0; without snapshots a lost node is lost work"


def _encrypted_cache(properties: Properties) -> Iterator[str]:
    yield from must(properties, atRestEncryptionEnabled=True, transitEncryptionEnabled=True)
    if properties.get("transitEncryptionMode") == "preferred":
        yield "transitEncryptionMode is preferred, which takes plain text too; allowed is required"
    if not states(properties, "authToken") and not items(later(properties, "userGroupIds")):
        yield "has no authToken or userGroupIds: any client that reaches the port reads and writes"


def _keeps_nothing(resource: Resource) -> bool:
    """A copy of a database, a cache in memory alone, a StatefulSet without volumes."""
    properties = resource.properties
    if resource.type == DATABASE:
        return is_replica(properties)
    if resource.type == CACHE_NODE:
        return text(properties.get("engine")) not in EVICTING_FAMILIES
    return resource.type == STATEFUL_SET and not items(at(properties, "spec", "volumeClaimTemplates"))


def _kept(resource: Resource, settings: Settings) -> Iterator[str]:
    if settings.flag("required") and not resource.protect and not _keeps_nothing(resource):
        yield "is not protected: a renamed or removed line would delete it with its data"


PRIVATE_DATABASE: Final = ResourceRule(
    id="DAT-04",
    name="private-database",
    severity=Severity.CRITICAL,
    says="Databases are encrypted, private, take TLS only, and cannot be deleted by mistake.",
    why="A public database is found by scanners within minutes; one in clear is read off a snapshot.",
    fix="Set the named property; rds.force_ssl goes into the parameter group.",
    source="Checkov CKV_AWS_16, 17, 211, 293, CKV2_AWS_69; CIS AWS 2.3",
    types=(DATABASE, CLUSTER, CLUSTER_INSTANCE, PARAMETERS, CLUSTER_PARAMETERS),
    check=_private_database,
    tunables=(Tunable("deletionProtection", Kind.FLAG, True, "whether AWS must refuse to delete it"),),
    breaks=(
        Break("database", "/storageEncrypted", False),
        Break("database", "/storageEncrypted"),
        Break("database", "/publiclyAccessible", True),
        Break("database", "/publiclyAccessible"),
        Break("database", "/deletionProtection"),
        Break("database", "/caCertIdentifier", "rds-ca-2019"),
        Break("database", "/parameterGroupName", later=True),
        Break("database parameters", "/parameters/1/value", "0"),
        Break("database parameters", "/parameters/1"),
    ),
)

BACKED_UP_DATABASE: Final = ResourceRule(
    id="DAT-05",
    name="database-backups",
    severity=Severity.HIGH,
    says="Managed databases keep backups for a week or more and take minor upgrades.",
    why="Point-in-time recovery undoes what a dump of last night cannot; minor upgrades are security fixes.",
    fix="Set backupRetentionPeriod, copyTagsToSnapshot and autoMinorVersionUpgrade.",
    source="Checkov CKV_AWS_133, CKV2_AWS_60, CKV_AWS_226",
    types=(DATABASE, CLUSTER, CLUSTER_INSTANCE),
    check=_backed_up_database,
    tunables=(Tunable("days", Kind.NUMBER, 7, "fewest days of automatic backups"),),
    breaks=(
        Break("database", "/backupRetentionPeriod", 1),
        Break("database", "/backupRetentionPeriod"),
        Break("database", "/copyTagsToSnapshot"),
        Break("database", "/autoMinorVersionUpgrade", False),
    ),
)

OBSERVED_DATABASE: Final = ResourceRule(
    id="DAT-05b",
    name="database-insight",
    severity=Severity.MEDIUM,
    says="Managed databases have Performance Insights, and export their log.",
    why="Without it the first slow day is spent switching it on.",
    fix="Set performanceInsightsEnabled and enabledCloudwatchLogsExports.",
    source="Checkov CKV_AWS_353, CKV_AWS_129, CKV2_AWS_30",
    types=(DATABASE, CLUSTER, CLUSTER_INSTANCE),
    check=_observed_database,
    breaks=(
        Break("database", "/performanceInsightsEnabled", False),
        Break("database", "/enabledCloudwatchLogsExports"),
    ),
)

PROTECTED_CACHE: Final = ResourceRule(
    id="DAT-06",
    name="protected-cache",
    severity=Severity.HIGH,
    says="Redis is encrypted at rest and on the way, asks for a token, and says what it does when it is full.",
    why="A queue that evicts loses jobs silently; one without a token is a database open to the network.",
    fix="Set the named property; maxmemory-policy goes into the parameter group.",
    source="Checkov CKV_AWS_29-31, CKV_AWS_134",
    types=(CACHE, CACHE_NODE, CACHE_PARAMETERS, SERVERLESS_CACHE),
    check=_protected_cache,
    breaks=(
        Break("cache", "/atRestEncryptionEnabled", False),
        Break("cache", "/transitEncryptionEnabled"),
        Break("cache", "/authToken", later=True),
        Break("cache", "/snapshotRetentionLimit", 0),
        Break("cache parameters", "/parameters/0/value", "volatile-lru"),
        Break("cache parameters", "/parameters"),
    ),
)

KEPT: Final = ResourceRule(
    id="DAT-09",
    name="protected-state",
    severity=Severity.CRITICAL,
    says="What holds data is protected against deletion and replacement.",
    why="The engine deletes what a program no longer declares: a typing error is enough.",
    fix="Give the resource protect=True; taking it off is a change of its own, reviewed.",
    source="Pulumi, resource option protect",
    types=(
        DATABASE,
        CLUSTER,
        GLOBAL_CLUSTER,
        CACHE,
        CACHE_NODE,
        SERVERLESS_CACHE,
        BUCKET,
        KEY,
        STATEFUL_SET,
        CLAIM,
    ),
    check=_kept,
    tunables=(Tunable("required", Kind.FLAG, True, "whether the stack holds data that matters"),),
    breaks=(
        Break("database", "", protect=False),
        Break("bucket", "", protect=False),
        Break("store", "", protect=False),
    ),
)

AREA: Final = "Data"
RULES: Final = (PRIVATE_DATABASE, BACKED_UP_DATABASE, OBSERVED_DATABASE, PROTECTED_CACHE, KEPT)

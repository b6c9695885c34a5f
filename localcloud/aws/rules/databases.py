"""Rules of RDS and ElastiCache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from localcloud.aws.parameter_names import POSTGRES, REDIS
from localcloud.aws.rule import Rule, number, one_of, pattern
from localcloud.provider.block import Block

INSTANCE: Final = "aws:rds/instance:Instance"
PARAMETERS: Final = "aws:rds/parameterGroup:ParameterGroup"
GROUP: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
CACHE_PARAMETERS: Final = "aws:elasticache/parameterGroup:ParameterGroup"

GP3_LEAST_GB: Final = 20
GP3_IOPS_FROM_GB: Final = 400
GROWTH_PERCENT: Final = 10
STATIC: Final = frozenset(
    {
        "max_connections", "max_locks_per_transaction", "max_prepared_transactions", "max_replication_slots",
        "max_wal_senders", "max_worker_processes", "rds.logical_replication", "shared_buffers",
        "shared_preload_libraries", "track_activity_query_size", "wal_buffers",
    }
)  # fmt: skip
"""Parameters of PostgreSQL that take effect at a restart only (pg_settings, context postmaster)."""
EVICTIONS: Final = frozenset(
    {
        "allkeys-lfu", "allkeys-lru", "allkeys-random", "noeviction", "volatile-lfu", "volatile-lru",
        "volatile-random", "volatile-ttl",
    }
)  # fmt: skip
SIZES: Final = r"(micro|small|medium|large|xlarge|[1-9][0-9]?xlarge)"


def _too_little_room_to_grow(inputs: Block) -> bool:
    most, size = inputs.number("maxAllocatedStorage"), inputs.number("allocatedStorage")
    return most > 0 and size > 0 and most * 100 < size * (100 + GROWTH_PERCENT)


def _static_at_once(inputs: Block) -> bool:
    return any(
        one.text("name") in STATIC and one.text("applyMethod", "immediate") == "immediate"
        for one in inputs.blocks("parameters")
    )


def _unknown_eviction(inputs: Block) -> bool:
    return any(
        one.text("name") == "maxmemory-policy" and one.text("value") not in EVICTIONS
        for one in inputs.blocks("parameters")
    )


def _unknown_name(names: frozenset[str]) -> Callable[[Block], bool]:
    return lambda inputs: any(one.text("name") not in names for one in inputs.blocks("parameters"))


def _insight_days(days: int) -> bool:
    return days in (7, 731) or (days % 31 == 0 and 1 <= days // 31 <= 23)


def _family_of_another_version(inputs: Block) -> bool:
    name, version = inputs.text("parameterGroupName"), inputs.text("engineVersion").split(".")[0]
    return name.startswith("default.postgres") and name.removeprefix("default.postgres") != version


RULES: Final = (
    pattern(
        "rds-class", INSTANCE, "instanceClass",
        rf"db\.(t3|t4g|m5d?|m6(g|gd|i|id)|m7(g|i)|m8g|r5b?|r5d|r6(g|gd|i|id)|r7(g|i)|r8g|x2g)\.{SIZES}",
        "a class of the families t3 to r8g, such as db.t4g.large", "RDS User Guide, DB instance classes",
    ),
    Rule(
        "rds-version", INSTANCE, "engineVersion", "versions 13 to 18 of postgres, such as 17 or 17.4",
        "RDS User Guide, Amazon RDS for PostgreSQL versions",
        lambda inputs: inputs.text("engine") == "postgres"
        and inputs.text("engineVersion").split(".")[0] not in {str(one) for one in range(13, 19)},
    ),
    pattern(
        "rds-identifier", INSTANCE, "identifier", r"[a-zA-Z](?!.*--)([a-zA-Z0-9-]*[a-zA-Z0-9])?",
        "letters, digits and single hyphens, a letter first and no hyphen last",
        "RDS API, CreateDBInstance.DBInstanceIdentifier",
    ),
    Rule(
        "rds-storage", INSTANCE, "allocatedStorage", f"{GP3_LEAST_GB} GB or more of gp3",
        "RDS API, CreateDBInstance.AllocatedStorage",
        lambda inputs: inputs.text("storageType", "gp3") == "gp3"
        and inputs.number("allocatedStorage", GP3_LEAST_GB) < GP3_LEAST_GB,
    ),
    Rule(
        "rds-iops", INSTANCE, "iops", f"no iops below {GP3_IOPS_FROM_GB} GB of gp3, 12000 to 64000 from there on",
        "RDS User Guide, gp3 storage",
        lambda inputs: inputs.text("storageType", "gp3") == "gp3"
        and (
            inputs.number("allocatedStorage") < GP3_IOPS_FROM_GB or not 12_000 <= inputs.number("iops") <= 64_000
        ),
    ),
    Rule(
        "rds-growth", INSTANCE, "maxAllocatedStorage", f"{GROWTH_PERCENT} % or more above allocatedStorage, or none",
        "RDS User Guide, storage autoscaling: limit at least 10 % above", _too_little_room_to_grow,
    ),
    one_of(
        "rds-monitoring-interval", INSTANCE, "monitoringInterval", ("0", "1", "5", "10", "15", "30", "60"),
        "RDS API, CreateDBInstance.MonitoringInterval",
    ),
    Rule(
        "rds-monitoring-role", INSTANCE, "monitoringInterval", "an interval above 0 with monitoringRoleArn only",
        "RDS API, CreateDBInstance.MonitoringRoleArn",
        lambda inputs: inputs.number("monitoringInterval") > 0 and not inputs.has("monitoringRoleArn"),
    ),
    number(
        "rds-insights-retention", INSTANCE, "performanceInsightsRetentionPeriod", _insight_days,
        "7 days, 731, or 31 times 1 to 23", "RDS API, CreateDBInstance.PerformanceInsightsRetentionPeriod",
    ),
    one_of(
        "rds-logs", INSTANCE, "enabledCloudwatchLogsExports", ("postgresql", "upgrade", "iam-db-auth-error"),
        "RDS API, CreateDBInstance.EnableCloudwatchLogsExports",
    ),
    pattern(
        "rds-username", INSTANCE, "username",
        r"(?!(admin|administrator|rdsadmin|rds_superuser|public|root|user)$)[A-Za-z][A-Za-z0-9_]{0,62}",
        "a letter, then letters, digits and underscores, and no reserved word such as admin",
        "RDS API, CreateDBInstance.MasterUsername",
    ),
    pattern(
        "rds-password", INSTANCE, "password", r"(?:(?![/@\" ])[ -~])*",
        "printable characters other than / @ \" and space", "RDS API, CreateDBInstance.MasterUserPassword",
    ),
    Rule(
        "rds-default-group", INSTANCE, "parameterGroupName", "a group of the engine's own version",
        "RDS API, InvalidParameterCombination", _family_of_another_version,
    ),
    pattern(
        "rds-family", PARAMETERS, "family", r"postgres1[3-8]", "postgres13 to postgres18",
        "RDS API, CreateDBParameterGroup.DBParameterGroupFamily",
    ),
    Rule(
        "rds-static-parameter", PARAMETERS, "parameters", "static parameters with applyMethod pending-reboot only",
        "hashicorp/terraform#8018: cannot use immediate apply method for static parameter", _static_at_once,
    ),
    Rule(
        "rds-parameter-name", PARAMETERS, "parameters", "parameters that RDS for PostgreSQL has, such as work_mem",
        "RDS API, ModifyDBParameterGroup: could not find parameter with name", _unknown_name(POSTGRES),
    ),
    Rule(
        "cache-parameter-name", CACHE_PARAMETERS, "parameters",
        "parameters that Redis has on ElastiCache, such as maxmemory-policy",
        "ElastiCache API, ModifyCacheParameterGroup: parameter does not exist", _unknown_name(REDIS),
    ),
    pattern(
        "cache-node", GROUP, "nodeType",
        rf"cache\.(t3|t4g|m5|m6g|m7g|r5|r6g|r6gd|r7g|c7gn)\.{SIZES}",
        "a node type of the families t3 to c7gn, such as cache.t4g.small", "ElastiCache API, CacheNodeType",
    ),
    pattern(
        "cache-version", GROUP, "engineVersion", r"5\.0\.6|6\.x|6\.[02]|7\.[0-2]|8\.[0-2]",
        "5.0.6, 6.x, 6.0, 6.2, 7.0 to 7.2, 8.0 to 8.2", "ElastiCache User Guide, engine versions",
    ),
    pattern(
        "cache-identifier", GROUP, "replicationGroupId", r"[a-zA-Z](?!.*--)([a-zA-Z0-9-]*[a-zA-Z0-9])?",
        "letters, digits and single hyphens, a letter first and no hyphen last",
        "ElastiCache API, CreateReplicationGroup.ReplicationGroupId",
    ),
    pattern(
        "cache-token", GROUP, "authToken", r"[A-Za-z0-9!&#$^<>-]*", "letters, digits and ! & # $ ^ < > -",
        "ElastiCache User Guide, Authenticating with the AUTH command",
    ),
    pattern(
        "cache-family", CACHE_PARAMETERS, "family", r"redis(5\.0|6\.x|7)|valkey[78]",
        "redis5.0, redis6.x, redis7, valkey7, valkey8", "ElastiCache API, CacheParameterGroupFamily",
    ),
    Rule(
        "cache-eviction", CACHE_PARAMETERS, "parameters", f"maxmemory-policy out of {', '.join(sorted(EVICTIONS))}",
        "ElastiCache User Guide, Redis OSS specific parameters", _unknown_eviction,
    ),
)  # fmt: skip

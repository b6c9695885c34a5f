"""Configuration of the policy pack for a stack: the same limits and headers that the program deploys. The pack imports
nothing of ours; this file is how a limit reaches it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from infra.catalog.headers import SECURITY_HEADERS
from infra.catalog.regions import BY_CODE
from infra.catalog.units import GIBIBYTE
from infra.settings.exemptions import Exemption
from infra.settings.stack import Environment, StackSettings
from infra.tags import tags
from stacks.products.registry import PRODUCTS
from stacks.profile import resolve
from stacks.sizing.idle_instances import idled
from stacks.specs.paths import PLAIN_PATHS, UNLIMITED_PATHS
from stacks.specs.store import POOLER, Role

LEVELS: Final = MappingProxyType(
    {
        Environment.LOCAL: "mandatory",
        Environment.DEV: "advisory",
        Environment.STAGING: "mandatory",
        Environment.PROD: "mandatory",
    }
)
"""Requirement Y06: a violation in dev is shown, elsewhere it stops the update."""

POOLERS: Final = 3
"""Most PgBouncer instances a region; they are counted apart, because a stack file does not size them."""

LOWEST_USER: Final = 999
"""The number of the official Postgres and Redis images; the application has 1001 (document E)."""

DEBUGGERS: Final = MappingProxyType({Environment.DEV: ("team-engineers",), Environment.PROD: ("team-break-glass",)})
"""Roles of people who may run commands in a pod, by environment (requirement S08, stacks.identity.rbac)."""

Values = dict[str, object]


def policy_config(settings: StackSettings, exemptions: tuple[Exemption, ...] = ()) -> dict[str, Values]:
    """The content of ``--policy-pack-config`` for a stack: the default enforcement level, then the parameters of each
    rule.
    """
    config: dict[str, Values] = {"all": {"enforcementLevel": LEVELS[settings.environment]}}
    for rule, values in (*_limits(settings).items(), *_by_environment(settings).items()):
        config[rule] = values
    for one in exemptions:
        listed = config.setdefault(one.rule, {}).setdefault("exemptions", [])
        assert isinstance(listed, list)
        listed.append(one.configured())
    return config


def _limits(settings: StackSettings) -> dict[str, Values]:
    """Limits of the product, the same in every environment."""
    blueprint = PRODUCTS[settings.product]
    limits = blueprint.limits
    return {
        "security-headers": {"headers": dict(SECURITY_HEADERS)},
        "scale-limits": {
            "instances": {**limits.instances, POOLER: POOLERS},
            "memory": f"{limits.memory_bytes // GIBIBYTE}Gi",
            "storageGb": limits.storage_gb,
            "databaseConnections": limits.database_connections,
        },
        "connections-in-the-worst-case": {"databaseConnections": blueprint.pooler_clients},
        "budget": {"monthlyUsd": limits.monthly_usd * len(settings.regions)},
        "pod-user": {"least": LOWEST_USER},
        "cost-tags": {"tags": list(tags(settings, ""))},
        "tls-only": {"plainPaths": list(PLAIN_PATHS)},
        "plain-listeners": {"plainPaths": list(PLAIN_PATHS)},
        "rate-limits": {"unlimitedPaths": list(UNLIMITED_PATHS)},
    }


def _by_environment(settings: StackSettings) -> dict[str, Values]:
    """Rules for production alone: data kept, doubled, in several regions (requirement Y05). What people rely on is also
    locked and audited (Y07).
    """
    prod = settings.environment is Environment.PROD
    blueprint = PRODUCTS[settings.product]
    profile = resolve(settings, blueprint.profiles[settings.environment])
    workloads = idled(settings, blueprint.sized(profile))
    sharded = blueprint.profiles[settings.environment].redis.cache_shards is not None
    relied_on = settings.environment in (Environment.STAGING, Environment.PROD)
    return {
        "private-database": {"deletionProtection": prod},
        "protected-state": {"required": prod},
        "stand-in-zone": {"required": prod, "copyless": [f"-{Role.CACHE}"] if sharded else []},
        "locked-backups": {"required": relied_on},
        "audit-trail": {"required": relied_on},
        "known-sizes": {"severalZones": prod},
        "least-privilege-in-cluster": {"people": list(DEBUGGERS.get(settings.environment, ()))},
        "several-instances": {
            "least": 2 if prod else 1,
            "single": [one.name for one in blueprint.workloads if one.single],
            "idle": [one.name for one in workloads if one.idle is not None],
        },
        "pinned-images": {"digest": settings.environment is not Environment.LOCAL},
        "failover-chain": {
            "regions": blueprint.production_regions if prod else 1,
            "priority": list(BY_CODE),
        },
    }

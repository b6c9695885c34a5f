"""The settings that a workload gets as its config map: none of them secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import pulumi

from infra.catalog.regions import Region, in_priority_order
from infra.settings.clusters import ClusterSettings
from infra.settings.edge import RateSettings
from infra.settings.environment import Environment
from infra.settings.payments import PaymentSettings
from infra.settings.stack import StackSettings
from infra.settings.stores import Backend
from infra.settings.writers import Writer
from stacks.identity.iam_grants import Backups, Files
from stacks.networking.dns_routing import edge_name, public_names
from stacks.plan import StackPlan
from stacks.specs.bucket import BucketAccess
from stacks.specs.job import JobSpec
from stacks.specs.store import Role
from stacks.specs.workload import STOP, Workload

LOOPBACK: Final = "127.0.0.0/8"
"""Networks whose forwarded client addresses are trusted when the stack file names no pod ranges."""


def application_environment(
    plan: StackPlan, region: Region, workload: Workload, *, embedded: bool, edges: Mapping[str, str]
) -> dict[str, str]:
    """On the embedded cloud texts are made up whatever the stack says: there is neither a network nor a key. ``edges``
    are its regions' addresses; elsewhere regions are reached by their names.
    """
    settings = plan.settings
    variables = {
        **workload.variables,
        **_process(settings, region, workload),
        **{f"{peer.upper()}_URL": f"http://{peer}" for peer in workload.peers},
        **_pool(workload),
        **(_writers(settings, embedded=embedded) if workload.uses_llm_keys else {}),
        **(_admission(settings, region, edges) if workload.holds_application_keys else {}),
        **(_prices(settings.payments) if workload.takes_payments else {}),
        **(_rendering(plan, embedded=embedded) if workload.renders else {}),
        **({"REQUESTS_NOTED": "true"} if plan.idles and workload.notes_requests else {}),
        **({"REDIS_CLUSTER": "true"} if _sharded_cache(plan, workload) else {}),
    }
    own_names = plan.blueprint.variables
    return {own_names.get(name, name): value for name, value in variables.items()}


def bucket_environment(
    plan: StackPlan, accesses: Mapping[str, BucketAccess], files: Mapping[str, Files]
) -> dict[str, pulumi.Input[str]]:
    """Names and regions of the buckets that a workload or a job may use."""
    found: dict[str, pulumi.Input[str]] = {}
    for spec in plan.blueprint.buckets:
        if spec.name in accesses:
            found |= {spec.variable: files[spec.name].bucket, f"{spec.variable}_REGION": files[spec.name].region}
    return found


def _process(settings: StackSettings, region: Region, workload: Workload) -> dict[str, str]:
    """Variables of every process that answers requests."""
    names = (*public_names(settings.domain, region), workload.name, "localhost", "127.0.0.1")
    return {
        "ENVIRONMENT": settings.environment.value,
        "REGION": region.code,
        "PRODUCT": settings.product,
        "SERVICE": workload.name,
        "UVICORN_WORKERS": str(workload.size.processes),
        "GRACE_SECONDS": str(STOP.finish),
        "DRAIN_SECONDS": str(STOP.drain),
        "LOG_LEVEL": settings.telemetry.log_level.value,
        "LOG_FORMAT_JSON": "true",
        "TRUSTED_PROXIES": ",".join(settings.clusters.get(region.code, ClusterSettings()).pod_ranges) or LOOPBACK,
        "ALLOWED_HOSTS": "*" if settings.environment is Environment.LOCAL else ",".join(names),
        "SECURITY_HEADERS": json.dumps(settings.security_headers, sort_keys=True),
    }


def _admission(settings: StackSettings, region: Region, edges: Mapping[str, str]) -> dict[str, str]:
    """Variables of access control: callers, trusted networks, other regions that answer for a job (requirements A11,
    E03).
    """
    others = [other for other in in_priority_order(settings.regions) if other is not region]
    urls = {other.code: edges.get(other.code, f"https://{edge_name(other, settings.domain)}") for other in others}
    return {
        "API_KEY_REQUIRED": str(settings.environment.asks_for_keys).lower(),
        "ALLOWED_ADMIN_IPS": ",".join(settings.admin.networks),
        "CORS_ORIGINS": "" if settings.environment is Environment.LOCAL else f"https://{settings.domain}",
        "REGION_URLS": json.dumps(urls, sort_keys=True),
        **_rates(settings.rates),
    }


def _prices(payments: PaymentSettings) -> dict[str, str]:
    """Stripe's prices of the tiers that the stack sells (requirement E13)."""
    prices = {"STARTER": payments.starter, "PRO": payments.pro, "BUSINESS": payments.business}
    return {f"STRIPE_PRICE_ID_{tier}": price for tier, price in prices.items() if price is not None}


def _rendering(plan: StackPlan, *, embedded: bool) -> dict[str, str]:
    """The renderer, which cannot be reached from an embedded cloud, and the features that are on (requirement K13)."""
    renderer, features = plan.settings.renderer, plan.settings.features
    given = {} if embedded else {"COMFYUI_URL": renderer.comfyui_url, "COMFYUI_WORKFLOW": renderer.workflow}
    switched = {variable: str(features.get(name, True)).lower() for name, variable in plan.blueprint.features.items()}
    return {**{name: value for name, value in given.items() if value is not None}, **switched}


def _sharded_cache(plan: StackPlan, workload: Workload) -> bool:
    """Clients of a cache in cluster mode ask it which shard has a key (requirement R02)."""
    redis = plan.profile.redis
    return workload.pool is not None and redis.backend is Backend.MANAGED and redis.shards_of(Role.CACHE) is not None


def _rates(rates: RateSettings) -> dict[str, str]:
    """The limits that the stack states (requirement E05)."""
    stated = {
        "RATE_LIMIT_PER_MINUTE": rates.requests_per_minute,
        "RATE_LIMIT_PER_HOUR": rates.requests_per_hour,
        "RATE_LIMIT_GENERATE_PER_MINUTE": rates.generations_per_minute,
    }
    return {name: str(limit) for name, limit in stated.items() if limit is not None}


def job_environment(plan: StackPlan, region: Region, job: JobSpec, backups: Backups) -> dict[str, pulumi.Input[str]]:
    """Variables of a job; the backup target only for jobs that write there."""
    environment: dict[str, pulumi.Input[str]] = {
        "ENVIRONMENT": plan.settings.environment.value,
        "REGION": region.code,
        "PRODUCT": plan.product,
        "SERVICE": job.name,
    }
    if job.backups is not None:
        environment |= {
            "DATABASE_STORAGE_GB": str(plan.profile.postgres.storage_gb),
            "BACKUP_BUCKET": backups.bucket,
            "BACKUP_BUCKET_REGION": backups.region,
            "BACKUP_METRICS": backups.metrics,
        }
    return environment


def _pool(workload: Workload) -> dict[str, str]:
    if workload.pool is None:
        return {}
    return {
        "DATABASE_POOL_SIZE": str(workload.pool.size),
        "DATABASE_MAX_OVERFLOW": str(workload.pool.overflow),
    }


def _writers(settings: StackSettings, *, embedded: bool) -> dict[str, str]:
    if embedded:
        return {"LLM_PROVIDERS": Writer.EMBEDDED.value, "ALLOW_EMBEDDED_WRITER": "true"}
    return {
        "LLM_PROVIDERS": ",".join(name.value for name in settings.writers.providers),
        "LLM_BATCH_ENABLED": str(settings.writers.batches).lower(),
    }

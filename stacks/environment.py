"""The settings that a workload gets as its config map: none of them secret."""

from __future__ import annotations

import json
from typing import Final

import pulumi

from infra.regions import Region
from infra.sections import Environment, Writer
from infra.settings import StackSettings
from stacks.access import Backups
from stacks.jobs import JobSpec
from stacks.products.content_generation import API_KEYS_REQUIRED
from stacks.routing import api_name
from stacks.workload import GRACE_SECONDS, WorkloadSpec

EDGE_NETWORKS: Final = "10.0.0.0/8,127.0.0.0/8"
"""Where the gateway's addresses come from: only from there is a forwarded client address believed."""


def application_environment(
    settings: StackSettings, region: Region, workload: WorkloadSpec, *, embedded: bool
) -> dict[str, str]:
    """On the embedded cloud texts are made up whatever the stack says: there is neither a network nor a key."""
    local = settings.environment is Environment.LOCAL
    return {
        "ENVIRONMENT": settings.environment.value,
        "REGION": region.code,
        "SERVICE": workload.name,
        "IM_URL": "http://im",
        **_pool(workload),
        **(_writers(settings, embedded=embedded) if workload.writes else {}),
        "UVICORN_WORKERS": str(workload.size.processes),
        "GRACE_SECONDS": str(GRACE_SECONDS),
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT_JSON": "true",
        "API_KEY_REQUIRED": str(API_KEYS_REQUIRED).lower(),
        "TRUSTED_PROXIES": EDGE_NETWORKS,
        "ALLOWED_HOSTS": "*" if local else f"{api_name(settings.domain)},{workload.name},localhost,127.0.0.1",
        "CORS_ORIGINS": "" if local else f"https://{settings.domain}",
        "SECURITY_HEADERS": json.dumps(settings.security_headers, sort_keys=True),
    }


def job_environment(
    settings: StackSettings, region: Region, job: JobSpec, backups: Backups
) -> dict[str, pulumi.Input[str]]:
    """What a job needs to know; where backups go only for who writes them."""
    environment: dict[str, pulumi.Input[str]] = {
        "ENVIRONMENT": settings.environment.value,
        "REGION": region.code,
        "SERVICE": job.name,
    }
    if job.reaches_aws:
        environment |= {"BACKUP_BUCKET": backups.bucket, "BACKUP_BUCKET_REGION": backups.region}
    return environment


def _pool(workload: WorkloadSpec) -> dict[str, str]:
    if workload.pool is None:
        return {}
    return {
        "DATABASE_POOL_SIZE": str(workload.pool.size),
        "DATABASE_MAX_OVERFLOW": str(workload.pool.overflow),
    }


def _writers(settings: StackSettings, *, embedded: bool) -> dict[str, str]:
    if embedded:
        return {"LLM_PROVIDERS": Writer.EMBEDDED.value, "ALLOW_EMBEDDED_WRITER": "true"}
    return {"LLM_PROVIDERS": ",".join(name.value for name in settings.writers.providers)}

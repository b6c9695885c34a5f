"""Cross-field validation of a stack file, before any resource is registered (S06, Y03). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from infra.settings.clusters import ClusterSettings
from infra.settings.edge import EdgeKind
from infra.settings.environment import Environment
from infra.settings.errors import SettingsError, Wrong
from infra.settings.stack import NAMESPACE, StackSettings
from infra.settings.stores import Backend
from infra.settings.writers import Writer
from stacks.identity.rbac import GIVEN, Team, groups_of
from stacks.placeholders import placeholders
from stacks.plan import StackPlan
from stacks.sizing.node_fit import limit_problems, misfits
from stacks.specs.profile import Profile

LEAST_MANAGED_GB: Final = 20
"""Least gp3 storage, GB (Amazon RDS User Guide, Amazon RDS DB instance storage)."""
DIGEST: Final = re.compile(r"^[^@\s]+@sha256:[0-9a-f]{64}$")


def require_valid(plan: StackPlan, *, embedded: bool) -> None:
    """Raises SettingsError with everything that cannot work. An embedded cloud brings its own clusters."""
    wrong = findings(plan, embedded=embedded)
    if wrong:
        raise SettingsError(f"Pulumi.{plan.stack}.yaml", wrong)


def findings(plan: StackPlan, *, embedded: bool) -> tuple[Wrong, ...]:
    """Everything that does not fit together, each with the fix."""
    settings, profile = plan.settings, plan.profile
    found = [
        *_images(settings, profile),
        *_stores(settings, profile),
        *_backups(profile),
        *_connections(plan),
        *_certificate(settings),
        *_nodes(plan),
        *_limits(plan),
        *_fixed(plan),
        *_access(settings),
        *_headers(settings),
        *_features(plan),
        *_gpus(plan),
    ]
    real = [*_account(settings), *_clusters(plan), *_writers(plan), *placeholders(settings)]
    return tuple(found if embedded else [*found, *real])


CLUSTER: Final = {
    "context": "the context of the region's cluster in the kubeconfig",
    "oidc_provider": (
        "the ARN of the cluster's identity provider in IAM (aws iam list-open-id-connect-providers); without it "
        "neither backups nor certificates have an AWS role"
    ),
    "pod_ranges": "the address ranges of the pods; forwarded client addresses are trusted only from there",
}
"""Every region's cluster in a real deployment."""

MANAGED_STORES: Final = {
    "vpc_id": "the cluster's network (aws eks describe-cluster, resourcesVpcConfig); stores elsewhere are unreachable",
    "client_security_group_id": "the security group of the cluster's nodes or pods, which the stores admit",
    "data_ranges": "the address ranges of subnet_ids, which network policies let pods call",
}
"""Besides where a data store is managed."""

LEAST_SUBNETS: Final = 2
"""A DB subnet group covers at least two zones (RDS User Guide, Working with a DB instance in a VPC)."""


def _account(settings: StackSettings) -> Iterator[Wrong]:
    if settings.account is None:
        allowed = (
            "is required for a real deployment: the 12 digits of the AWS account, so that no other is ever changed"
        )
        yield Wrong(f"{NAMESPACE}:account", None, allowed)
    if settings.backup.region is None and len(settings.regions) > 1:
        allowed = (
            "is required with several regions: the region of the backups, which a region added later must not move; "
            f"{settings.home_region} for a new stack"
        )
        yield Wrong(f"{NAMESPACE}:backup.region", None, allowed)


def _clusters(plan: StackPlan) -> Iterator[Wrong]:
    settings, managed = plan.settings, plan.managed
    wanted = {**CLUSTER, **(MANAGED_STORES if managed else {})}
    for region in settings.regions:
        cluster = settings.clusters.get(region, ClusterSettings())
        for field, meaning in wanted.items():
            if not getattr(cluster, field):
                yield Wrong(
                    f"{NAMESPACE}:clusters.{region}.{field}", None, f"is required for a real deployment: {meaning}"
                )
        if managed and len(set(cluster.subnet_ids)) < LEAST_SUBNETS:
            allowed = (
                f"must name {LEAST_SUBNETS} or more private subnets of vpc_id in different zones for managed stores"
            )
            yield Wrong(f"{NAMESPACE}:clusters.{region}.subnet_ids", list(cluster.subnet_ids), allowed)


def _nodes(plan: StackPlan) -> Iterator[Wrong]:
    """Requirement Z09: a pod that fits on no node would wait for ever, and the update with it."""
    nodes = plan.settings.nodes
    for name, asks, has in misfits(plan.running, nodes):
        allowed = f"must have room for {name}, which asks for {asks}; the smallest node leaves {has} to pods"
        yield Wrong(f"{NAMESPACE}:nodes", nodes.model_dump(), f"{allowed}; use larger nodes and state them")


def _limits(plan: StackPlan) -> Iterator[Wrong]:
    for workload in plan.workloads:
        for field, value, allowed in limit_problems(workload.resources, plan.settings.nodes):
            yield Wrong(f"{NAMESPACE}:services.{workload.name}.{field}", value, allowed)


def _fixed(plan: StackPlan) -> Iterator[Wrong]:
    """A range of instances for a workload that no autoscaler moves."""
    for workload in plan.workloads:
        size = workload.size
        if not workload.autoscaled and size.minimum != size.maximum:
            allowed = f"must be one number: {workload.name} has no autoscaler; give minimum and maximum the same value"
            yield Wrong(f"{NAMESPACE}:services.{workload.name}", f"{size.minimum} to {size.maximum}", allowed)


def _writers(plan: StackPlan) -> Iterator[Wrong]:
    """Refuse the embedded writer where people rely on the texts: the service would refuse it after the update."""
    if not any(one.uses_llm_keys for one in plan.workloads):
        return
    settings = plan.settings
    writers = settings.writers
    real = [name.value for name in writers.providers if name is not Writer.EMBEDDED]
    if settings.environment in (Environment.STAGING, Environment.PROD) and not real:
        names = ", ".join(name for name in Writer if name is not Writer.EMBEDDED)
        allowed = f"must name a provider beside the embedded writer in {settings.environment}: {names}"
        yield Wrong(f"{NAMESPACE}:writers.providers", [name.value for name in writers.providers], allowed)
    if real and writers.secret is None:
        keys = ", ".join(f"{name}_api_key" for name in real)
        yield Wrong(f"{NAMESPACE}:writers.secret", None, f"is required: a Kubernetes Secret with the keys {keys}")


def _images(settings: StackSettings, profile: Profile) -> Iterator[Wrong]:
    """Outside local an image is named by digest, so that what was tested is what runs."""
    if settings.environment is Environment.LOCAL:
        return
    used = {"image": settings.image, "images.pgbouncer": settings.images.pgbouncer}
    if profile.postgres.backend is Backend.CLUSTER:
        used["images.postgres"] = settings.images.postgres
    if profile.redis.backend is Backend.CLUSTER:
        used["images.redis"] = settings.images.redis
    used |= {f"services.{name}.image": size.image for name, size in profile.services.items() if size.image is not None}
    for key, image in used.items():
        if not DIGEST.match(image):
            allowed = "must be named by digest outside local: name@sha256:<64 hexadecimal digits>, never by a tag"
            yield Wrong(f"{NAMESPACE}:{key}", image, allowed)


def _stores(settings: StackSettings, profile: Profile) -> Iterator[Wrong]:
    postgres = profile.postgres
    if postgres.backend is Backend.CLUSTER and settings.postgres.version is not None:
        allowed = "must be left out with a database in the cluster, whose version is that of images.postgres"
        yield Wrong(f"{NAMESPACE}:postgres.version", settings.postgres.version, allowed)
    if postgres.backend is Backend.CLUSTER and postgres.read_replicas:
        allowed = "must be 0 with a database in the cluster, which has no replicas; set postgres.backend to managed"
        yield Wrong(f"{NAMESPACE}:postgres.read_replicas", postgres.read_replicas, allowed)
    if profile.redis.backend is Backend.CLUSTER and profile.redis.nodes > 1:
        allowed = "must be 1 with a store in the cluster, which has no replicas; set redis.backend to managed"
        yield Wrong(f"{NAMESPACE}:redis.nodes", profile.redis.nodes, allowed)
    if profile.redis.backend is Backend.CLUSTER and profile.redis.cache_shards is not None:
        allowed = "must be left out with a store in the cluster, which has one shard; set redis.backend to managed"
        yield Wrong(f"{NAMESPACE}:redis.cache_shards", profile.redis.cache_shards, allowed)
    if postgres.backend is Backend.MANAGED and postgres.storage_gb < LEAST_MANAGED_GB:
        allowed = f"must be at least {LEAST_MANAGED_GB} with a managed database, the least that gp3 storage takes"
        yield Wrong(f"{NAMESPACE}:postgres.storage_gb", postgres.storage_gb, allowed)


def _features(plan: StackPlan) -> Iterator[Wrong]:
    known = plan.blueprint.features
    for name, value in plan.settings.features.items():
        if name not in known:
            yield Wrong(f"{NAMESPACE}:features.{name}", value, f"must be one of: {', '.join(known) or 'none'}")


def _gpus(plan: StackPlan) -> Iterator[Wrong]:
    """A GPU for a workload that renders nothing would be paid for and never used (requirement K13)."""
    for workload in plan.workloads:
        if workload.size.gpu is not None and not workload.renders:
            renders = ", ".join(one.name for one in plan.workloads if one.renders) or "no workload"
            allowed = f"must be left out: {workload.name} renders nothing; what renders: {renders}"
            yield Wrong(f"{NAMESPACE}:services.{workload.name}.gpu", workload.size.gpu, allowed)


def _headers(settings: StackSettings) -> Iterator[Wrong]:
    """nginx reads a dollar sign in a header's value as one of its variables, and has no way to write a plain one."""
    for name, value in settings.security_headers.items():
        if settings.edge.kind is EdgeKind.INGRESS and "$" in value:
            yield Wrong(f"{NAMESPACE}:headers.{name}", value, "must be without $ where the edge is ingress-nginx")


def _backups(profile: Profile) -> Iterator[Wrong]:
    """A dump that is locked for longer than it is wanted is paid for and kept all the same (requirement W04)."""
    if profile.lock_days > profile.retention_days:
        allowed = f"must be at least {profile.lock_days}, the days a dump is locked; or lower backup.lock_days with it"
        yield Wrong(f"{NAMESPACE}:backup.retention_days", profile.retention_days, allowed)


def _access(settings: StackSettings) -> Iterator[Wrong]:
    given = GIVEN[settings.environment]
    for team in Team:
        if groups_of(settings.access, team) and team not in given:
            teams = ", ".join(given) or "no teams: it is one person's machine"
            allowed = f"must be left out: in {settings.environment} have access: {teams} (S08)"
            yield Wrong(f"{NAMESPACE}:access.{team}", list(groups_of(settings.access, team)), allowed)


def _connections(plan: StackPlan) -> Iterator[Wrong]:
    """Requirement Y03. Each side is compared by itself, so that the message names what to change."""
    most = plan.connections
    if not most.pooler_fits:
        allowed = (
            f"must be at least {most.pooler_clients}, what every instance at its maximum opens (Y03); "
            "raise it, or lower the services' maximum, processes, pool or overflow"
        )
        yield Wrong(f"{NAMESPACE}:postgres.pooler_clients", most.pooler_accepts, allowed)
    if not most.server_fits:
        allowed = (
            f"must be at least {most.server}: the poolers' connections, the workers' own, the jobs' and the reserve "
            "(Y03); raise it, or lower postgres.pooler_size or the workers' maximum"
        )
        yield Wrong(f"{NAMESPACE}:postgres.max_connections", most.server_accepts, allowed)


def _certificate(settings: StackSettings) -> Iterator[Wrong]:
    for name in settings.edge.certificate_names:
        if name != settings.domain and not name.endswith(f".{settings.domain}"):
            allowed = f"must be {settings.domain} or a name below it: the stack proves no other domain"
            yield Wrong(f"{NAMESPACE}:edge.certificate_names", name, allowed)

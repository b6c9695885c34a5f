"""Resources of one region: namespace, data stores, services, jobs, edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pulumi

from components.alert_rules import AlertRules, AlertRulesArgs
from components.application_job import ApplicationJob, ApplicationJobArgs
from components.application_secrets import DATABASE_KEY, ApplicationSecrets, ApplicationSecretsArgs
from components.autoscaler import Autoscaler, AutoscalerArgs
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.generation_service import GenerationService, GenerationServiceArgs
from components.idle_scaler import IdleScaler, IdleScalerArgs
from components.namespace import Namespace
from components.pod_monitor import PodMonitor, PodMonitorArgs
from components.queue_scaler import QueueScaler, QueueScalerArgs
from components.quota import Quota, QuotaArgs
from components.service_role import Grant, ServiceRole, ServiceRoleArgs
from components.team_access import TeamAccess, TeamAccessArgs
from infra.catalog.nodes import SLEEPS_BY_ITSELF, version
from infra.catalog.regions import Region
from infra.catalog.sizes import GPU_LADDER
from infra.settings.clusters import ClusterSettings
from infra.settings.stack import StackSettings
from stacks.data.stores import Stores, StoresArgs, stores
from stacks.environment_variables import application_environment, bucket_environment, job_environment
from stacks.identity.iam_grants import Backups, Files, backup_grants, bucket_grants
from stacks.networking import network_policies as traffic
from stacks.networking.edge import declare_edge
from stacks.plan import StackPlan
from stacks.specs.bucket import BucketAccess
from stacks.specs.job import JobSpec
from stacks.specs.scale_triggers import CPU_TARGET, MEMORY_TARGET
from stacks.specs.workload import APPLICATION_PORT, STOP, Workload

SECRET_RECOVERY_DAYS = MappingProxyType({True: 30, False: 0})


@dataclass(frozen=True)
class RegionArgs:
    """Arguments of RegionalStack.

    plan: plan of the stack.
    region: region to deploy to.
    backups: target of every region's backups.
    files: the product's buckets, by name.
    zone: id of the domain's Route 53 zone.
    keys: the application's own keys, the same in every region.
    embedded: True on the embedded cloud, from which no outside service can be called.
    edges: addresses of the regions' edges on the embedded cloud, by region.
    claim: asked before the namespace is created, which it refuses if another client made it.
    """

    plan: StackPlan
    region: Region
    backups: Backups
    files: Mapping[str, Files]
    zone: pulumi.Output[str]
    keys: Mapping[str, pulumi.Output[str]]
    embedded: bool
    edges: Mapping[str, str]
    claim: pulumi.ResourceHook | None = None

    @property
    def settings(self) -> StackSettings:
        return self.plan.settings

    @property
    def cluster(self) -> ClusterSettings:
        return self.plan.cluster(self.region)

    @property
    def oidc_provider(self) -> str | None:
        return self.cluster.oidc_provider


class RegionalStack(pulumi.ComponentResource):
    """The product in one region (requirement G01). Its Kubernetes and AWS providers come by ``opts``."""

    def __init__(self, name: str, args: RegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:stack:Region", name, None, opts)
        plan = args.plan
        namespace = Namespace(
            f"{name}-space", plan.namespace, plan.product, plan.stack, pulumi.ResourceOptions(parent=self), args.claim
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        Quota(f"{name}-quota", QuotaArgs(plan.namespace, plan.product, plan.quota), inside)
        key = EncryptionKey(
            f"{name}-data",
            EncryptionKeyArgs(args.region.code, f"data of {plan.stack} in {args.region.code}", plan.profile.protected),
            pulumi.ResourceOptions(parent=self),
        )
        data = stores(name, StoresArgs(plan, args.region, key.arn), inside)
        secrets = _secrets(name, args, data, key, inside)
        migration = ApplicationJob(
            f"{name}-{plan.migration.name}",
            _job(args, plan.migration, secrets.migration_name),
            pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=data.resources)),
        )
        migrated = pulumi.ResourceOptions(parent=self, depends_on=[namespace, migration])
        for workload in plan.workloads:
            grants = _bucket_grants(args, workload.buckets)
            role = _role(f"{plan.prefix}-{args.region.short}-{workload.name}", args, workload.name, grants, inside)
            service = GenerationService(f"{name}-{workload.name}", _service(args, workload, secrets, role), migrated)
            if workload.autoscaled:
                _autoscaler(f"{name}-{workload.name}-autoscaler", args, workload, secrets.scaler_name, service)
        for job in plan.jobs[1:]:
            kept = () if job.backups is None else backup_grants(args.backups, job.backups)
            grants = (*kept, *_bucket_grants(args, job.buckets))
            role = _role(f"{plan.prefix}-{args.region.short}-{job.name}", args, job.name, grants, inside)
            mounted = secrets.migration_name if job.administers else secrets.owner_name
            ApplicationJob(f"{name}-{job.name}", _job(args, job, mounted, role), migrated)
        for grant in plan.people:
            TeamAccess(f"{name}-{grant.name}", TeamAccessArgs(plan.namespace, plan.product, **vars(grant)), inside)
        if args.settings.alerts.operator:
            _watch(name, plan, inside)
        declare_edge(f"{name}-edge", plan, args.region, args.zone, inside)
        self.register_outputs({"region": args.region.code})


def _watch(name: str, plan: StackPlan, opts: pulumi.ResourceOptions) -> None:
    """Pod monitor and alert rules for the cluster's Prometheus."""
    chosen = plan.settings.alerts.labels
    names = tuple(workload.name for workload in plan.workloads)
    ports = tuple(dict.fromkeys(workload.ports[0].name for workload in plan.workloads))
    PodMonitor(f"{name}-metrics", PodMonitorArgs(plan.namespace, plan.product, names, ports, chosen), opts)
    AlertRules(f"{name}-alerts", AlertRulesArgs(plan.namespace, plan.product, plan.alerts, chosen), opts)


def _secrets(
    name: str, args: RegionArgs, data: Stores, key: EncryptionKey, opts: pulumi.ResourceOptions
) -> ApplicationSecrets:
    return ApplicationSecrets(
        f"{name}-secrets",
        ApplicationSecretsArgs(
            namespace=args.plan.namespace,
            product=args.plan.product,
            region=args.region.code,
            database=data.database,
            pooler=data.pooler,
            logins=data.logins,
            owners=data.owners,
            keys=args.keys,
            redis=data.redis,
            recovery_days=SECRET_RECOVERY_DAYS[args.plan.profile.protected],
            key=key.arn,
        ),
        opts,
    )


def _service(
    args: RegionArgs, workload: Workload, secrets: ApplicationSecrets, role: pulumi.Output[str] | None
) -> GenerationServiceArgs:
    return GenerationServiceArgs(
        namespace=args.plan.namespace,
        product=args.plan.product,
        component=workload.name,
        image=workload.size.image or args.settings.image,
        arguments=workload.arguments,
        ports=workload.ports,
        resources=workload.resources,
        pre_stop_seconds=STOP.turned_away,
        grace_seconds=STOP.grace,
        secrets=_secrets_of(args, workload, secrets),
        traffic=traffic.of_workload(args.plan, workload, args.cluster.data_ranges),
        environment={
            **application_environment(args.plan, args.region, workload, embedded=args.embedded, edges=args.edges),
            **bucket_environment(args.plan, workload.buckets, args.files),
        },
        probes=workload.probes,
        replicas=None if workload.autoscaled else workload.size.minimum,
        sticky=workload.size.sticky,
        spot=workload.spot,
        gpu=workload.size.gpu and GPU_LADDER[workload.size.gpu].accelerator,
        role=role,
        cluster_sleeps=version(args.settings.nodes.kubernetes) >= SLEEPS_BY_ITSELF,
    )


def _secrets_of(args: RegionArgs, workload: Workload, secrets: ApplicationSecrets) -> tuple[pulumi.Input[str], ...]:
    """Secrets of a workload: the stores' addresses, the application's keys, and, from the stack's owners and only where
    outside calls are allowed, the keys of language models, of research, of the payment provider and the error tracker.
    """
    found: list[pulumi.Input[str]] = []
    if workload.pool is not None:
        found.append(secrets.secret_name)
    if workload.holds_application_keys:
        found.append(secrets.keys_name)
    if args.embedded:
        return tuple(found)
    others = (
        args.settings.writers.secret if workload.uses_llm_keys else None,
        args.settings.research.secret if workload.uses_research_keys else None,
        args.settings.payments.secret if workload.takes_payments else None,
        args.settings.telemetry.secret,
    )
    return (*found, *(name for name in others if name is not None))


def _autoscaler(
    name: str, args: RegionArgs, workload: Workload, secret: pulumi.Output[str], service: GenerationService
) -> None:
    """One autoscaler a Deployment: by the queue for who works it off, by CPU and memory for who answers requests."""
    owned = pulumi.ResourceOptions(parent=service)
    least, most = workload.size.minimum, workload.size.maximum
    if workload.queue is None:
        targets = round(CPU_TARGET.threshold), round(MEMORY_TARGET.threshold)
        wanted = AutoscalerArgs(
            args.plan.namespace, args.plan.product, workload.name, least, most, *targets, workload.behaviour
        )
        if workload.idle is None:
            Autoscaler(name, wanted, owned)
        else:
            IdleScaler(name, IdleScalerArgs(wanted, workload.idle, secret, DATABASE_KEY), owned)
        return
    QueueScaler(
        name,
        QueueScalerArgs(
            namespace=args.plan.namespace,
            product=args.plan.product,
            component=workload.name,
            minimum=least,
            maximum=most,
            more_above=workload.queue.more_above,
            fewer_below=workload.queue.fewer_below,
            idle_seconds=workload.queue.idle_seconds,
            queue=workload.queue.queue,
            idling=workload.idle,
            secret=secret,
            address_key=DATABASE_KEY,
        ),
        owned,
    )


def _bucket_grants(args: RegionArgs, accesses: Mapping[str, BucketAccess]) -> tuple[Grant, ...]:
    return tuple(grant for name, access in accesses.items() for grant in bucket_grants(args.files[name], access))


def _role(
    name: str, args: RegionArgs, account: str, grants: tuple[Grant, ...], opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """The AWS identity of a service account that needs one, where the cluster can prove who asks. Its name has the
    region in short: IAM allows a role 64 characters.
    """
    if not grants or args.oidc_provider is None:
        return None
    role = ServiceRoleArgs(args.plan.namespace, account, args.oidc_provider, grants)
    return ServiceRole(name, role, opts).arn


def _job(
    args: RegionArgs, job: JobSpec, secret: pulumi.Output[str], role: pulumi.Output[str] | None = None
) -> ApplicationJobArgs:
    return ApplicationJobArgs(
        namespace=args.plan.namespace,
        product=args.plan.product,
        component=job.name,
        image=args.settings.image,
        arguments=job.arguments,
        port=APPLICATION_PORT,
        secret=secret,
        traffic=traffic.of_job(args.plan, job, args.cluster.data_ranges),
        deadline_seconds=job.deadline_seconds,
        urgency=job.urgency,
        schedule=job.schedule,
        environment={
            **job_environment(args.plan, args.region, job, args.backups),
            **bucket_environment(args.plan, job.buckets, args.files),
        },
        role=role,
    )

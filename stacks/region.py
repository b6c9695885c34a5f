"""What exists once in every region: the namespace, the data stores, the services, the edge."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import pulumi

from components.application_job import ApplicationJob, ApplicationJobArgs
from components.application_secrets import ApplicationSecrets, ApplicationSecretsArgs
from components.autoscaler import Autoscaler, AutoscalerArgs
from components.edge import Edge, EdgeArgs
from components.generation_service import (
    SERVICE_PORT,
    GenerationService,
    GenerationServiceArgs,
    Resources,
)
from components.namespace import Namespace
from infra.regions import Region
from infra.settings import StackSettings
from stacks import traffic
from stacks.environment import application_environment
from stacks.products.content_generation import (
    PUBLIC_SERVICE,
    ROUTES,
    content_generation,
)
from stacks.profile import Profile
from stacks.routing import api_name, edge_name
from stacks.stores import stores
from stacks.workload import APPLICATION_PORT, GRACE_SECONDS, WorkloadSpec

NAMESPACE = "contentgen"
GATEWAY_CLASS = "envoy-gateway"
MIGRATION_DEADLINE_SECONDS = 900
BACKUP_DEADLINE_SECONDS = 3600
SECRET_RECOVERY_DAYS = MappingProxyType({True: 30, False: 0})


@dataclass(frozen=True)
class RegionArgs:
    """``index`` is the region's place in priority order; ``bucket`` takes the backups of every region."""

    stack: str
    region: Region
    index: int
    settings: StackSettings
    profile: Profile
    bucket: pulumi.Output[str]
    bucket_region: str


class RegionalStack(pulumi.ComponentResource):
    """The product in one region (requirement G01). Its Kubernetes and AWS providers come by ``opts``."""

    def __init__(self, name: str, args: RegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:stack:Region", name, None, opts)
        product = args.settings.product.value
        workloads = content_generation(args.profile)
        namespace = Namespace(f"{name}-space", NAMESPACE, product, pulumi.ResourceOptions(parent=self))
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        data = stores(name, args.index, args.region.code, args.settings, args.profile, inside)
        secrets = ApplicationSecrets(
            f"{name}-secrets",
            ApplicationSecretsArgs(
                namespace=NAMESPACE,
                product=product,
                region=args.region.code,
                database=data.database,
                cache=data.cache,
                queue=data.queue,
                recovery_days=SECRET_RECOVERY_DAYS[args.profile.protected],
            ),
            inside,
        )
        migration = ApplicationJob(
            f"{name}-migrate",
            _job(args, "migrate", secrets.secret_name, MIGRATION_DEADLINE_SECONDS),
            pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=data.resources)),
        )
        migrated = pulumi.ResourceOptions(parent=self, depends_on=[namespace, migration])
        for workload in workloads:
            service = GenerationService(
                f"{name}-{workload.name}", _service(args, workload, workloads, secrets.secret_name), migrated
            )
            Autoscaler(
                f"{name}-{workload.name}-autoscaler",
                AutoscalerArgs(NAMESPACE, product, workload.name, workload.size.minimum, workload.size.maximum),
                pulumi.ResourceOptions(parent=service),
            )
        ApplicationJob(
            f"{name}-backup",
            _job(args, "backup", secrets.secret_name, BACKUP_DEADLINE_SECONDS, args.profile.backup_schedule),
            migrated,
        )
        Edge(f"{name}-edge", _edge(args), inside)
        self.register_outputs({"region": args.region.code})


def _service(
    args: RegionArgs, workload: WorkloadSpec, workloads: tuple[WorkloadSpec, ...], secret: pulumi.Output[str]
) -> GenerationServiceArgs:
    return GenerationServiceArgs(
        namespace=NAMESPACE,
        product=args.settings.product.value,
        component=workload.name,
        image=args.settings.image,
        arguments=workload.arguments,
        port=APPLICATION_PORT,
        resources=Resources(workload.cpu_request, workload.size.cpu, workload.memory_request, workload.size.memory),
        grace_seconds=GRACE_SECONDS,
        secret=secret,
        traffic=traffic.of_workload(workload, workloads, args.profile),
        environment=application_environment(args.settings, args.region, workload),
    )


def _job(
    args: RegionArgs, what: str, secret: pulumi.Output[str], deadline_seconds: int, schedule: str | None = None
) -> ApplicationJobArgs:
    environment: dict[str, pulumi.Input[str]] = {
        "ENVIRONMENT": args.settings.environment.value,
        "REGION": args.region.code,
        "SERVICE": what,
    }
    if schedule is not None:
        environment |= {"BACKUP_BUCKET": args.bucket, "BACKUP_BUCKET_REGION": args.bucket_region}
    return ApplicationJobArgs(
        namespace=NAMESPACE,
        product=args.settings.product.value,
        component=what,
        image=args.settings.image,
        arguments=(what,),
        port=APPLICATION_PORT,
        secret=secret,
        traffic=traffic.of_job(args.profile, reaches_aws=schedule is not None),
        deadline_seconds=deadline_seconds,
        schedule=schedule,
        environment=environment,
    )


def _edge(args: RegionArgs) -> EdgeArgs:
    return EdgeArgs(
        namespace=NAMESPACE,
        product=args.settings.product.value,
        gateway_class=GATEWAY_CLASS,
        host=api_name(args.settings.domain),
        published_name=edge_name(args.region, args.settings.domain),
        backend=PUBLIC_SERVICE,
        backend_port=SERVICE_PORT,
        headers=args.settings.security_headers,
        rules=ROUTES,
    )

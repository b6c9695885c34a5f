"""Blueprint of a product: everything that its documents decide, as one frozen value without Pulumi and I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from infra.settings.environment import Environment
from stacks.monitoring.alert_context import AlertContext
from stacks.specs.alert import AlertRule
from stacks.specs.bucket import BucketSpec
from stacks.specs.job import JobSpec
from stacks.specs.limits import ScaleLimits
from stacks.specs.profile import Profile
from stacks.specs.route import PublicRoutes
from stacks.specs.store import DatabaseNames, Role
from stacks.specs.trial import Trial
from stacks.specs.workload import Workload, WorkloadSpec


@dataclass(frozen=True)
class Blueprint:
    """A product.

    name: name of the product, in settings, labels and tags.
    short: word for the product in names of resources, which AWS limits in length.
    namespace: Kubernetes namespace, unless the stack file gives another.
    limits: hard limits (Y02).
    profiles: sizes, stores, backups and budget of each environment that the product has.
    workloads: long-running workloads.
    migrations: folders of its migrations in the checkout, in their order; files begin with the number of a revision.
    jobs: jobs once a release, then jobs by schedule; the first one migrates the schema, before anything else starts.
    database: names within the database server.
    redis: purposes of the Redis instances.
    routes: public paths.
    trial: first use, for smoke tests and for people.
    alerts: alert rules of a region, by group.
    buckets: buckets for the product's files.
    variables: the product's own names of variables, by the platform's name (requirement E14).
    features: names of features that a stack file switches, with their variables.
    production_regions: least number of regions in production.
    """

    name: str
    short: str
    namespace: str
    limits: ScaleLimits
    profiles: Mapping[Environment, Profile]
    workloads: tuple[WorkloadSpec, ...]
    migrations: tuple[str, ...]
    jobs: tuple[JobSpec, ...]
    database: DatabaseNames
    redis: tuple[Role, ...]
    routes: PublicRoutes
    trial: Trial
    alerts: Callable[[AlertContext], Mapping[str, tuple[AlertRule, ...]]]
    buckets: tuple[BucketSpec, ...] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    features: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    production_regions: int = 1

    def prefix(self, stack: str) -> str:
        """Begin of the names of a stack's resources: ``workflow-dashboard-prod`` would leave no room for the rest."""
        return stack.replace(self.name, self.short, 1)

    @property
    def workload_names(self) -> tuple[str, ...]:
        return tuple(workload.name for workload in self.workloads)

    @property
    def pooler_clients(self) -> int:
        """Most clients that a pooler of any environment accepts."""
        return max(profile.postgres.pooler_clients for profile in self.profiles.values())

    @property
    def environments(self) -> tuple[str, ...]:
        """Environments that the product has."""
        return tuple(environment.value for environment in self.profiles)

    def sized(self, profile: Profile) -> tuple[Workload, ...]:
        """The workloads with the sizes of an environment."""
        return tuple(one.sized(profile.services[one.name]) for one in self.workloads)

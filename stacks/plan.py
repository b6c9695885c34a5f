"""Plan of a stack: everything that its settings and its product's blueprint decide, decided once. Pure.

Validation, deployment, policy configuration, prices and pages read the same plan, so that none derives it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from infra.catalog.regions import Region, in_priority_order
from infra.settings.clusters import ClusterSettings
from infra.settings.stack import StackSettings
from infra.settings.stores import Backend
from stacks.identity.rbac import Access, people
from stacks.jobs import scheduled
from stacks.monitoring.alert_context import AlertContext
from stacks.monitoring.promql import Queries
from stacks.networking.dns_routing import public_names, routing_table
from stacks.products.blueprint import Blueprint
from stacks.products.registry import PRODUCTS
from stacks.profile import resolve
from stacks.sizing.connection_budget import Connections, worst_case
from stacks.sizing.idle_instances import idled
from stacks.sizing.namespace_quota import Running, capacity, running
from stacks.specs.alert import AlertRule
from stacks.specs.dns import RecordSpec
from stacks.specs.job import JobSpec
from stacks.specs.profile import Profile
from stacks.specs.resources import Totals
from stacks.specs.route import EdgeHost, Published
from stacks.specs.workload import Workload


@dataclass(frozen=True)
class StackPlan:
    """Decisions of a stack.

    stack: stack name.
    prefix: begin of the names of its resources.
    settings: settings of the stack file.
    blueprint: product of the stack.
    profile: the environment's profile with the stack file's own values.
    namespace: Kubernetes namespace of every object.
    regions: regions in priority order.
    workloads: workloads with their sizes.
    jobs: jobs of the environment; the first is the migration.
    running: pods that may run at the same time in a region.
    quota: their sum: the most that a region's namespace may use.
    connections: database connections in the worst case (Y03).
    records: DNS records.
    hosts: host names of the edge, by region.
    alerts: alert rules of a region, by group; the same in every region.
    people: Kubernetes permissions of teams.
    """

    stack: str
    prefix: str
    settings: StackSettings
    blueprint: Blueprint
    profile: Profile
    namespace: str
    regions: tuple[Region, ...]
    workloads: tuple[Workload, ...]
    jobs: tuple[JobSpec, ...]
    running: tuple[Running, ...]
    quota: Totals
    connections: Connections
    records: tuple[RecordSpec, ...]
    hosts: Mapping[str, tuple[EdgeHost, ...]]
    alerts: Mapping[str, tuple[AlertRule, ...]]
    people: tuple[Access, ...]

    @property
    def product(self) -> str:
        """Name of the product, in labels and tags."""
        return self.blueprint.name

    @property
    def migration(self) -> JobSpec:
        """Job that must have succeeded before anything answers requests."""
        return self.jobs[0]

    @property
    def job_names(self) -> tuple[str, ...]:
        return tuple(job.name for job in self.jobs)

    @property
    def managed(self) -> bool:
        """True if AWS runs a data store of the stack."""
        return Backend.MANAGED in (self.profile.postgres.backend, self.profile.redis.backend)

    @property
    def needs_scaler(self) -> bool:
        """True if KEDA alone gives a workload more than one instance, because its Deployment states no replicas: one
        that follows a queue and always has more (requirement K09), or goes to one without requests (K10).
        """
        return self.idles or any(one.queue is not None and one.size.minimum > 1 for one in self.workloads)

    @property
    def idles(self) -> bool:
        """True if a workload goes to one instance without requests."""
        return any(one.idle is not None for one in self.workloads)

    def cluster(self, region: Region) -> ClusterSettings:
        """Access to a region's cluster."""
        return self.settings.clusters.get(region.code, ClusterSettings())


def plan(stack: str, settings: StackSettings, blueprint: Blueprint | None = None) -> StackPlan:
    """The plan of a stack, of the product that its settings name unless ``blueprint`` is another one."""
    chosen = blueprint or PRODUCTS[settings.product]
    base = chosen.profiles[settings.environment]
    profile = resolve(settings, base)
    namespace = settings.namespace or chosen.namespace
    regions = in_priority_order(settings.regions)
    workloads = idled(settings, chosen.sized(profile))
    jobs = scheduled(chosen.jobs, profile)
    pods = tuple(running(workloads, jobs, profile, chosen.redis))
    usual = {name: size.minimum for name, size in base.services.items()}
    context = AlertContext(Queries(namespace), workloads, usual, profile, profile.monthly_usd // len(regions))
    return StackPlan(
        stack=stack,
        prefix=chosen.prefix(stack),
        settings=settings,
        blueprint=chosen,
        profile=profile,
        namespace=namespace,
        regions=regions,
        workloads=workloads,
        jobs=jobs,
        running=pods,
        quota=capacity(pods, profile, chosen.redis),
        connections=worst_case(workloads, profile.postgres),
        records=routing_table(regions, settings.domain),
        hosts=MappingProxyType({region.code: _hosts(settings, chosen, region) for region in regions}),
        alerts=chosen.alerts(context),
        people=people(settings),
    )


def _hosts(settings: StackSettings, blueprint: Blueprint, region: Region) -> tuple[EdgeHost, ...]:
    """Host names of a region's edge: the page's, the API's, and the region's own."""
    page, api, own = public_names(settings.domain, region)
    routes = blueprint.routes
    groups = dict(routes.api)
    for name, administration in routes.administration.items() if settings.admin.networks else ():
        groups[name] = (*groups.get(name, ()), *administration)
    return (
        EdgeHost("site", page, Published.NEAREST, dict(routes.page)),
        EdgeHost("api", api, Published.ELSEWHERE, groups),
        EdgeHost("region", own, Published.ALONE, dict(routes.region)),
    )

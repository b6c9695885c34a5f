"""The stack's DNS: a zone, a health check a region, and the records of the routing table (requirements G01, G02)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_aws.route53 as route53

from stacks.specs.network import HTTPS_PORT

RECORD_TYPE = "CNAME"


class Record(Protocol):
    """One record of the table, as plain values; ``stacks.networking.dns_routing.RecordSpec`` is one."""

    @property
    def name(self) -> str: ...
    @property
    def policy(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def alias(self) -> str | None: ...
    @property
    def target(self) -> str | None: ...
    @property
    def health_region(self) -> str | None: ...
    @property
    def identifier(self) -> str: ...


@dataclass(frozen=True)
class HealthCheck:
    """Route 53 health check of every region's edge, over HTTPS.

    path: path of the request.
    interval_seconds: time between two requests: 10 or 30.
    failures: failed requests in a row after which a region counts as unhealthy.
    """

    path: str
    interval_seconds: int
    failures: int


@dataclass(frozen=True)
class RoutingArgs:
    """Arguments of Routing.

    domain: name of the hosted zone.
    edges: host name of the edge, by region; the region's health check asks it.
    table: records to declare.
    health: health check of each region.
    ttl_seconds: lifetime of records that are no alias.
    protected: never empty the zone in a destroy.
    """

    domain: str
    edges: dict[str, str]
    table: Sequence[Record]
    health: HealthCheck
    ttl_seconds: int
    protected: bool


class Routing(pulumi.ComponentResource):
    """Route 53 zone, health checks and records."""

    name_servers: pulumi.Output[Sequence[str]]
    zone_id: pulumi.Output[str]

    def __init__(self, name: str, args: RoutingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:edge:Routing", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone = route53.Zone(
            f"{name}-zone",
            name=args.domain,
            comment="content generation",
            # Controllers of the clusters write records of their own, which would keep a zone from being deleted.
            force_destroy=not args.protected,
            # A new zone has other name servers, so a lost one takes the whole domain with it.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        checks = {
            region: route53.HealthCheck(
                f"{name}-health-{region}",
                type="HTTPS",
                fqdn=edge,
                port=HTTPS_PORT,
                resource_path=args.health.path,
                request_interval=args.health.interval_seconds,
                failure_threshold=args.health.failures,
                measure_latency=True,
                tags={"Name": f"{name}-{region}"},
                opts=child,
            )
            for region, edge in args.edges.items()
        }
        made: dict[str, list[pulumi.Resource]] = {}
        for record in targets_first(args.table):
            after = made.get(record.alias or "", [])
            check = checks[record.health_region].id if record.health_region else None
            created = route53.Record(
                f"{name}-{record.name}-{record.identifier or record.policy}",
                zone_id=zone.zone_id,
                name=record.name,
                type=RECORD_TYPE,
                records=None if record.target is None else [record.target],
                ttl=None if record.target is None else args.ttl_seconds,
                aliases=_alias(record, zone.zone_id),
                set_identifier=record.identifier or None,
                failover_routing_policies=_failover(record),
                latency_routing_policies=_latency(record),
                geolocation_routing_policies=_geolocation(record),
                health_check_id=check,
                opts=_options(f"{name}-{record.name}", record, self, after),
            )
            made.setdefault(record.name, []).append(created)
        self.name_servers = zone.name_servers
        self.zone_id = zone.zone_id
        self.register_outputs({"nameServers": self.name_servers})


def _options(
    stem: str, record: Record, parent: pulumi.Resource, after: list[pulumi.Resource]
) -> pulumi.ResourceOptions:
    """The default record was a simple one in stacks of one region; Route 53 takes no second policy beside it."""
    everybody = record.key == "*"
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=after,
        aliases=[pulumi.Alias(name=f"{stem}-simple")] if everybody else None,
        delete_before_replace=everybody,
    )


def targets_first(table: Sequence[Record]) -> list[Record]:
    """The table with every record after the ones its alias names: AWS refuses an alias to what does not exist yet."""
    ordered: list[Record] = []

    def visit(name: str) -> None:
        for record in table:
            if record.name == name and record not in ordered:
                if record.alias is not None:
                    visit(record.alias)
                ordered.append(record)

    for record in table:
        visit(record.name)
    return ordered


def _alias(record: Record, zone: pulumi.Output[str]) -> list[route53.RecordAliasArgs] | None:
    if record.alias is None:
        return None
    return [route53.RecordAliasArgs(name=record.alias, zone_id=zone, evaluate_target_health=True)]


def _failover(record: Record) -> list[route53.RecordFailoverRoutingPolicyArgs] | None:
    return [route53.RecordFailoverRoutingPolicyArgs(type=record.key)] if record.policy == "failover" else None


def _latency(record: Record) -> list[route53.RecordLatencyRoutingPolicyArgs] | None:
    return [route53.RecordLatencyRoutingPolicyArgs(region=record.key)] if record.policy == "latency" else None


def _geolocation(record: Record) -> list[route53.RecordGeolocationRoutingPolicyArgs] | None:
    """The key ``*`` is everywhere that no other record names."""
    if record.policy != "geolocation":
        return None
    if record.key == "*":
        return [route53.RecordGeolocationRoutingPolicyArgs(country="*")]
    return [route53.RecordGeolocationRoutingPolicyArgs(continent=record.key)]

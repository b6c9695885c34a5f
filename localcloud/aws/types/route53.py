"""Route 53: hosted zones and health checks. Records are in `route53_records`."""

from __future__ import annotations

from collections.abc import Iterable

from localcloud.aws import tags
from localcloud.aws.scope import DESCRIPTION, Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Created, Problem, ResourceType
from localcloud.provider.values import Properties, Value

NO_ZONE = frozenset({"NoSuchHostedZone"})
NO_CHECK = frozenset({"NoSuchHealthCheck"})
ZONE, CHECK = "hostedzone", "healthcheck"
HEALTH_CHECK = {
    "type": "Type",
    "fqdn": "FullyQualifiedDomainName",
    "ipAddress": "IPAddress",
    "port": "Port",
    "resourcePath": "ResourcePath",
    "searchString": "SearchString",
    "requestInterval": "RequestInterval",
    "failureThreshold": "FailureThreshold",
    "measureLatency": "MeasureLatency",
    "invertHealthcheck": "Inverted",
    "disabled": "Disabled",
    "enableSni": "EnableSNI",
    "regions": "Regions",
    "childHealthThreshold": "HealthThreshold",
    "childHealthchecks": "ChildHealthChecks",
    "insufficientDataHealthStatus": "InsufficientDataHealthStatus",
}
CHECK_REPLACED_BY = frozenset({"type", "requestInterval", "measureLatency"})
CHECK_TYPES = (
    "HTTP",
    "HTTPS",
    "HTTP_STR_MATCH",
    "HTTPS_STR_MATCH",
    "TCP",
    "CALCULATED",
    "CLOUDWATCH_METRIC",
    "RECOVERY_CONTROL",
)
INTERVALS = (10, 30)
"""Seconds between two checks: fast and standard, the two Route 53 sells."""


def _found_tags(aws: Aws, kind: str, thing: str) -> dict[str, str]:
    answer = aws.call("route53", "list_tags_for_resource", ResourceType=kind, ResourceId=thing)
    return {entry.text("Key"): entry.text("Value") for entry in answer.block("ResourceTagSet").blocks("Tags")}


def _change_tags(aws: Aws, kind: str, thing: str, before: Block, after: Block) -> None:
    old, new = tags.wanted(before), tags.wanted(after)
    added: list[Value] = [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]
    removed: list[Value] = [*sorted(set(old) - set(new))]
    parameters: Properties = {"AddTags": added} if added else {}
    if removed:
        parameters["RemoveTagKeys"] = removed
    if parameters:
        aws.call("route53", "change_tags_for_resource", ResourceType=kind, ResourceId=thing, **parameters)


def _bare(zone_id: str) -> str:
    return zone_id.rpartition("/")[2]


def _zone_by_reference(aws: Aws, reference: str) -> Block | None:
    zones = aws.call("route53", "list_hosted_zones").blocks("HostedZones")
    return next((zone for zone in zones if zone.text("CallerReference") == reference), None)


def create_zone(aws: Aws, inputs: Block) -> Created:
    """Make the zone. Its caller reference tells a repeated create from a second zone of the same name."""
    reference = aws.token(inputs.text("name"))
    if left_behind := _zone_by_reference(aws, reference):
        return Created(_bare(left_behind.text("Id")))
    parameters: Properties = {"HostedZoneConfig": {"Comment": inputs.text("comment", DESCRIPTION)}}
    vpcs = inputs.blocks("vpcs")
    if vpcs:
        parameters["VPC"] = {"VPCId": vpcs[0].text("vpcId"), "VPCRegion": vpcs[0].text("vpcRegion", aws.region)}
    answer = aws.call(
        "route53", "create_hosted_zone", Name=inputs.text("name"), CallerReference=reference, **parameters
    )
    return Created(_bare(answer.block("HostedZone").text("Id")))


def settle_zone(aws: Aws, zone_id: str, inputs: Block) -> None:
    """Tags have a call of their own."""
    _change_tags(aws, ZONE, zone_id, Block({}), inputs)


def read_zone(aws: Aws, zone_id: str, known: Block) -> Properties | None:
    """The zone and its name servers."""
    answer = aws.find(NO_ZONE, "route53", "get_hosted_zone", Id=zone_id)
    if answer is None:
        return None
    zone, servers = answer.block("HostedZone"), sorted(answer.block("DelegationSet").texts("NameServers"))
    return {
        "name": zone.text("Name").rstrip("."),
        "comment": zone.block("Config").text("Comment"),
        "zoneId": zone_id,
        "arn": f"arn:aws:route53:::hostedzone/{zone_id}",
        "nameServers": [*servers],
        "primaryNameServer": servers[0] if servers else None,
        "vpcs": [{"vpcId": vpc.text("VPCId"), "vpcRegion": vpc.text("VPCRegion")} for vpc in answer.blocks("VPCs")],
        **tags.outputs(_found_tags(aws, ZONE, zone_id), known),
    }


def update_zone(aws: Aws, zone_id: str, before: Block, after: Block) -> None:
    """Comment and tags change in place."""
    if before.text("comment") != after.text("comment"):
        aws.call("route53", "update_hosted_zone_comment", Id=zone_id, Comment=after.text("comment"))
    _change_tags(aws, ZONE, zone_id, before, after)


def delete_zone(aws: Aws, zone_id: str, known: Block) -> None:
    """Remove the zone; other people's records in it go only with `forceDestroy`, else Route 53 refuses."""
    if known.flag("forceDestroy"):
        answer = aws.find(NO_ZONE, "route53", "list_resource_record_sets", HostedZoneId=zone_id)
        records = answer.blocks("ResourceRecordSets") if answer else []
        changes: list[Value] = [
            {"Action": "DELETE", "ResourceRecordSet": dict(record.values)}
            for record in records
            if record.text("Type") not in ("SOA", "NS")
        ]
        if changes:
            aws.call("route53", "change_resource_record_sets", HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
    aws.remove(NO_ZONE, "route53", "delete_hosted_zone", Id=zone_id)


def health_check_problems(inputs: Block) -> Iterable[Problem]:
    """Health check inputs that Route 53 refuses and moto accepts."""
    if not inputs.is_unknown("type") and inputs.text("type") not in CHECK_TYPES:
        yield Problem("type", f"type is {inputs.text('type')!r}; Route 53 allows {', '.join(CHECK_TYPES)}")
    if inputs.has("requestInterval") and inputs.number("requestInterval", INTERVALS[0]) not in INTERVALS:
        yield Problem(
            "requestInterval",
            f"requestInterval is {inputs.number('requestInterval')}; Route 53 allows 10 or 30 seconds",
        )
    if not 1 <= inputs.number("failureThreshold", default=1) <= 10:
        yield Problem(
            "failureThreshold", f"failureThreshold is {inputs.number('failureThreshold')}; Route 53 allows 1 to 10"
        )


def _check_config(inputs: Block) -> Properties:
    return inputs.renamed(HEALTH_CHECK)


def create_health_check(aws: Aws, inputs: Block) -> Created:
    """Make the check; the caller reference lets Route 53 recognise a repeated create."""
    config = _check_config(inputs)
    reference = aws.token(repr(sorted(config.items(), key=lambda entry: entry[0])))
    checks = aws.call("route53", "list_health_checks").blocks("HealthChecks")
    for check in checks:
        if check.text("CallerReference") == reference:
            return Created(check.text("Id"))
    answer = aws.call("route53", "create_health_check", CallerReference=reference, HealthCheckConfig=config)
    return Created(answer.block("HealthCheck").text("Id"))


def settle_health_check(aws: Aws, check_id: str, inputs: Block) -> None:
    """Tags have a call of their own."""
    _change_tags(aws, CHECK, check_id, Block({}), inputs)


def read_health_check(aws: Aws, check_id: str, known: Block) -> Properties | None:
    """The check's configuration."""
    answer = aws.find(NO_CHECK, "route53", "get_health_check", HealthCheckId=check_id)
    if answer is None:
        return None
    config = answer.block("HealthCheck").block("HealthCheckConfig")
    return {
        **config.named(HEALTH_CHECK),
        "arn": f"arn:aws:route53:::healthcheck/{check_id}",
        **tags.outputs(_found_tags(aws, CHECK, check_id), known),
    }


def update_health_check(aws: Aws, check_id: str, before: Block, after: Block) -> None:
    """Everything but kind and interval changes in place."""
    config = {
        api: value
        for name, api in HEALTH_CHECK.items()
        if name not in CHECK_REPLACED_BY and (value := after.values.get(name)) is not None
    }
    if _check_config(before) != _check_config(after):
        aws.call("route53", "update_health_check", HealthCheckId=check_id, **config)
    _change_tags(aws, CHECK, check_id, before, after)


def delete_health_check(aws: Aws, check_id: str, _: Block) -> None:
    """Records that name it go unhealthy by Route 53's own rules."""
    aws.remove(NO_CHECK, "route53", "delete_health_check", HealthCheckId=check_id)


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:route53/zone:Zone",
        inputs=frozenset({"name", "comment", "forceDestroy", "vpcs", "tags"}),
        replace_on=frozenset({"name", "vpcs"}),
        auto_name=AutoName(longest=255, source="Route 53 Developer Guide, DNS domain name format"),
        defaults={"comment": DESCRIPTION, "forceDestroy": False},
        create=create_zone,
        settle=settle_zone,
        read=read_zone,
        update=update_zone,
        delete=delete_zone,
    ),
    ResourceType(
        token="aws:route53/healthCheck:HealthCheck",
        inputs=frozenset({*HEALTH_CHECK, "tags"}),
        replace_on=CHECK_REPLACED_BY,
        also_computed=frozenset({"enableSni"}),
        problems=health_check_problems,
        create=create_health_check,
        settle=settle_health_check,
        read=read_health_check,
        update=update_health_check,
        delete=delete_health_check,
    ),
)

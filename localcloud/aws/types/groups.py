"""Subnet groups and parameter groups, which RDS and ElastiCache have in the same form under other names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.aws import tags
from localcloud.aws.scope import DESCRIPTION, Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Created, ProviderError, ResourceType
from localcloud.provider.values import Properties, Value

LEAST_ZONES = 2
MOST_AT_ONCE = 20
"""Parameters one modification may carry; the API's limit."""
APIS = {"rds": "RDS", "elasticache": "ElastiCache"}


def _name(service: str, stem: str) -> AutoName:
    return AutoName(longest=255, lower=True, source=f"{APIS[service]} API, Create{stem}.{stem}Name")


@dataclass(frozen=True)
class SubnetGroups:
    """The subnet groups of one service. `stem` is the API's word for one: DBSubnetGroup, CacheSubnetGroup."""

    token: str
    service: str
    stem: str
    operation: str
    missing: frozenset[str]
    taken: frozenset[str]
    tag_api: tags.TagApi

    def resource(self) -> ResourceType[Aws]:
        """The table entry."""
        return ResourceType(
            token=self.token,
            inputs=frozenset({"name", "description", "subnetIds", "tags", "region"}),
            replace_on=frozenset({"name", "region"}),
            auto_name=_name(self.service, self.stem),
            defaults={"description": DESCRIPTION},
            create=self.create,
            read=self.read,
            update=self.update,
            delete=self.delete,
        )

    def _settings(self, inputs: Block) -> Properties:
        return {
            f"{self.stem}Name": inputs.text("name"),
            f"{self.stem}Description": inputs.text("description", DESCRIPTION),
            "SubnetIds": [*inputs.texts("subnetIds")],
        }

    def _require_zones(self, aws: Aws, inputs: Block) -> None:
        """Raises ProviderError for too few zones: RDS wants two, ElastiCache is content with one."""
        subnets: list[Value] = [*inputs.texts("subnetIds")]
        found = aws.call("ec2", "describe_subnets", SubnetIds=subnets).blocks("Subnets")
        zones = sorted({one.text("AvailabilityZone") for one in found})
        if self.service == "rds" and len(zones) < LEAST_ZONES:
            raise ProviderError(
                f"subnetIds are in the zones {', '.join(zones)}; RDS wants {LEAST_ZONES} or more "
                "(RDS API, DBSubnetGroupDoesNotCoverEnoughAZs). Fix: name subnets of different zones"
            )
        networks = sorted({one.text("VpcId") for one in found})
        if len(networks) > 1:
            raise ProviderError(
                f"subnetIds are in the networks {', '.join(networks)}; all must be in one (InvalidSubnet)"
            )

    def create(self, aws: Aws, inputs: Block) -> Created:
        """The name is the id."""
        self._require_zones(aws, inputs)
        wanted = self.tag_api.listed(tags.wanted(inputs))
        operation = f"create_{self.operation}"
        return aws.make(inputs.text("name"), self.taken, self.service, operation, **self._settings(inputs), Tags=wanted)

    def read(self, aws: Aws, name: str, known: Block) -> Properties | None:
        """The group and its subnets."""
        parameters: Properties = {f"{self.stem}Name": name}
        answer = aws.find(self.missing, self.service, f"describe_{self.operation}s", **parameters)
        if answer is None:
            return None
        group = answer.blocks(f"{self.stem}s")[0]
        arn = group.text(f"{self.stem}Arn") or group.text("ARN")
        return {
            "name": group.text(f"{self.stem}Name"),
            "description": group.text(f"{self.stem}Description"),
            "subnetIds": [one.text("SubnetIdentifier") for one in group.blocks("Subnets")],
            "vpcId": group.text("VpcId"),
            "arn": arn,
            "region": aws.region,
            **tags.outputs(self.tag_api.found(aws, arn), known),
        }

    def update(self, aws: Aws, name: str, before: Block, after: Block) -> None:
        """Subnets and description change in place."""
        if self._settings(before) != self._settings(after):
            aws.call(self.service, f"modify_{self.operation}", **self._settings(after))
        found = self.read(aws, name, after)
        if found:
            self.tag_api.change(aws, Block(found).text("arn"), before, after)

    def delete(self, aws: Aws, name: str, _: Block) -> None:
        """Refused by AWS while an instance uses it."""
        parameters: Properties = {f"{self.stem}Name": name}
        aws.remove(self.missing, self.service, f"delete_{self.operation}", **parameters)


@dataclass(frozen=True)
class ParameterGroups:
    """The parameter groups of one service. `stem` is the API's word for one: DBParameterGroup, CacheParameterGroup."""

    token: str
    service: str
    stem: str
    operation: str
    listing: str
    missing: frozenset[str]
    taken: frozenset[str]
    tag_api: tags.TagApi
    changes: str
    applied: bool
    """True if a parameter says when it is applied (RDS), False if not (ElastiCache)."""

    def resource(self) -> ResourceType[Aws]:
        """The table entry."""
        return ResourceType(
            token=self.token,
            inputs=frozenset({"name", "family", "description", "parameters", "tags", "region"}),
            replace_on=frozenset({"name", "family", "description", "region"}),
            auto_name=_name(self.service, self.stem),
            defaults={"description": DESCRIPTION},
            create=self.create,
            settle=lambda aws, name, inputs: self._set(aws, name, inputs.blocks("parameters")),
            read=self.read,
            update=self.update,
            delete=self.delete,
        )

    def _named(self, name: str) -> Properties:
        return {f"{self.stem}Name": name}

    def create(self, aws: Aws, inputs: Block) -> Created:
        """An empty group; its parameters are set next."""
        name = inputs.text("name")
        settings: Properties = {
            **self._named(name),
            f"{self.stem}Family": inputs.text("family"),
            "Description": inputs.text("description", DESCRIPTION),
            "Tags": self.tag_api.listed(tags.wanted(inputs)),
        }
        return aws.make(name, self.taken, self.service, f"create_{self.operation}", **settings)

    def _written(self, parameter: Block) -> Value:
        written: Properties = {"ParameterName": parameter.text("name"), "ParameterValue": parameter.text("value")}
        return {**written, "ApplyMethod": parameter.text("applyMethod", "immediate")} if self.applied else written

    def _set(self, aws: Aws, name: str, parameters: list[Block]) -> None:
        for start in range(0, len(parameters), MOST_AT_ONCE):
            some: list[Value] = [self._written(one) for one in parameters[start : start + MOST_AT_ONCE]]
            changes: Properties = {**self._named(name), self.changes: some}
            aws.call(self.service, f"modify_{self.operation}", **changes)

    def read(self, aws: Aws, name: str, known: Block) -> Properties | None:
        """The group and the parameters users set in it."""
        answer = aws.find(self.missing, self.service, f"describe_{self.operation}s", **self._named(name))
        if answer is None or not answer.blocks(f"{self.stem}s"):
            return None
        group = answer.blocks(f"{self.stem}s")[0]
        arn = group.text(f"{self.stem}Arn") or group.text("ARN")
        return {
            "name": group.text(f"{self.stem}Name"),
            "family": group.text(f"{self.stem}Family"),
            "description": group.text("Description"),
            "parameters": list(self._parameters(aws, name)),
            "arn": arn,
            "region": aws.region,
            **tags.outputs(self.tag_api.found(aws, arn), known),
        }

    def _parameters(self, aws: Aws, name: str) -> Iterator[Value]:
        for one in aws.call(self.service, self.listing, **self._named(name)).blocks("Parameters"):
            parameter: Properties = {"name": one.text("ParameterName"), "value": one.text("ParameterValue")}
            yield {**parameter, "applyMethod": one.text("ApplyMethod", "immediate")} if self.applied else parameter

    def update(self, aws: Aws, name: str, before: Block, after: Block) -> None:
        """Set what changed, give back to the defaults what is no longer declared."""
        old, new = before.blocks("parameters"), after.blocks("parameters")
        kept = {one.text("name") for one in new}
        dropped = [one for one in old if one.text("name") not in kept]
        if dropped:
            gone: list[Value] = [self._written(one) for one in dropped]
            changes: Properties = {**self._named(name), self.changes: gone}
            aws.call(self.service, f"reset_{self.operation}", **changes)
        self._set(aws, name, [one for one in new if one not in old])
        found = self.read(aws, name, after)
        if found:
            self.tag_api.change(aws, Block(found).text("arn"), before, after)

    def delete(self, aws: Aws, name: str, _: Block) -> None:
        """Refused by AWS while an instance uses it."""
        aws.remove(self.missing, self.service, f"delete_{self.operation}", **self._named(name))


RDS_TAGS = tags.TagApi(
    "rds",
    "add_tags_to_resource",
    "remove_tags_from_resource",
    "list_tags_for_resource",
    "ResourceName",
    answered="TagList",
)
CACHE_TAGS = tags.TagApi(
    "elasticache",
    "add_tags_to_resource",
    "remove_tags_from_resource",
    "list_tags_for_resource",
    "ResourceName",
    answered="TagList",
)

TYPES: tuple[ResourceType[Aws], ...] = (
    SubnetGroups(
        token="aws:rds/subnetGroup:SubnetGroup",
        service="rds",
        stem="DBSubnetGroup",
        operation="db_subnet_group",
        missing=frozenset({"DBSubnetGroupNotFoundFault"}),
        taken=frozenset({"DBSubnetGroupAlreadyExists"}),
        tag_api=RDS_TAGS,
    ).resource(),
    SubnetGroups(
        token="aws:elasticache/subnetGroup:SubnetGroup",
        service="elasticache",
        stem="CacheSubnetGroup",
        operation="cache_subnet_group",
        missing=frozenset({"CacheSubnetGroupNotFoundFault", "CacheSubnetGroupNotFound"}),
        taken=frozenset({"CacheSubnetGroupAlreadyExists"}),
        tag_api=CACHE_TAGS,
    ).resource(),
    ParameterGroups(
        token="aws:rds/parameterGroup:ParameterGroup",
        service="rds",
        stem="DBParameterGroup",
        operation="db_parameter_group",
        listing="describe_db_parameters",
        missing=frozenset({"DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"}),
        taken=frozenset({"DBParameterGroupAlreadyExists", "DBParameterGroupAlreadyExistsFault"}),
        tag_api=RDS_TAGS,
        changes="Parameters",
        applied=True,
    ).resource(),
    ParameterGroups(
        token="aws:elasticache/parameterGroup:ParameterGroup",
        service="elasticache",
        stem="CacheParameterGroup",
        operation="cache_parameter_group",
        listing="describe_cache_parameters",
        missing=frozenset({"CacheParameterGroupNotFound"}),
        taken=frozenset({"CacheParameterGroupAlreadyExists"}),
        tag_api=CACHE_TAGS,
        changes="ParameterNameValues",
        applied=False,
    ).resource(),
)

"""Extension of moto's ElastiCache: parameter groups, changing and removing subnet groups, more of a modification."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.elasticache import urls
from moto.elasticache.exceptions import (
    CacheSubnetGroupNotFound,
    ElastiCacheException,
    ReplicationGroupNotFound,
)
from moto.elasticache.models import CacheSubnetGroup, ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse

from localcloud.aws import moto_ec2

Described: TypeAlias = dict[str, str | bool]

FAMILIES = ("redis6.x", "redis7", "valkey7", "valkey8", "memcached1.6")
"""Families AWS still offers for new groups."""

TAGGABLE = re.compile(
    r"^arn:aws:elasticache:.*:\d*:(cluster|snapshot|subnetgroup|parametergroup|replicationgroup|user):.*$"
)
"""ARNs whose tags can be asked for; moto's own expression lacks parameter groups."""

CHANGEABLE = {
    "CacheParameterGroupName": "cache_parameter_group_name",
    "SecurityGroupIds": "security_group_ids",
    "SnapshotWindow": "snapshot_window",
    "PreferredMaintenanceWindow": "preferred_maintenance_window",
    "EngineVersion": "engine_version",
    "NotificationTopicArn": "notification_topic_arn",
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
}
"""Parameters of ModifyReplicationGroup moto ignores -> the attribute of its replication group."""


class CacheParameterGroupNotFound(ElastiCacheException):
    """AWS's error for a group that is not there."""

    code = "CacheParameterGroupNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"CacheParameterGroup {name} not found.")


class CacheParameterGroupAlreadyExists(ElastiCacheException):
    """AWS's error for a name in use."""

    code = "CacheParameterGroupAlreadyExists"

    def __init__(self, name: str) -> None:
        super().__init__(f"CacheParameterGroup {name} already exists.")


class InvalidFamily(ElastiCacheException):
    """AWS's error for a family it does not have."""

    code = "InvalidParameterValue"

    def __init__(self, family: str) -> None:
        super().__init__(f"CacheParameterGroupFamily {family} is not valid; allowed are {', '.join(FAMILIES)}.")


class GroupInUse(ElastiCacheException):
    """AWS's error for removing what a cluster still uses."""

    code = "CacheSubnetGroupInUse"

    def __init__(self, name: str, user: str) -> None:
        super().__init__(f"Cache subnet group {name} is currently in use by cluster {user}.")


class ClusterModeMismatch(ElastiCacheException):
    """AWS's error for a group of parameters of the other mode (ElastiCache User Guide, parameter cluster-enabled)."""

    code = "InvalidParameterCombination"

    def __init__(self, name: str, *, sharded: bool) -> None:
        wanted = "disabled" if not sharded else "enabled"
        super().__init__(f"CacheParameterGroup {name} can be used only with cluster mode {wanted}.")


@dataclass
class CacheParameterGroup:
    """One group of engine parameters; only those set by users are kept."""

    name: str
    family: str
    description: str
    arn: str
    parameters: dict[str, str] = field(default_factory=dict)

    def described(self) -> Described:
        """AWS's description of the group."""
        return {
            "CacheParameterGroupName": self.name,
            "CacheParameterGroupFamily": self.family,
            "Description": self.description,
            "IsGlobal": False,
            "ARN": self.arn,
        }


auth_tokens: dict[str, str] = {}
"""Tokens by the ARN of their replication group; moto remembers only that there is one."""

_groups: dict[tuple[str, str], dict[str, CacheParameterGroup]] = defaultdict(dict)
"""Parameter groups by account and region."""


class ExtendedElastiCacheResponse(ElastiCacheResponse):
    """Moto's handler with the operations the deployment and its tests use."""

    @property
    def elasticache_backend(self) -> ElastiCacheBackend:
        """Moto's backend, which also knows the tags of parameter groups."""
        backend = super().elasticache_backend
        backend.arn_regex = TAGGABLE
        return backend

    def create_cache_parameter_group(self) -> ActionResult:
        """A new, empty group."""
        name, family = self._get_param("CacheParameterGroupName"), self._get_param("CacheParameterGroupFamily")
        if name in self._regional:
            raise CacheParameterGroupAlreadyExists(name)
        if family not in FAMILIES:
            raise InvalidFamily(family)
        arn = f"arn:aws:elasticache:{self.region}:{self.current_account}:parametergroup:{name}"
        group = CacheParameterGroup(name, family, self._get_param("Description"), arn)
        self._regional[name] = group
        self.elasticache_backend.tagging_service.tag_resource(arn, self._get_param("Tags", []))
        return ActionResult({"CacheParameterGroup": group.described()})

    def describe_cache_parameter_groups(self) -> ActionResult:
        """One group or all."""
        name = self._get_param("CacheParameterGroupName")
        groups = [self._group(name)] if name else list(self._regional.values())
        return PaginatedResult({"CacheParameterGroups": [group.described() for group in groups]})

    def describe_cache_parameters(self) -> ActionResult:
        """The parameters users set; the engine's own defaults are not modelled."""
        group = self._group(self._get_param("CacheParameterGroupName"))
        parameters: list[Described] = [
            {"ParameterName": name, "ParameterValue": value, "Source": "user", "IsModifiable": True}
            for name, value in sorted(group.parameters.items())
        ]
        return ActionResult({"Parameters": parameters})

    def modify_cache_parameter_group(self) -> ActionResult:
        """Set parameters."""
        group = self._group(self._get_param("CacheParameterGroupName"))
        for parameter in self._get_param("ParameterNameValues", []):
            group.parameters[parameter["ParameterName"]] = parameter["ParameterValue"]
        return ActionResult({"CacheParameterGroupName": group.name})

    def reset_cache_parameter_group(self) -> ActionResult:
        """Give parameters back to the engine's defaults."""
        group = self._group(self._get_param("CacheParameterGroupName"))
        if self._get_bool_param("ResetAllParameters"):
            group.parameters.clear()
        for parameter in self._get_param("ParameterNameValues", []):
            group.parameters.pop(parameter["ParameterName"], None)
        return ActionResult({"CacheParameterGroupName": group.name})

    def delete_cache_parameter_group(self) -> ActionResult:
        """Remove a group."""
        group = self._group(self._get_param("CacheParameterGroupName"))
        del self._regional[group.name]
        return EmptyResult()

    def modify_cache_subnet_group(self) -> ActionResult:
        """Other subnets or another description."""
        old = self._subnet_group(self._get_param("CacheSubnetGroupName"))
        new = CacheSubnetGroup(
            account_id=self.current_account,
            region_name=self.region,
            cache_subnet_group_name=old.cache_subnet_group_name,
            cache_subnet_group_description=self._get_param(
                "CacheSubnetGroupDescription", old.cache_subnet_group_description
            ),
            subnet_ids=self._get_param("SubnetIds", old.subnet_ids),
            tags=old.tags,
        )
        self.elasticache_backend.cache_subnet_groups[new.cache_subnet_group_name] = new
        return ActionResult({"CacheSubnetGroup": new})

    def delete_cache_subnet_group(self) -> ActionResult:
        """Remove a group nothing uses."""
        group = self._subnet_group(self._get_param("CacheSubnetGroupName"))
        name = group.cache_subnet_group_name
        for user in self.elasticache_backend.replication_groups.values():
            if user.cache_subnet_group_name == name:
                raise GroupInUse(name, user.replication_group_id)
        del self.elasticache_backend.cache_subnet_groups[name]
        return EmptyResult()

    def create_replication_group(self) -> ActionResult:
        """Refuse a parameter group that is not there; keep the number of nodes, the reader's address and the token.

        Moto counts only replicas per node group, names the reader in a form it never answers with, and remembers of the
        token no more than that there is one.
        """
        name = self._get_param("CacheParameterGroupName")
        if name and not name.startswith("default."):
            sharded = self._group(name).parameters.get("cluster-enabled") == "yes"
            if sharded != (self._get_param("ClusterMode") == "enabled"):
                raise ClusterModeMismatch(name, sharded=sharded)
        if (nodes := self._get_int_param("NumCacheClusters")) and not self._get_int_param("ReplicasPerNodeGroup"):
            self.params["ReplicasPerNodeGroup"] = nodes - 1
        answer = super().create_replication_group()
        group = self.elasticache_backend.replication_groups[self._get_param("ReplicationGroupId")]
        if token := self._get_param("AuthToken"):
            auth_tokens[group.arn] = token
        for node_group in group.node_groups:
            if address := node_group.get("reader_endpoint_address"):
                node_group["reader_endpoint"] = {"address": address, "port": group.port}
        return answer

    def modify_replication_group(self) -> ActionResult:
        """The parameters moto ignores as well."""
        answer = super().modify_replication_group()
        group = self.elasticache_backend.replication_groups[self._get_param("ReplicationGroupId")]
        for parameter, attribute in CHANGEABLE.items():
            if (value := self._get_param(parameter)) is not None:
                setattr(group, attribute, value)
        if token := self._get_param("AuthToken"):
            auth_tokens[group.arn], group.auth_token_enabled = token, True
        return answer

    def delete_replication_group(self) -> ActionResult:
        """Remove it: moto leaves it in the state deleting for ever, and its name with it."""
        name = self._get_param("ReplicationGroupId")
        if name not in self.elasticache_backend.replication_groups:
            raise ReplicationGroupNotFound(name)
        answer = super().delete_replication_group()
        del self.elasticache_backend.replication_groups[name]
        return answer

    @property
    def _regional(self) -> dict[str, CacheParameterGroup]:
        return _groups[(self.current_account, self.region)]

    def _group(self, name: str) -> CacheParameterGroup:
        if name not in self._regional:
            raise CacheParameterGroupNotFound(name)
        return self._regional[name]

    def _subnet_group(self, name: str) -> CacheSubnetGroup:
        groups = self.elasticache_backend.cache_subnet_groups
        if name not in groups:
            raise CacheSubnetGroupNotFound(name)
        return groups[name]


def extend() -> None:
    """Put our handler in the place of moto's in its table of addresses; subnet groups need the prepared network."""
    moto_ec2.extend()
    urls.url_paths["{0}/$"] = ExtendedElastiCacheResponse.dispatch

"""ElastiCache: replication groups (requirements P04, R02)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from localcloud.aws import tags
from localcloud.aws.scope import Aws
from localcloud.aws.types.groups import CACHE_TAGS
from localcloud.provider.block import Block
from localcloud.provider.resource import AutoName, Created, Problem, ResourceType
from localcloud.provider.values import Properties

MISSING = frozenset({"ReplicationGroupNotFoundFault", "ReplicationGroupNotFound"})
TAKEN = frozenset({"ReplicationGroupAlreadyExists", "ReplicationGroupAlreadyExistsFault"})
TOKEN_LENGTH = range(16, 129)
"""Characters of an auth token."""

READABLE = {
    "replicationGroupId": "ReplicationGroupId",
    "description": "Description",
    "nodeType": "CacheNodeType",
    "transitEncryptionEnabled": "TransitEncryptionEnabled",
    "atRestEncryptionEnabled": "AtRestEncryptionEnabled",
    "kmsKeyId": "KmsKeyId",
    "snapshotRetentionLimit": "SnapshotRetentionLimit",
    "snapshotWindow": "SnapshotWindow",
    "engine": "Engine",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "clusterMode": "ClusterMode",
}
"""Inputs a description of the group gives back, by the description's names."""

FIXED = {
    "replicationGroupId": "ReplicationGroupId",
    "subnetGroupName": "CacheSubnetGroupName",
    "transitEncryptionEnabled": "TransitEncryptionEnabled",
    "atRestEncryptionEnabled": "AtRestEncryptionEnabled",
    "kmsKeyId": "KmsKeyId",
    "port": "Port",
    "numCacheClusters": "NumCacheClusters",
    "numNodeGroups": "NumNodeGroups",
    "replicasPerNodeGroup": "ReplicasPerNodeGroup",
    "preferredCacheClusterAzs": "PreferredCacheClusterAZs",
    "clusterMode": "ClusterMode",
}
"""Inputs whose change is another group. (The official provider changes the three counts in place.)"""

CHANGEABLE = {
    "description": "ReplicationGroupDescription",
    "nodeType": "CacheNodeType",
    "engine": "Engine",
    "engineVersion": "EngineVersion",
    "automaticFailoverEnabled": "AutomaticFailoverEnabled",
    "multiAzEnabled": "MultiAZEnabled",
    "parameterGroupName": "CacheParameterGroupName",
    "securityGroupIds": "SecurityGroupIds",
    "snapshotRetentionLimit": "SnapshotRetentionLimit",
    "snapshotWindow": "SnapshotWindow",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "notificationTopicArn": "NotificationTopicArn",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
}
PROVIDER_SIDE = frozenset(
    {"applyImmediately", "finalSnapshotIdentifier", "authToken", "authTokenUpdateStrategy", "tags", "region"}
)


def group_problems(inputs: Block) -> Iterable[Problem]:
    """Inputs that ElastiCache refuses and moto accepts."""
    if inputs.has("authToken") and not inputs.flag("transitEncryptionEnabled"):
        yield Problem(
            "authToken", "authToken needs transitEncryptionEnabled: true; ElastiCache sends no token in clear"
        )
    if (
        inputs.has("authToken")
        and not inputs.is_unknown("authToken")
        and len(inputs.text("authToken")) not in TOKEN_LENGTH
    ):
        yield Problem(
            "authToken", f"authToken has {len(inputs.text('authToken'))} characters; ElastiCache allows 16 to 128"
        )
    if inputs.flag("multiAzEnabled") and not inputs.flag("automaticFailoverEnabled"):
        yield Problem("multiAzEnabled", "multiAzEnabled needs automaticFailoverEnabled: true")
    yield from _sharded_problems(inputs)
    nodes = inputs.number("numCacheClusters", default=2)
    alone = nodes < 2 and not inputs.has("numNodeGroups") and not inputs.has("replicasPerNodeGroup")
    if inputs.flag("automaticFailoverEnabled") and alone:
        yield Problem("numCacheClusters", f"numCacheClusters is {nodes}; automaticFailoverEnabled needs at least 2")


def _sharded_problems(inputs: Block) -> Iterable[Problem]:
    """Combinations of cluster mode that ElastiCache refuses (ElastiCache API, CreateReplicationGroup)."""
    if inputs.has("numCacheClusters") and inputs.has("numNodeGroups"):
        yield Problem("numCacheClusters", "numCacheClusters and numNodeGroups are two ways to count; give one of them")
    if inputs.text("clusterMode") == "enabled":
        if not inputs.flag("automaticFailoverEnabled"):
            yield Problem("automaticFailoverEnabled", "clusterMode enabled needs automaticFailoverEnabled: true")
    elif inputs.number("numNodeGroups", default=1) > 1:
        yield Problem("numNodeGroups", "numNodeGroups above 1 needs clusterMode: enabled")
    copies = inputs.number("replicasPerNodeGroup", default=1)
    if inputs.flag("multiAzEnabled") and inputs.has("numNodeGroups") and copies < 1:
        yield Problem("multiAzEnabled", "multiAzEnabled needs replicasPerNodeGroup of 1 or more")


def create_group(aws: Aws, inputs: Block) -> Created:
    """The identifier is the id."""
    parameters = inputs.renamed({**FIXED, **CHANGEABLE, "authToken": "AuthToken"})
    name = inputs.text("replicationGroupId")
    wanted = CACHE_TAGS.listed(tags.wanted(inputs))
    return aws.make(name, TAKEN, "elasticache", "create_replication_group", **parameters, Tags=wanted)


def read_group(aws: Aws, name: str, known: Block) -> Properties | None:
    """The group with its endpoints. The token is never given back, nor is what only member clusters would show."""
    answer = aws.find(MISSING, "elasticache", "describe_replication_groups", ReplicationGroupId=name)
    if answer is None:
        return None
    group = answer.blocks("ReplicationGroups")[0]
    node, arn = group.blocks("NodeGroups")[0], group.text("ARN")
    members = group.texts("MemberClusters")
    return {
        **group.named(READABLE),
        "automaticFailoverEnabled": group.text("AutomaticFailover") == "enabled",
        "multiAzEnabled": group.text("MultiAZ") == "enabled",
        "numCacheClusters": len(members),
        "memberClusters": [*members],
        "clusterEnabled": group.flag("ClusterEnabled"),
        "port": _endpoint(group, node).number("Port"),
        "primaryEndpointAddress": node.block("PrimaryEndpoint").text("Address") or None,
        "readerEndpointAddress": node.block("ReaderEndpoint").text("Address") or None,
        "configurationEndpointAddress": group.block("ConfigurationEndpoint").text("Address") or None,
        "engineVersionActual": known.text("engineVersion") or None,
        "arn": arn,
        "region": aws.region,
        **tags.outputs(CACHE_TAGS.found(aws, arn), known),
    }


def _endpoint(group: Block, node: Block) -> Block:
    return group.block("ConfigurationEndpoint") if group.flag("ClusterEnabled") else node.block("PrimaryEndpoint")


DEFERRED: Final = frozenset({"nodeType", "engineVersion", "parameterGroupName"})
"""Changes that wait for the maintenance window unless applyImmediately is true (ElastiCache API,
ModifyReplicationGroup.ApplyImmediately)."""


def update_group(aws: Aws, name: str, before: Block, after: Block) -> None:
    """One modification with everything that changed, the token included: rotation needs no replacement."""
    waiting = frozenset() if after.flag("applyImmediately") else DEFERRED
    changed: Properties = {
        api: after.values[ours]
        for ours, api in CHANGEABLE.items()
        if after.has(ours) and before.values.get(ours) != after.values.get(ours) and ours not in waiting
    }
    token = ("authToken", "authTokenUpdateStrategy")
    if after.has("authToken") and any(before.text(name) != after.text(name) for name in token):
        changed["AuthToken"] = after.text("authToken")
        changed["AuthTokenUpdateStrategy"] = after.text("authTokenUpdateStrategy", "ROTATE")
    if changed:
        changed["ApplyImmediately"] = after.flag("applyImmediately")
        aws.call("elasticache", "modify_replication_group", ReplicationGroupId=name, **changed)
    answer = aws.call("elasticache", "describe_replication_groups", ReplicationGroupId=name)
    CACHE_TAGS.change(aws, answer.blocks("ReplicationGroups")[0].text("ARN"), before, after)


def delete_group(aws: Aws, name: str, known: Block) -> None:
    """With a last snapshot where the program names one."""
    last = known.renamed({"finalSnapshotIdentifier": "FinalSnapshotIdentifier"})
    aws.remove(MISSING, "elasticache", "delete_replication_group", ReplicationGroupId=name, **last)


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:elasticache/replicationGroup:ReplicationGroup",
        inputs=frozenset({*FIXED, *CHANGEABLE} | PROVIDER_SIDE),
        replace_on=frozenset({*FIXED, "region"}),
        auto_name=AutoName(
            "replicationGroupId",
            40,
            lower=True,
            source="ElastiCache API, CreateReplicationGroup.ReplicationGroupId; pulumi-aws provider/resources.go",
        ),
        also_computed=frozenset(
            {
                "applyImmediately",
                "atRestEncryptionEnabled",
                "clusterMode",
                "engineVersion",
                "maintenanceWindow",
                "numCacheClusters",
                "parameterGroupName",
                "securityGroupIds",
                "snapshotWindow",
                "subnetGroupName",
                "transitEncryptionEnabled",
                "autoMinorVersionUpgrade",
                "numNodeGroups",
                "replicasPerNodeGroup",
                "nodeType",
            }
        ),
        problems=group_problems,
        create=create_group,
        read=read_group,
        update=update_group,
        delete=delete_group,
    ),
)

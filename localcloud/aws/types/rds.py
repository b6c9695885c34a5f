"""RDS: instances, their replicas, and the groups they belong to (requirements P03, P04)."""

from __future__ import annotations

from localcloud.aws import tags
from localcloud.aws.rds_refusals import (
    DEFERRED,
    in_another_region,
    instance_problems,
    refuse_impossible,
    require_backups,
)
from localcloud.aws.scope import Aws, AwsRefusal
from localcloud.provider.block import Block
from localcloud.provider.resource import (
    AlreadyThere,
    AutoName,
    Created,
    ProviderError,
    ResourceType,
)
from localcloud.provider.values import Properties

MISSING = frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"})
TAKEN = frozenset({"DBInstanceAlreadyExists", "DBInstanceAlreadyExistsFault"})
TAGS = tags.TagApi(
    "rds",
    "add_tags_to_resource",
    "remove_tags_from_resource",
    "list_tags_for_resource",
    "ResourceName",
    answered="TagList",
)

CHANGEABLE = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "deletionProtection": "DeletionProtection",
    "engineVersion": "EngineVersion",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "instanceClass": "DBInstanceClass",
    "iops": "Iops",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "monitoringInterval": "MonitoringInterval",
    "monitoringRoleArn": "MonitoringRoleArn",
    "multiAz": "MultiAZ",
    "parameterGroupName": "DBParameterGroupName",
    "publiclyAccessible": "PubliclyAccessible",
    "storageType": "StorageType",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}
"""Inputs that change in place, with the API's name for them; the same names create and describe use."""

PERFORMANCE = {
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
}
"""Changeable too, but moto does not give them back: known from the state alone."""

FIXED = {
    "availabilityZone": "AvailabilityZone",
    "dbName": "DBName",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "engine": "Engine",
    "identifier": "DBInstanceIdentifier",
    "kmsKeyId": "KmsKeyId",
    "port": "Port",
    "storageEncrypted": "StorageEncrypted",
    "username": "MasterUsername",
}
"""Inputs whose change is another instance. (The official provider changes port and name in place.)"""

REPLICA_INHERITS = frozenset(
    {"Engine", "EngineVersion", "AllocatedStorage", "DBName", "MasterUsername", "StorageEncrypted"}
)
"""Parameters that a replica has from its source; RDS refuses them when a replica is made."""

NOT_IN_ANSWER_AS_ASKED = frozenset({"DBParameterGroupName", "VpcSecurityGroupIds", "DBSubnetGroupName", "Port"})
PROVIDER_SIDE = frozenset(
    {
        "applyImmediately",
        "skipFinalSnapshot",
        "finalSnapshotIdentifier",
        "deleteAutomatedBackups",
        "password",
        "enabledCloudwatchLogsExports",
        "replicateSourceDb",
        "tags",
        "region",
    }
)


def create_instance(aws: Aws, inputs: Block) -> Created:
    """An instance, or a replica of another; RDS knows both by their identifier."""
    parameters = inputs.renamed({**FIXED, **CHANGEABLE, **PERFORMANCE})
    if inputs.has("enabledCloudwatchLogsExports"):
        parameters["EnableCloudwatchLogsExports"] = [*inputs.texts("enabledCloudwatchLogsExports")]
    parameters["Tags"] = TAGS.listed(tags.wanted(inputs))
    operation = "create_db_instance"
    if inputs.has("replicateSourceDb"):
        operation = "create_db_instance_read_replica"
        source = inputs.text("replicateSourceDb")
        require_backups(source, None if in_another_region(source) else _described(aws, source))
        parameters = {name: value for name, value in parameters.items() if name not in REPLICA_INHERITS}
        parameters["SourceDBInstanceIdentifier"] = inputs.text("replicateSourceDb")
    else:
        parameters["MasterUserPassword"] = inputs.text("password")
    identifier = inputs.text("identifier")
    try:
        answer = aws.call("rds", operation, **parameters)
    except AwsRefusal as refusal:
        there = _described(aws, identifier) if refusal.code in TAKEN else None
        if there is None:
            raise
        raise AlreadyThere(there.text("DbiResourceId"), str(refusal)) from refusal
    return Created(answer.block("DBInstance").text("DbiResourceId"))


def _described(aws: Aws, identifier: str) -> Block | None:
    answer = aws.find(MISSING, "rds", "describe_db_instances", DBInstanceIdentifier=identifier)
    return answer.blocks("DBInstances")[0] if answer else None


def _found(aws: Aws, instance_id: str, known: Block) -> Block | None:
    """The instance, by identifier when the state or an import has it, else by resource id, which is the id of the
    resource.
    """
    if known.has("identifier"):
        return _described(aws, known.text("identifier"))
    if not instance_id.startswith("db-"):
        return _described(aws, instance_id)
    answer = aws.call("rds", "describe_db_instances", Filters=[{"Name": "dbi-resource-id", "Values": [instance_id]}])
    return next(iter(answer.blocks("DBInstances")), None)


def read_instance(aws: Aws, instance_id: str, known: Block) -> Properties | None:
    """The instance with its endpoint. Its password is never given back."""
    instance = _found(aws, instance_id, known)
    if instance is None:
        return None
    names = {ours: api for ours, api in {**FIXED, **CHANGEABLE}.items() if api not in NOT_IN_ANSWER_AS_ASKED}
    endpoint, arn = instance.block("Endpoint"), instance.text("DBInstanceArn")
    address, port = endpoint.text("Address"), endpoint.number("Port")
    return {
        **instance.named(names),
        "port": port,
        "address": address,
        "endpoint": f"{address}:{port}",
        "hostedZoneId": endpoint.text("HostedZoneId"),
        "arn": arn,
        "resourceId": instance.text("DbiResourceId"),
        "status": instance.text("DBInstanceStatus"),
        "engineVersionActual": instance.text("EngineVersion"),
        "dbSubnetGroupName": instance.block("DBSubnetGroup").text("DBSubnetGroupName") or None,
        "parameterGroupName": next(
            (one.text("DBParameterGroupName") for one in instance.blocks("DBParameterGroups")), None
        ),
        "vpcSecurityGroupIds": [one.text("VpcSecurityGroupId") for one in instance.blocks("VpcSecurityGroups")],
        "replicas": [*instance.texts("ReadReplicaDBInstanceIdentifiers")],
        "replicateSourceDb": instance.text("ReadReplicaSourceDBInstanceIdentifier") or None,
        "region": aws.region,
        **tags.outputs(TAGS.found(aws, arn), known),
    }


def update_instance(aws: Aws, instance_id: str, before: Block, after: Block) -> None:
    """One modification with everything that changed; a dropped `replicateSourceDb` promotes the replica."""
    identifier = after.text("identifier")
    refuse_impossible(before, after)
    waiting = frozenset() if after.flag("applyImmediately") else DEFERRED
    if before.has("replicateSourceDb") and not after.has("replicateSourceDb"):
        aws.call("rds", "promote_read_replica", DBInstanceIdentifier=identifier)
    changed: Properties = {
        api: after.values[name]
        for name, api in {**CHANGEABLE, **PERFORMANCE, "password": "MasterUserPassword"}.items()
        if after.has(name) and before.values.get(name) != after.values.get(name) and name not in waiting
    }
    if before.has("deletionProtection") and not after.has("deletionProtection"):
        changed["DeletionProtection"] = False
    if changed:
        aws.call(
            "rds",
            "modify_db_instance",
            DBInstanceIdentifier=identifier,
            ApplyImmediately=after.flag("applyImmediately"),
            **changed,
        )
    instance = _found(aws, instance_id, after)
    if instance:
        TAGS.change(aws, instance.text("DBInstanceArn"), before, after)


def delete_instance(aws: Aws, instance_id: str, known: Block) -> None:
    """Remove the instance, with a last snapshot unless the program said otherwise; protected ones stay."""
    instance = _found(aws, instance_id, known)
    if instance is None:
        return
    identifier = instance.text("DBInstanceIdentifier")
    if instance.flag("DeletionProtection"):
        raise ProviderError(
            f"rds instance {identifier} has deletion protection (InvalidParameterCombination); set deletionProtection "
            f"to false and deploy before deleting it"
        )
    snapshot = known.text("finalSnapshotIdentifier")
    skip = known.flag("skipFinalSnapshot")
    if not skip and not snapshot:
        raise ProviderError(
            f"rds instance {identifier}: deleting it needs finalSnapshotIdentifier, or skipFinalSnapshot set to true"
        )
    last: Properties = {"SkipFinalSnapshot": True} if skip else {"FinalDBSnapshotIdentifier": snapshot}
    aws.remove(
        MISSING,
        "rds",
        "delete_db_instance",
        DBInstanceIdentifier=identifier,
        DeleteAutomatedBackups=known.flag("deleteAutomatedBackups", default=True),
        **last,
    )


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:rds/instance:Instance",
        inputs=frozenset({*FIXED, *CHANGEABLE, *PERFORMANCE} | PROVIDER_SIDE),
        replace_on=frozenset({*FIXED, "region"}),
        auto_name=AutoName("identifier", 63, lower=True, source="RDS API, CreateDBInstance.DBInstanceIdentifier"),
        defaults={"applyImmediately": False, "skipFinalSnapshot": False, "deleteAutomatedBackups": True},
        also_computed=frozenset(
            {
                "availabilityZone",
                "backupRetentionPeriod",
                "backupWindow",
                "caCertIdentifier",
                "dbName",
                "dbSubnetGroupName",
                "engineVersion",
                "engine",
                "kmsKeyId",
                "maintenanceWindow",
                "multiAz",
                "parameterGroupName",
                "port",
                "storageType",
                "username",
                "vpcSecurityGroupIds",
                "allocatedStorage",
            }
        ),
        problems=instance_problems,
        create=create_instance,
        read=read_instance,
        update=update_instance,
        delete=delete_instance,
    ),
)

"""Extension of moto's RDS: resource ids, replicas elsewhere, subnet groups, resetting parameters."""

from __future__ import annotations

import secrets
import string

from moto.core.responses import ActionResult
from moto.rds import urls
from moto.rds.exceptions import DBParameterGroupNotFoundError, RDSClientError
from moto.rds.models import DBInstance, rds_backends
from moto.rds.responses import RDSResponse

from localcloud.aws import moto_ec2

RESOURCE_ID_LENGTH = 26
"""Characters after `db-` in a resource id."""


class ExtendedRDSResponse(RDSResponse):
    """Moto's handler with instances of distinct identifiers."""

    def create_db_instance(self) -> ActionResult:
        """Give every instance a resource id of its own; moto's is the same for all."""
        answer = super().create_db_instance()
        self._identify()
        return answer

    def create_db_instance_read_replica(self) -> ActionResult:
        """A replica has its own resource id and tags; in another region it cannot have its source's parameter group."""
        source = self.backend.find_db_from_id(self.params["SourceDBInstanceIdentifier"])
        self.params.setdefault("Tags", [])
        if source.region != self.region:
            self.params.setdefault("DBParameterGroupName", source.default_db_parameter_group_details()[1])
            self._move_here_first()
        answer = super().create_db_instance_read_replica()
        self._identify()
        return answer

    def promote_read_replica(self) -> ActionResult:
        """A promoted replica has no source any more, and its source one replica less; moto leaves both as they were."""
        if replica := self._instance():
            self._part(replica)
        return ActionResult({"DBInstance": replica}) if replica else super().promote_read_replica()

    def delete_db_instance(self) -> ActionResult:
        """A replica leaves its source first: moto looks for it there by name even if it is listed by ARN, or gone."""
        replica = self._instance()
        if replica and replica.is_replica and not replica.deletion_protection:
            self._part(replica)
        return super().delete_db_instance()

    def _part(self, replica: DBInstance) -> None:
        """Take a replica out of its source's list, if that source still exists, and make it an instance of its own."""
        names = (replica.db_instance_identifier, replica.db_instance_arn)
        for regional in rds_backends[self.current_account].values():
            for source in regional.databases.values():
                source.replicas = [name for name in source.replicas if name not in names]
        replica.is_replica, replica.source_db_instance_identifier = False, None

    def create_db_subnet_group(self) -> ActionResult:
        """Refuse a name in use, which moto overwrites."""
        name = self.params["DBSubnetGroupName"]
        if name in self.backend.subnet_groups:
            raise RDSClientError("DBSubnetGroupAlreadyExists", f"DB subnet group '{name}' already exists.")
        return super().create_db_subnet_group()

    def modify_db_subnet_group(self) -> ActionResult:
        """Keep the group; moto takes it out of its table and forgets to put it back."""
        name = self.params["DBSubnetGroupName"]
        group = self.backend.describe_db_subnet_groups(name)[0]
        answer = super().modify_db_subnet_group()
        self.backend.subnet_groups[name] = group
        return answer

    def delete_db_subnet_group(self) -> ActionResult:
        """Refuse to take a group from under an instance."""
        name = self.params["DBSubnetGroupName"]
        for instance in self.backend.databases.values():
            if getattr(instance, "db_subnet_group", None) and instance.db_subnet_group.resource_id == name:
                message = f"Cannot delete subnet group '{name}': {instance.db_instance_identifier} uses it."
                raise RDSClientError("InvalidDBSubnetGroupStateFault", message)
        return super().delete_db_subnet_group()

    def reset_db_parameter_group(self) -> ActionResult:
        """Give parameters back to the engine's defaults."""
        name = self.params["DBParameterGroupName"]
        if name not in self.backend.db_parameter_groups:
            raise DBParameterGroupNotFoundError(name)
        group = self.backend.db_parameter_groups[name]
        for parameter in self.params.get("Parameters", []):
            group.parameters.pop(parameter["ParameterName"], None)
        return ActionResult({"DBParameterGroupName": name})

    def _move_here_first(self) -> None:
        """Moto sets the parameters in order on a copy of the source: the region has to come before the groups in it."""
        others = dict(self.params)
        self.params.clear()
        self.params.update({"backend": self.backend, **others})

    def _instance(self) -> DBInstance | None:
        return self.backend.databases.get(self.params["DBInstanceIdentifier"])

    def _identify(self) -> None:
        if instance := self._instance():
            letters = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(RESOURCE_ID_LENGTH))
            instance.dbi_resource_id = f"db-{letters}"


def extend() -> None:
    """Put our handler in the place of moto's in its table of addresses; subnet groups need the prepared network."""
    moto_ec2.extend()
    urls.url_paths["{0}/$"] = ExtendedRDSResponse.dispatch

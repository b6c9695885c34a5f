"""Secrets of the application: the addresses of its stores, which carry their passwords, and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pulumi
import pulumi_aws.secretsmanager as secretsmanager
from pulumi_kubernetes import core

from components.labels import metadata
from components.logins import Logins
from components.postgres import DatabaseEndpoint
from components.redis import RedisEndpoint
from stacks.specs.store import Role

COMPONENT = "application-secrets"
DATABASE_KEY: Final = "database_url"
REDIS_KEYS: Final = MappingProxyType({Role.CACHE: "redis_url", Role.QUEUE: "redis_queue_url"})
UNNAMED_STATEMENTS: Final = "&default_query_exec_mode=simple_protocol"
"""For KEDA's driver, which otherwise names statements on one server connection and runs them on another: a pooler of
transactions refuses the second. No other client knows the option."""


@dataclass(frozen=True)
class ApplicationSecretsArgs:
    """Arguments of ApplicationSecrets, of one region.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    region: AWS region of the resources.
    database: server behind the pooler.
    pooler: address that the services connect to.
    logins: logins of the services.
    owners: logins of the role that owns the tables (X02).
    keys: signing keys and tokens of the application, by file name.
    redis: Redis by purpose.
    recovery_days: days that AWS keeps a deleted secret; 0 deletes at once.
    key: ARN of the KMS key that encrypts the entry in Secrets Manager.
    """

    namespace: str
    product: str
    region: str
    database: DatabaseEndpoint
    pooler: DatabaseEndpoint
    logins: Logins
    owners: Logins
    keys: Mapping[str, pulumi.Output[str]]
    redis: Mapping[Role, RedisEndpoint]
    recovery_days: int
    key: pulumi.Input[str]


class ApplicationSecrets(pulumi.ComponentResource):
    """One Secrets Manager entry as the record, and Kubernetes Secrets whose keys are mounted as files.

    The Secrets' names are the engine's, so pods roll when a value changes. The owner's login is in one of its own,
    which jobs alone mount; so are what makes logins and databases, the keys, for who answers the public, and the
    address by which KEDA counts jobs and asks for the last request.
    """

    secret_name: pulumi.Output[str]
    keys_name: pulumi.Output[str]
    owner_name: pulumi.Output[str]
    migration_name: pulumi.Output[str]
    scaler_name: pulumi.Output[str]

    def __init__(self, name: str, args: ApplicationSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ApplicationSecrets", name, None, opts)
        values = {
            DATABASE_KEY: args.pooler.url(),
            "database_url_direct": args.database.logged_in(args.logins.active).url(),
            "database_read_url": args.pooler.read_url(),
            **{REDIS_KEYS[role]: endpoint.url() for role, endpoint in args.redis.items()},
        }
        owned = {**values, "database_url_direct": args.database.owned_by(args.owners.active).url()}
        logins = {args.database.logged_in(one).user: one.password for one in args.logins.both}
        owners = {args.database.owned_by(one).user: one.password for one in args.owners.both}
        administration = {
            "database_admin_url": args.database.url(),
            "database_logins": pulumi.Output.secret(pulumi.Output.json_dumps(logins)),
            "database_owner_logins": pulumi.Output.secret(pulumi.Output.json_dumps(owners)),
        }
        self._record(name, args, {**values, **administration, **args.keys})
        self.secret_name = self._mounted(f"{name}-secret", args, values)
        self.keys_name = self._mounted(f"{name}-keys", args, args.keys)
        self.owner_name = self._mounted(f"{name}-owner", args, owned)
        self.migration_name = self._mounted(f"{name}-migration", args, {**owned, **administration})
        counting = pulumi.Output.secret(pulumi.Output.concat(args.pooler.url(), UNNAMED_STATEMENTS))
        self.scaler_name = self._mounted(f"{name}-scaler", args, {DATABASE_KEY: counting})
        self.register_outputs({"secretName": self.secret_name})

    def _record(self, name: str, args: ApplicationSecretsArgs, values: Mapping[str, pulumi.Output[str]]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        record = secretsmanager.Secret(
            f"{name}-record",
            description=f"store addresses and keys of {args.product}",
            recovery_window_in_days=args.recovery_days,
            kms_key_id=args.key,
            region=args.region,
            opts=child,
        )
        secretsmanager.SecretVersion(
            f"{name}-version",
            secret_id=record.id,
            secret_string=pulumi.Output.secret(pulumi.Output.json_dumps(values)),
            region=args.region,
            opts=child,
        )

    def _mounted(
        self, name: str, args: ApplicationSecretsArgs, values: Mapping[str, pulumi.Output[str]]
    ) -> pulumi.Output[str]:
        secret = core.v1.Secret(
            name,
            metadata=metadata(COMPONENT, args.product, args.namespace),
            string_data=values,
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret.metadata.name

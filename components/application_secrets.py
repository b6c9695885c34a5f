"""What the application must keep to itself: the addresses of its stores, which carry their passwords."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws.secretsmanager as secretsmanager
from pulumi_kubernetes import core

from components.labels import metadata
from components.postgres import DatabaseEndpoint
from components.redis import RedisEndpoint

COMPONENT = "application-secrets"


@dataclass(frozen=True)
class ApplicationSecretsArgs:
    """The stores of one region, directly and through the pooler.

    ``recovery_days`` is how long AWS keeps a deleted secret, 0 deletes at once; ``key`` encrypts the entry.
    """

    namespace: str
    product: str
    region: str
    database: DatabaseEndpoint
    pooler: DatabaseEndpoint
    cache: RedisEndpoint
    queue: RedisEndpoint
    recovery_days: int
    key: pulumi.Input[str]


class ApplicationSecrets(pulumi.ComponentResource):
    """One Secrets Manager entry as the record, and one Kubernetes Secret whose keys are mounted as files.

    The Secret's name is the engine's, so pods roll when a value changes.
    """

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: ApplicationSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ApplicationSecrets", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        values = {
            "database_url": args.pooler.url(),
            "database_url_direct": args.database.url(),
            "database_read_url": args.pooler.read_url(),
            "redis_url": args.cache.url(),
            "redis_queue_url": args.queue.url(),
        }
        record = secretsmanager.Secret(
            f"{name}-record",
            description=f"store addresses of {args.product}",
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
        secret = core.v1.Secret(
            f"{name}-secret",
            metadata=metadata(COMPONENT, args.product, args.namespace),
            string_data=values,
            immutable=True,
            opts=child,
        )
        self.secret_name = secret.metadata.name
        self.register_outputs({"secretName": self.secret_name})

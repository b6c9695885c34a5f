"""Redis in the cluster: append-only file on a volume of its own, a password, a memory limit (requirement R01)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.hardening import container_security
from components.labels import metadata
from components.logins import Logins
from components.redis import RedisEndpoint
from components.stateful_store import StatefulStore, StatefulStoreArgs
from stacks.specs.network import Traffic
from stacks.specs.store import REDIS_PORT, REDIS_VOLUME_GB, Role, redis_component, redis_resources

UID = 999
PROBE_USER = "probe"
PING = ("redis-cli", "--no-auth-warning", "--user", PROBE_USER, "--pass", "any", "ping")
"""A user that may ask for a sign of life and nothing else, so that no probe needs the password in its environment."""
CONFIG_MOUNT = "/etc/redis"
DATA_MOUNT = "/data"


@dataclass(frozen=True)
class ClusterRedisArgs:
    """Arguments of ClusterRedis.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    role: purpose, which decides the eviction policy.
    cpu: CPU limit, such as 500m.
    memory_mb: maxmemory, MB; the pod gets twice that, for the fork that rewrites the file.
    traffic: peers that the pods may talk to, for their network policy (K11).
    image: image of Redis.
    logins: passwords that the server accepts.
    protect: refuse to delete the volume.
    component: name of the StatefulSet and its Service; None for that of its purpose.
    """

    namespace: str
    product: str
    role: Role
    cpu: str
    memory_mb: int
    traffic: Traffic
    image: str
    logins: Logins
    protect: bool = False
    component: str | None = None


class ClusterRedis(pulumi.ComponentResource):
    """A StatefulSet of one. The configuration is a secret as a whole, so the password stands in no command line."""

    endpoint: RedisEndpoint

    def __init__(self, name: str, args: ClusterRedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ClusterRedis", name, None, opts)
        component = args.component or redis_component(args.role)
        secret = core.v1.Secret(
            f"{name}-secret",
            metadata=metadata(component, args.product, args.namespace),
            string_data={
                "redis.conf": pulumi.Output.concat(configuration(args), *_accepted(args.logins)),
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        store = StatefulStore(
            name,
            StatefulStoreArgs(
                namespace=args.namespace,
                product=args.product,
                component=component,
                port=REDIS_PORT,
                uid=UID,
                storage=f"{REDIS_VOLUME_GB}Gi",
                container=_server(component, args),
                volumes=(
                    core.v1.VolumeArgs(
                        name="config",
                        secret=core.v1.SecretVolumeSourceArgs(secret_name=secret.metadata.name, default_mode=0o440),
                    ),
                ),
                traffic=args.traffic,
                grace_seconds=30,
                protect=args.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.endpoint = RedisEndpoint(store.host, args.logins.active.password, tls=False)
        self.register_outputs({"host": store.host})


def _accepted(logins: Logins) -> list[pulumi.Input[str]]:
    """Both passwords open the door, so that clients change over one by one."""
    passwords = [pulumi.Output.concat(" >", login.password) for login in logins.both]
    return ["user default on ~* &* +@all", *passwords, "\n"]


def configuration(args: ClusterRedisArgs) -> str:
    """redis.conf without the passwords."""
    lines = (
        f"port {REDIS_PORT}",
        f"user {PROBE_USER} on nopass -@all +ping",
        "appendonly yes",
        "appendfsync everysec",
        f"maxmemory {args.memory_mb}mb",
        f"maxmemory-policy {args.role.eviction}",
    )
    return "".join(f"{line}\n" for line in lines)


def _server(component: str, args: ClusterRedisArgs) -> core.v1.ContainerArgs:
    amount = redis_resources(args.cpu, args.memory_mb)
    ping = core.v1.ExecActionArgs(command=list(PING))
    return core.v1.ContainerArgs(
        name=component,
        image=args.image,
        args=["redis-server", f"{CONFIG_MOUNT}/redis.conf", "--dir", DATA_MOUNT],
        ports=[core.v1.ContainerPortArgs(name="server", container_port=REDIS_PORT)],
        resources=core.v1.ResourceRequirementsArgs(
            requests={**amount.requests(), "ephemeral-storage": "16Mi"},
            limits={**amount.limits(), "ephemeral-storage": "64Mi"},
        ),
        security_context=container_security(),
        startup_probe=core.v1.ProbeArgs(exec_=ping, period_seconds=1, timeout_seconds=5, failure_threshold=60),
        readiness_probe=core.v1.ProbeArgs(exec_=ping, period_seconds=10, timeout_seconds=5, failure_threshold=3),
        liveness_probe=core.v1.ProbeArgs(exec_=ping, period_seconds=20, timeout_seconds=5, failure_threshold=3),
        volume_mounts=[
            core.v1.VolumeMountArgs(name="data", mount_path=DATA_MOUNT),
            core.v1.VolumeMountArgs(name="config", mount_path=CONFIG_MOUNT, read_only=True),
        ],
    )

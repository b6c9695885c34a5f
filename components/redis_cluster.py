"""Redis in the cluster: append-only file on a volume of its own, a password, a memory limit (requirement R01)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.amount import Resources
from components.hardening import container_security
from components.labels import metadata
from components.logins import Logins
from components.network_policy import Traffic
from components.redis import PORT, RedisEndpoint, Role
from components.stateful_store import StatefulStore, StatefulStoreArgs

UID = 999
VOLUME_GB = 1
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


class ClusterRedis(pulumi.ComponentResource):
    """A StatefulSet of one. The configuration is a secret as a whole, so the password stands in no command line."""

    endpoint: RedisEndpoint

    def __init__(self, name: str, args: ClusterRedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ClusterRedis", name, None, opts)
        component = f"redis-{args.role}"
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
                port=PORT,
                uid=UID,
                storage=f"{VOLUME_GB}Gi",
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


def resources(cpu: str, memory_mb: int) -> Resources:
    """Requirement R01's; twice ``maxmemory`` as the limit."""
    return Resources("100m", cpu, "128Mi", f"{2 * memory_mb}Mi")


def _accepted(logins: Logins) -> list[pulumi.Input[str]]:
    """Both passwords open the door, so that clients change over one by one."""
    passwords = [pulumi.Output.concat(" >", login.password) for login in logins.both]
    return ["user default on ~* &* +@all", *passwords, "\n"]


def configuration(args: ClusterRedisArgs) -> str:
    """redis.conf without the passwords."""
    lines = (
        f"port {PORT}",
        f"user {PROBE_USER} on nopass -@all +ping",
        "appendonly yes",
        "appendfsync everysec",
        f"maxmemory {args.memory_mb}mb",
        f"maxmemory-policy {args.role.eviction}",
    )
    return "".join(f"{line}\n" for line in lines)


def _server(component: str, args: ClusterRedisArgs) -> core.v1.ContainerArgs:
    amount = resources(args.cpu, args.memory_mb)
    ping = core.v1.ExecActionArgs(command=list(PING))
    return core.v1.ContainerArgs(
        name=component,
        image=args.image,
        args=["redis-server", f"{CONFIG_MOUNT}/redis.conf", "--dir", DATA_MOUNT],
        ports=[core.v1.ContainerPortArgs(name="server", container_port=PORT)],
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

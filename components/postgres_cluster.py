"""Postgres in the cluster: one pod with its own volume, for stacks whose data may be made again."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.hardening import container_security
from components.labels import metadata
from components.logins import password
from components.postgres import (
    DatabaseEndpoint,
    server_parameters,
)
from components.stateful_store import StatefulStore, StatefulStoreArgs
from stacks.specs.network import Traffic
from stacks.specs.store import POSTGRES, POSTGRES_PORT, DatabaseNames, postgres_resources

UID = 999
PASSWORD_MOUNT = "/run/secrets/postgres"
DATA_MOUNT = "/var/lib/postgresql/data"


@dataclass(frozen=True)
class ClusterPostgresArgs:
    """Arguments of ClusterPostgres.

    names: names of the database and its logins.
    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    storage_gb: size of the volume, GB.
    cores: CPU limit, cores.
    memory_gb: memory limit, GB.
    max_connections: connections that the server accepts, on its command line.
    traffic: peers that the pods may talk to, for their network policy (K11).
    image: image of Postgres.
    protect: refuse to delete the volume.
    component: name of the StatefulSet and its Service.
    """

    names: DatabaseNames
    namespace: str
    product: str
    storage_gb: int
    cores: int
    memory_gb: int
    max_connections: int
    traffic: Traffic
    image: str
    protect: bool = False
    component: str = POSTGRES


class ClusterPostgres(pulumi.ComponentResource):
    """A StatefulSet of the official image with the parameters of requirement P01."""

    endpoint: DatabaseEndpoint

    def __init__(self, name: str, args: ClusterPostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:ClusterPostgres", name, None, opts)
        secret_value = password(name, self)
        secret = core.v1.Secret(
            f"{name}-secret",
            metadata=metadata(args.component, args.product, args.namespace),
            string_data={"password": secret_value.result},
            opts=pulumi.ResourceOptions(parent=self),
        )
        store = StatefulStore(
            name,
            StatefulStoreArgs(
                namespace=args.namespace,
                product=args.product,
                component=args.component,
                port=POSTGRES_PORT,
                uid=UID,
                storage=f"{args.storage_gb}Gi",
                container=_server(args),
                volumes=(
                    core.v1.VolumeArgs(
                        name="password",
                        secret=core.v1.SecretVolumeSourceArgs(secret_name=secret.metadata.name, default_mode=0o440),
                    ),
                    core.v1.VolumeArgs(name="run", empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit="16Mi")),
                    core.v1.VolumeArgs(name="tmp", empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit="1Gi")),
                ),
                traffic=args.traffic,
                grace_seconds=60,
                protect=args.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.endpoint = DatabaseEndpoint(
            args.names, store.host, (store.host,), args.names.administrator, secret_value.result, ssl_mode="disable"
        )
        self.register_outputs({"host": store.host})


def _server(args: ClusterPostgresArgs) -> core.v1.ContainerArgs:
    names = args.names
    wanted = server_parameters(args.memory_gb, args.max_connections)
    amount = postgres_resources(args.cores, args.memory_gb)
    answers = core.v1.ExecActionArgs(
        command=["psql", "-U", names.administrator, "-d", names.database, "-qtAc", "SELECT 1"]
    )
    return core.v1.ContainerArgs(
        name=args.component,
        image=args.image,
        args=[part for key, value in sorted(wanted.items()) for part in ("-c", f"{key}={value}")],
        ports=[core.v1.ContainerPortArgs(name="server", container_port=POSTGRES_PORT)],
        env=[
            core.v1.EnvVarArgs(name="POSTGRES_USER", value=names.administrator),
            core.v1.EnvVarArgs(name="POSTGRES_DB", value=names.database),
            core.v1.EnvVarArgs(name="POSTGRES_PASSWORD_FILE", value=f"{PASSWORD_MOUNT}/password"),
            core.v1.EnvVarArgs(name="PGDATA", value=f"{DATA_MOUNT}/pgdata"),
        ],
        resources=core.v1.ResourceRequirementsArgs(
            requests={**amount.requests(), "ephemeral-storage": "64Mi"},
            limits={**amount.limits(), "ephemeral-storage": "2Gi"},
        ),
        security_context=container_security(),
        startup_probe=core.v1.ProbeArgs(exec_=answers, period_seconds=1, timeout_seconds=5, failure_threshold=120),
        readiness_probe=core.v1.ProbeArgs(exec_=answers, period_seconds=10, timeout_seconds=5, failure_threshold=3),
        liveness_probe=core.v1.ProbeArgs(
            tcp_socket=core.v1.TCPSocketActionArgs(port="server"), period_seconds=20, failure_threshold=3
        ),
        volume_mounts=[
            core.v1.VolumeMountArgs(name="data", mount_path=DATA_MOUNT),
            core.v1.VolumeMountArgs(name="password", mount_path=PASSWORD_MOUNT, read_only=True),
            core.v1.VolumeMountArgs(name="run", mount_path="/var/run/postgresql"),
            core.v1.VolumeMountArgs(name="tmp", mount_path="/tmp"),
        ],
    )

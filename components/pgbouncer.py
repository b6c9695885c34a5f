"""PgBouncer in front of a database: many clients over few connections, in transaction mode (requirement P02)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pulumi
from pulumi_kubernetes import apps, core, meta, networking, policy

from components.hardening import container_security, pod_security
from components.labels import labels, metadata, selector
from components.logins import Logins
from components.network_policy import policy_spec
from components.postgres import DatabaseEndpoint
from components.spread import affinity, zone_spread
from stacks.specs.network import Traffic
from stacks.specs.store import POOLER, POOLER_RESOURCES, POSTGRES_PORT

UID: Final = 999
"""Its image needs no entry of it in passwd; low numbers belong to a node's own users."""
CONFIG_MOUNT: Final = "/etc/pgbouncer"
GRACE_SECONDS: Final = 60
LEAVE: Final = "sleep 5; kill -INT 1; sleep 50"
"""End of an instance: out of the Service first, then SIGINT, which lets every transaction end before its client is let
go, and a client with a pool comes back elsewhere. SIGTERM, which Kubernetes sends afterwards, would cut transactions
off, or from 1.23 on wait for clients that never leave.
"""
SERVER_IDLE_SECONDS: Final = 300
QUERY_WAIT_SECONDS: Final = 30
DNS_SECONDS: Final = 15


@dataclass(frozen=True)
class PgBouncerArgs:
    """Arguments of PgBouncer.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    image: image of PgBouncer.
    instances: number of pods.
    clients: clients that one instance accepts (max_client_conn, P02).
    pool_size: server connections that one instance keeps (default_pool_size, P02).
    database: server behind it.
    logins: logins of the services, which it passes on.
    traffic: peers that the pods may talk to, for their network policy (K11).
    component: name of the Deployment and its Service.
    """

    namespace: str
    product: str
    image: str
    instances: int
    clients: int
    pool_size: int
    database: DatabaseEndpoint
    logins: Logins
    traffic: Traffic
    component: str = POOLER


class PgBouncer(pulumi.ComponentResource):
    """A Deployment with its own budget, probes and address. ``endpoint`` is what applications use.

    The configuration is a secret as a whole, because it holds the password; its name is the engine's, so instances roll
    when it changes.
    """

    endpoint: DatabaseEndpoint

    def __init__(self, name: str, args: PgBouncerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:PgBouncer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        named = metadata(args.component, args.product, args.namespace, args.component)
        networking.v1.NetworkPolicy(
            f"{name}-traffic", metadata=named, spec=policy_spec(args.component, args.traffic), opts=child
        )
        account = core.v1.ServiceAccount(
            f"{name}-account", metadata=named, automount_service_account_token=False, opts=child
        )
        secret = core.v1.Secret(
            f"{name}-config",
            metadata=metadata(args.component, args.product, args.namespace),
            string_data={
                "pgbouncer.ini": configuration(args),
                "userlist.txt": pulumi.Output.secret(pulumi.Output.concat(*_accepted(args.database, args.logins))),
            },
            immutable=True,
            opts=child,
        )
        policy.v1.PodDisruptionBudget(
            f"{name}-budget",
            metadata=named,
            spec=policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1, selector=meta.v1.LabelSelectorArgs(match_labels=selector(args.component))
            ),
            opts=child,
        )
        apps.v1.Deployment(
            f"{name}-deployment",
            metadata=named,
            spec=_deployment(args, secret.metadata.name, account.metadata.name),
            opts=child,
        )
        core.v1.Service(
            f"{name}-service",
            # The Deployment already waits for ready pods; waiting for the Service too adds ten seconds.
            metadata=metadata(
                args.component, args.product, args.namespace, args.component, {"pulumi.com/skipAwait": "true"}
            ),
            spec=core.v1.ServiceSpecArgs(
                selector=selector(args.component),
                ports=[core.v1.ServicePortArgs(name="server", port=POSTGRES_PORT, target_port="server")],
            ),
            opts=child,
        )
        read = args.database.names.read_database if args.database.replicated else None
        # With its namespace, because the autoscaler asks from another one.
        host = f"{args.component}.{args.namespace}.svc"
        self.endpoint = replace(
            args.database.logged_in(args.logins.active),
            host=host,
            read_hosts=(host,),
            ssl_mode="disable",
            read_database=read,
        )
        self.register_outputs({"host": host})


def _accepted(database: DatabaseEndpoint, logins: Logins) -> list[pulumi.Input[str]]:
    """Both logins, for clients and for the server behind: clients change over one by one."""
    return [pulumi.Output.concat('"', database.logged_in(one).user, '" "', one.password, '"\n') for one in logins.both]


def configuration(args: PgBouncerArgs) -> pulumi.Output[str]:
    """pgbouncer.ini. To a managed server only over TLS; readers have a database name of their own, whose connections go
    to the replicas in turn (PgBouncer, configuration, host). Several replicas get a connection each as soon as there is
    a reader, and queries go round the connections: few readers would otherwise stay on one replica.
    """
    database, names = args.database, args.database.names
    several = len(database.read_hosts) > 1
    end = f" port={POSTGRES_PORT} dbname={names.database}\n"
    lines: list[pulumi.Input[str]] = [
        "[databases]\n",
        pulumi.Output.concat(f"{names.database} = host=", database.host, end),
    ]
    if database.replicated:
        hosts = pulumi.Output.all(*database.read_hosts).apply(",".join)
        least = f" min_pool_size={len(database.read_hosts)}" if several else ""
        lines.append(pulumi.Output.concat(f"{names.read_database} = host=", hosts, least, end))
    settings = {
        "listen_addr": "0.0.0.0",
        "listen_port": POSTGRES_PORT,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": f"{CONFIG_MOUNT}/userlist.txt",
        "pool_mode": "transaction",
        "max_client_conn": args.clients,
        "default_pool_size": args.pool_size,
        "max_db_connections": args.pool_size,
        "server_tls_sslmode": database.ssl_mode,
        "server_idle_timeout": SERVER_IDLE_SECONDS,
        "query_wait_timeout": QUERY_WAIT_SECONDS,
        **({"server_round_robin": 1} if several else {}),
        "dns_max_ttl": DNS_SECONDS,
        "ignore_startup_parameters": "extra_float_digits",
        "application_name_add_host": 1,
        "log_connections": 0,
        "log_disconnections": 0,
    }
    rendered = "".join(f"{key} = {value}\n" for key, value in settings.items())
    return pulumi.Output.concat(*lines, "\n[pgbouncer]\n", rendered)


def _deployment(
    args: PgBouncerArgs, secret: pulumi.Output[str], account: pulumi.Output[str]
) -> apps.v1.DeploymentSpecArgs:
    config = core.v1.SecretVolumeSourceArgs(secret_name=secret, default_mode=0o440)
    return apps.v1.DeploymentSpecArgs(
        replicas=args.instances,
        selector=meta.v1.LabelSelectorArgs(match_labels=selector(args.component)),
        strategy=apps.v1.DeploymentStrategyArgs(
            type="RollingUpdate", rolling_update=apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
        ),
        template=core.v1.PodTemplateSpecArgs(
            metadata=meta.v1.ObjectMetaArgs(labels=labels(args.component, args.product)),
            spec=core.v1.PodSpecArgs(
                service_account_name=account,
                automount_service_account_token=False,
                enable_service_links=False,
                security_context=pod_security(UID),
                termination_grace_period_seconds=GRACE_SECONDS,
                affinity=affinity(args.component),
                topology_spread_constraints=[zone_spread(args.component)],
                containers=[_container(args)],
                volumes=[
                    core.v1.VolumeArgs(name="config", secret=config),
                    core.v1.VolumeArgs(name="tmp", empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit="16Mi")),
                ],
            ),
        ),
    )


def _container(args: PgBouncerArgs) -> core.v1.ContainerArgs:
    accepts = core.v1.TCPSocketActionArgs(port="server")
    return core.v1.ContainerArgs(
        name=args.component,
        image=args.image,
        args=["pgbouncer", f"{CONFIG_MOUNT}/pgbouncer.ini"],
        ports=[core.v1.ContainerPortArgs(name="server", container_port=POSTGRES_PORT)],
        resources=core.v1.ResourceRequirementsArgs(
            requests={**POOLER_RESOURCES.requests(), "ephemeral-storage": "16Mi"},
            limits={**POOLER_RESOURCES.limits(), "ephemeral-storage": "64Mi"},
        ),
        security_context=container_security(),
        startup_probe=core.v1.ProbeArgs(tcp_socket=accepts, period_seconds=1, failure_threshold=60),
        readiness_probe=core.v1.ProbeArgs(tcp_socket=accepts, period_seconds=5, failure_threshold=3),
        liveness_probe=core.v1.ProbeArgs(tcp_socket=accepts, period_seconds=10, failure_threshold=3),
        lifecycle=core.v1.LifecycleArgs(
            pre_stop=core.v1.LifecycleHandlerArgs(exec_=core.v1.ExecActionArgs(command=["sh", "-c", LEAVE]))
        ),
        volume_mounts=[
            core.v1.VolumeMountArgs(name="config", mount_path=CONFIG_MOUNT, read_only=True),
            core.v1.VolumeMountArgs(name="tmp", mount_path="/tmp"),
        ],
    )

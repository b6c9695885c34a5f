"""One service of the product on Kubernetes: the pods, their address, their budget, their settings and their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import apps, core, meta, networking, policy

from components.hardening import container_security, pod_security
from components.labels import labels, metadata, selector
from components.network_policy import policy_spec
from components.spread import affinity, node_selector, tolerations, zone_spread
from stacks.specs.network import PROBES, SERVICE_PORT, NamedPort, Probes, Traffic
from stacks.specs.paths import METRICS_PATH
from stacks.specs.placement import GPU_RESOURCE, Spot
from stacks.specs.resources import Resources

PROGRESS_SECONDS = 600
"""Without a new ready pod for so long a rollout has failed, and the update with it (requirement A05). A node may have
to be added first; a start itself may take 155 s.
"""
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
SECRETS = "secrets"
SECRETS_MOUNT = "/etc/contentgen/secrets"
SECRET_MODE = 0o440


@dataclass(frozen=True)
class GenerationServiceArgs:
    """Arguments of GenerationService. Replicas are never set here: the autoscaler owns them.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    component: name of the Deployment, the Service and their label.
    image: image of the application.
    arguments: arguments after the image's entry point.
    ports: ports of the pods, the one with probes and metrics first.
    resources: requests and limits of one instance.
    pre_stop_seconds: first part of the grace period, in which endpoints are removed.
    grace_seconds: time from the begin of a stop to SIGKILL.
    traffic: peers that the pods may talk to, for their network policy (K11).
    secrets: Secrets whose keys are files under SECRETS_MOUNT.
    environment: variables, which become the config map.
    probes: paths of the probes.
    replicas: number of instances; None leaves it to an autoscaler.
    sticky: keep a client on its instance (K16), for callers inside the cluster too.
    spot: use of spot nodes (K12).
    gpu: GPU of the nodes that it runs on, as their label says it (K13); None without one.
    role: ARN of the AWS role that the service account takes; None for no AWS identity.
    cluster_sleeps: True if the cluster's version has the sleep action for preStop hooks.
    """

    namespace: str
    product: str
    component: str
    image: str
    arguments: tuple[str, ...]
    ports: tuple[NamedPort, ...]
    resources: Resources
    pre_stop_seconds: int
    grace_seconds: int
    traffic: Traffic
    secrets: tuple[pulumi.Input[str], ...] = ()
    environment: dict[str, pulumi.Input[str]] = field(default_factory=dict)
    probes: Probes = PROBES
    replicas: int | None = None
    sticky: bool = False
    spot: Spot | None = None
    gpu: str | None = None
    role: pulumi.Input[str] | None = None
    cluster_sleeps: bool = True


class GenerationService(pulumi.ComponentResource):
    """Deployment, Service, disruption budget, service account, config map and network policy of one component."""

    host: str

    def __init__(self, name: str, args: GenerationServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:GenerationService", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        named = metadata(args.component, args.product, args.namespace, args.component)
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=metadata(args.component, args.product, args.namespace, args.component, identity(args.role)),
            automount_service_account_token=False,
            opts=child,
        )
        config = core.v1.ConfigMap(
            f"{name}-config",
            metadata=metadata(args.component, args.product, args.namespace),
            data=args.environment,
            immutable=True,
            opts=child,
        )
        networking.v1.NetworkPolicy(
            f"{name}-traffic", metadata=named, spec=policy_spec(args.component, args.traffic), opts=child
        )
        policy.v1.PodDisruptionBudget(
            f"{name}-budget",
            metadata=named,
            spec=policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1, selector=meta.v1.LabelSelectorArgs(match_labels=selector(args.component))
            ),
            opts=child,
        )
        deployment = apps.v1.Deployment(
            f"{name}-deployment",
            metadata=named,
            spec=_deployment(args, config.metadata.name, account.metadata.name),
            opts=child,
        )
        if len(args.ports) == 1:
            _service(f"{name}-service", args.component, {SERVICE_PORT: args.ports[0]}, args, child)
        else:
            _service(f"{name}-service", args.component, {port.number: port for port in args.ports}, args, child)
            for port in args.ports:
                own = f"{args.component}-{port.name}"
                _service(f"{name}-{port.name}-service", own, {SERVICE_PORT: port}, args, child)
        self.host = args.component
        self.register_outputs({"host": self.host, "deployment": deployment.metadata.name})


def identity(role: pulumi.Input[str] | None) -> dict[str, pulumi.Input[str]] | None:
    """Annotation of a service account by which EKS hands its pods an AWS role."""
    return None if role is None else {ROLE_ANNOTATION: role}


def _service(
    name: str, own: str, ports: Mapping[int, NamedPort], args: GenerationServiceArgs, opts: pulumi.ResourceOptions
) -> None:
    """Service ``own`` with its ports and the pods' ports behind them."""
    core.v1.Service(
        name,
        metadata=metadata(
            args.component,
            args.product,
            args.namespace,
            own,
            # The Deployment already waits for ready pods; waiting for the Service too adds ten seconds to each.
            {"pulumi.com/skipAwait": "true"},
        ),
        spec=core.v1.ServiceSpecArgs(
            selector=selector(args.component),
            session_affinity="ClientIP" if args.sticky else "None",
            ports=[
                core.v1.ServicePortArgs(name=port.name, port=number, target_port=port.name)
                for number, port in ports.items()
            ],
        ),
        opts=opts,
    )


def _deployment(
    args: GenerationServiceArgs, config: pulumi.Output[str], account: pulumi.Output[str]
) -> apps.v1.DeploymentSpecArgs:
    port = str(args.ports[0].number)
    scrape = {"prometheus.io/scrape": "true", "prometheus.io/port": port, "prometheus.io/path": METRICS_PATH}
    return apps.v1.DeploymentSpecArgs(
        selector=meta.v1.LabelSelectorArgs(match_labels=selector(args.component)),
        replicas=args.replicas,
        progress_deadline_seconds=PROGRESS_SECONDS,
        strategy=apps.v1.DeploymentStrategyArgs(
            type="RollingUpdate", rolling_update=apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
        ),
        template=core.v1.PodTemplateSpecArgs(
            metadata=meta.v1.ObjectMetaArgs(labels=labels(args.component, args.product), annotations=scrape),
            spec=core.v1.PodSpecArgs(
                service_account_name=account,
                automount_service_account_token=False,
                enable_service_links=False,
                security_context=pod_security(),
                termination_grace_period_seconds=args.grace_seconds,
                affinity=affinity(args.component, args.spot),
                node_selector=node_selector(args.spot, args.gpu),
                tolerations=tolerations(args.spot, args.gpu),
                topology_spread_constraints=[zone_spread(args.component)],
                containers=[_container(args, config)],
                volumes=[
                    *_secrets(args.secrets),
                    core.v1.VolumeArgs(name="tmp", empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit="64Mi")),
                ],
            ),
        ),
    )


def _secrets(names: tuple[pulumi.Input[str], ...]) -> list[core.v1.VolumeArgs]:
    """One folder with the files of every secret; none for who has no secret."""
    if not names:
        return []
    sources = [core.v1.VolumeProjectionArgs(secret=core.v1.SecretProjectionArgs(name=name)) for name in names]
    projected = core.v1.ProjectedVolumeSourceArgs(sources=sources, default_mode=SECRET_MODE)
    return [core.v1.VolumeArgs(name=SECRETS, projected=projected)]


def instance_environment(port: int, *, secrets: bool = True) -> list[core.v1.EnvVarArgs]:
    """Variables that differ by instance, and the folder of the secrets, if there are any."""
    instance = core.v1.EnvVarSourceArgs(field_ref=core.v1.ObjectFieldSelectorArgs(field_path="metadata.name"))
    own = [
        core.v1.EnvVarArgs(name="INSTANCE_ID", value_from=instance),
        core.v1.EnvVarArgs(name="PORT", value=str(port)),
    ]
    return [*own, core.v1.EnvVarArgs(name="SECRETS_DIR", value=SECRETS_MOUNT)] if secrets else own


def _container(args: GenerationServiceArgs, config: pulumi.Output[str]) -> core.v1.ContainerArgs:
    mount = core.v1.VolumeMountArgs(name=SECRETS, mount_path=SECRETS_MOUNT, read_only=True)
    secrets = [mount] if args.secrets else []
    port = args.ports[0].name
    gpu = {GPU_RESOURCE: "1"} if args.gpu else {}
    return core.v1.ContainerArgs(
        name=args.component,
        image=args.image,
        args=list(args.arguments),
        ports=[core.v1.ContainerPortArgs(name=port.name, container_port=port.number) for port in args.ports],
        env=instance_environment(args.ports[0].number, secrets=bool(secrets)),
        env_from=[core.v1.EnvFromSourceArgs(config_map_ref=core.v1.ConfigMapEnvSourceArgs(name=config))],
        resources=core.v1.ResourceRequirementsArgs(
            requests={**args.resources.requests(), "ephemeral-storage": "64Mi"},
            limits={**args.resources.limits(), "ephemeral-storage": "256Mi", **gpu},
        ),
        security_context=container_security(),
        # E's timings: startup and liveness ask the process alone, readiness asks whether it can serve.
        startup_probe=_probe(args.probes.alive, port, delay=5, period=5, timeout=5, failures=30),
        readiness_probe=_probe(args.probes.ready, port, delay=10, period=5, timeout=5, failures=3),
        liveness_probe=_probe(args.probes.alive, port, delay=30, period=10, timeout=5, failures=3),
        lifecycle=core.v1.LifecycleArgs(pre_stop=_pause(args)),
        volume_mounts=[*secrets, core.v1.VolumeMountArgs(name="tmp", mount_path="/tmp")],
    )


def _pause(args: GenerationServiceArgs) -> core.v1.LifecycleHandlerArgs:
    """Older clusters cannot wait by themselves: a program of the image does."""
    seconds = args.pre_stop_seconds
    if args.cluster_sleeps:
        return core.v1.LifecycleHandlerArgs(sleep=core.v1.SleepActionArgs(seconds=seconds))
    return core.v1.LifecycleHandlerArgs(exec_=core.v1.ExecActionArgs(command=["sleep", str(seconds)]))


def _probe(path: str, port: str, *, delay: int, period: int, timeout: int, failures: int) -> core.v1.ProbeArgs:
    """Times in seconds; ``failures`` in a row make the probe fail."""
    return core.v1.ProbeArgs(
        http_get=core.v1.HTTPGetActionArgs(path=path, port=port),
        initial_delay_seconds=delay,
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )

"""``contentgen clusters``: everything that a real cluster must bring, in one table, each checked by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from infra.catalog.sizes import GPU_LADDER
from infra.settings.clusters import ControllerSettings
from infra.settings.edge import EdgeKind
from infra.settings.stack import StackSettings
from infra.settings.stores import Backend
from infra.settings.writers import Writer
from ops.clusters import Ask, ClusterRefusedError, ClusterUnknownError, kubectl
from ops.console import Report
from stacks.plan import plan
from stacks.specs.placement import GPU, GPU_RESOURCE, NODE_TYPE, SPOT, Spot

Object: TypeAlias = Mapping[str, object]
Query: TypeAlias = Callable[[StackSettings], tuple[str, ...]]
ABSENT: Final = ("NotFound", "not found", "the server doesn't have a resource type")
"""Words of kubectl for an object or a kind that is not there."""
RESEARCH_KEYS: Final = frozenset(("tavily_api_key", "serp_api_key", "stability_api_key"))


@dataclass(frozen=True)
class Prerequisite:
    """One thing that a cluster brings.

    name: stands for it in messages and on the page.
    needed: what stays without it.
    query: arguments of kubectl that ask for it.
    fix: what to do when it is missing or wrong.
    holds: whether the answer is as needed; being there is enough unless stated.
    applies: whether a stack needs it.
    """

    name: str
    needed: str
    query: Query
    fix: str
    holds: Callable[[Object, StackSettings], bool] = lambda found, settings: True
    applies: Callable[[StackSettings], bool] = lambda settings: True


def _gateway(settings: StackSettings) -> bool:
    return settings.edge.kind is EdgeKind.GATEWAY


def _in_cluster(settings: StackSettings) -> bool:
    profile = plan("", settings).profile
    return Backend.CLUSTER in (profile.postgres.backend, profile.redis.backend)


def _of_namespace(settings: StackSettings, *query: str) -> tuple[str, ...]:
    return ("-n", plan("", settings).namespace, *query, "-o", "json")


def _items(value: object) -> list[Object]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _at(found: object, *path: str) -> object:
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _condition(kind: str) -> Callable[[Object, StackSettings], bool]:
    def holds(found: Object, _: StackSettings) -> bool:
        conditions = _items(_at(found, "status", "conditions"))
        return any(one.get("type") == kind and one.get("status") == "True" for one in conditions)

    return holds


def _containers(found: Object) -> list[Object]:
    return _items(_at(found, "spec", "template", "spec", "containers"))


def _arguments(found: Object) -> list[str]:
    listed = [one.get("args") for one in _containers(found)]
    return [str(text) for one in listed if isinstance(one, list) for text in one]


def _at_least(*least: int) -> Callable[[Object, StackSettings], bool]:
    """True if the first container's image has this version at least; a digest alone gives no version."""

    def holds(found: Object, _: StackSettings) -> bool:
        versions = [re.search(r":v?([0-9]+)\.([0-9]+)", str(one.get("image", ""))) for one in _containers(found)]
        known = [(int(one[1]), int(one[2])) for one in versions if one]
        return not known or max(known) >= least

    return holds


def _has_default(found: Object, _: StackSettings) -> bool:
    notes = [_at(one, "metadata", "annotations") for one in _items(found.get("items"))]
    return any(isinstance(one, dict) and one.get(DEFAULT_CLASS) == "true" for one in notes)


def _gpus(settings: StackSettings) -> tuple[str, ...]:
    """GPUs of the stack's workloads, as labels of nodes say them (K13)."""
    sizes = (one.size.gpu for one in plan("", settings).workloads)
    return tuple(sorted({GPU_LADDER[size].accelerator for size in sizes if size is not None}))


def _on_spot_alone(settings: StackSettings) -> bool:
    return any(one.spot is Spot.REQUIRED for one in plan("", settings).workloads)


def _count_gpus(found: Object, settings: StackSettings) -> bool:
    """A node of each GPU, on which the device plugin has counted at least one."""
    counted = {
        _at(one, "metadata", "labels", GPU)
        for one in _items(found.get("items"))
        if _at(one, "status", "capacity", GPU_RESOURCE) not in (None, "0")
    }
    return set(_gpus(settings)) <= counted


DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"


def _publishes_routes(found: Object, _: StackSettings) -> bool:
    """Flags without which three clusters on one zone undo each other (external-dns documentation, registry/txt)."""
    flags = dict(text.removeprefix("--").split("=", 1) for text in _arguments(found) if "=" in text)
    sources = [text for text in _arguments(found) if text == "--source=gateway-httproute"]
    own = flags.get("txt-owner-id", "default") != "default"
    return bool(sources) and own and "domain-filter" in flags and flags.get("txt-prefix", "").endswith(".")


def _has_keys(found: Object, settings: StackSettings) -> bool:
    data = found.get("data")
    wanted = {f"{one.value}_api_key" for one in settings.writers.providers if one is not Writer.EMBEDDED}
    return isinstance(data, dict) and wanted <= set(data)


def _has_research_key(found: Object, _: StackSettings) -> bool:
    data = found.get("data")
    return isinstance(data, dict) and not RESEARCH_KEYS.isdisjoint(data)


def _deployment(
    name: str, namespace: Callable[[ControllerSettings], str]
) -> Callable[[StackSettings], tuple[str, ...]]:
    return lambda settings: ("-n", namespace(settings.controllers), "get", "deployment", name, "-o", "json")


def _fixed(*arguments: str) -> Query:
    return lambda settings: (*arguments, "-o", "json")


PREREQUISITES: Final = (
    Prerequisite(
        "GatewayClass", "the Gateway is never accepted: no edge",
        lambda settings: ("get", "gatewayclass", settings.controllers.gateway_class, "-o", "json"),
        "make a GatewayClass of controller gateway.envoyproxy.io/gatewayclass-controller with the name of "
        "contentgen:controllers.gateway_class; the chart makes none", _condition("Accepted"), _gateway,
    ),
    Prerequisite(
        "Envoy Gateway", "no edge; before 1.6 fields are refused",
        _deployment("envoy-gateway", lambda names: names.gateway),
        "install the chart gateway-helm 1.6 or newer into contentgen:controllers.gateway", _at_least(1, 6), _gateway,
    ),
    Prerequisite(
        "EnvoyProxy", "the Gateway names one: no edge",
        _fixed("get", "crd", "envoyproxies.gateway.envoyproxy.io"), "install the CRDs of Envoy Gateway 1.6",
        applies=_gateway,
    ),
    Prerequisite(
        "AWS Load Balancer Controller", "no load balancer is made: no address, no DNS",
        _fixed("-n", "kube-system", "get", "deployment", "aws-load-balancer-controller"),
        "install the chart aws-load-balancer-controller with its role; tag the public subnets kubernetes.io/role/elb",
        applies=_gateway,
    ),
    Prerequisite(
        "cert-manager", "no certificate: HTTPS listeners have no secret",
        _deployment("cert-manager", lambda names: names.certificates),
        "install cert-manager 1.14 or newer into contentgen:controllers.certificates", _at_least(1, 14),
    ),
    Prerequisite(
        "cert-manager's account", "it may not ask for tokens of the issuer's account: no certificate",
        lambda settings: (
            "-n", settings.controllers.certificates, "get", "serviceaccount", settings.controllers.issuer_account,
            "-o", "json",
        ),
        "set contentgen:controllers.issuer_account to the account of cert-manager's Deployment",
    ),
    Prerequisite(
        "KEDA", "workers do not follow the queue, and what goes to one instance without requests stays there",
        _deployment("keda-operator", lambda names: names.scaler),
        "install KEDA into contentgen:controllers.scaler",
    ),
    Prerequisite(
        "metrics-server", "autoscalers on CPU and memory never scale; EKS has none by default",
        _fixed("get", "apiservice", "v1beta1.metrics.k8s.io"), "install metrics-server, for EKS as an add-on",
        _condition("Available"),
    ),
    Prerequisite(
        "prometheus-operator", "PodMonitors and rules are refused",
        _fixed("get", "crd", "podmonitors.monitoring.coreos.com"),
        "install it, or set contentgen:alerts.operator to false", applies=lambda settings: settings.alerts.operator,
    ),
    Prerequisite(
        "namespace of Prometheus", "network policies keep it from reading metrics",
        lambda settings: ("get", "namespace", settings.controllers.monitoring, "-o", "json"),
        "set contentgen:controllers.monitoring to the namespace of Prometheus",
        applies=lambda settings: settings.alerts.operator,
    ),
    Prerequisite(
        "external-dns", "the page and the regions have no name, or clusters delete each other's records",
        _deployment("external-dns", lambda names: names.dns),
        "install it into contentgen:controllers.dns with --source=gateway-httproute, --domain-filter=<domain>, a "
        "--txt-owner-id of the cluster's own and a --txt-prefix that ends with a dot, such as owner-%{record_type}.",
        _publishes_routes, _gateway,
    ),
    Prerequisite(
        "network policies", "policies are silently not enforced",
        _fixed("-n", "kube-system", "get", "daemonset", "aws-node"),
        "set enableNetworkPolicy to true in the configuration of the add-on vpc-cni",
        lambda found, settings: "--enable-network-policy=true" in _arguments(found),
    ),
    Prerequisite(
        "default StorageClass", "volumes stay pending; EKS 1.30 and newer mark none as the default",
        _fixed("get", "storageclass"), f"annotate one with {DEFAULT_CLASS}=true", _has_default, _in_cluster,
    ),
    Prerequisite(
        "EBS CSI driver", "volumes stay pending", _fixed("get", "csidriver", "ebs.csi.aws.com"),
        "install the EKS add-on aws-ebs-csi-driver with its role", applies=_in_cluster,
    ),
    Prerequisite(
        "nodes with GPUs", "what renders on a GPU waits for a node until the update fails",
        lambda settings: ("get", "nodes", "-l", f"{GPU} in ({','.join(_gpus(settings))})", "-o", "json"),
        f"add a node group with the label {GPU}: nvidia-t4 (nvidia-a10 after the step), the taint {GPU_RESOURCE} and "
        "NVIDIA's device plugin, with one node at least: a group without nodes cannot be seen",
        _count_gpus, lambda settings: bool(_gpus(settings)),
    ),
    Prerequisite(
        "spot nodes", "what runs on spot nodes alone waits for one, and its queue with it",
        lambda settings: ("get", "nodes", "-l", f"{NODE_TYPE}={SPOT}", "-o", "json"),
        f"add a node group on spot capacity with the label {NODE_TYPE}: {SPOT} and, if it is tainted, the taint of "
        "that name, with one node at least", lambda found, settings: bool(_items(found.get("items"))), _on_spot_alone,
    ),
    Prerequisite(
        "keys of the language models", "the service that writes waits for its Secret until the update fails",
        lambda settings: _of_namespace(settings, "get", "secret", str(settings.writers.secret)),
        "make the stack's namespace and in it the Secret of contentgen:writers.secret: <provider>_api_key for each",
        _has_keys, lambda settings: settings.writers.secret is not None,
    ),
    Prerequisite(
        "keys of research and pictures", "the service that writes waits for its Secret until the update fails",
        lambda settings: _of_namespace(settings, "get", "secret", str(settings.research.secret)),
        f"make the Secret of contentgen:research.secret with one or more of {', '.join(sorted(RESEARCH_KEYS))}",
        _has_research_key,
        lambda settings: settings.research.secret is not None,
    ),
    Prerequisite(
        "address of the error tracker", "every service waits for its Secret until the update fails",
        lambda settings: _of_namespace(settings, "get", "secret", str(settings.telemetry.secret)),
        "make the Secret of contentgen:telemetry.secret with the key sentry_dsn",
        lambda found, settings: isinstance(found.get("data"), dict) and "sentry_dsn" in str(found["data"]),
        lambda settings: settings.telemetry.secret is not None,
    ),
)  # fmt: skip


def prerequisites_hold(
    settings: StackSettings, contexts: Mapping[str, str], report: Report, ask: Ask = kubectl
) -> bool:
    """Reports every missing prerequisite of every region; False when there is one, or an answer makes no sense. What we
    may not ask for is reported and does not fail the check.
    """
    holds = True
    for region, context in contexts.items():
        for one in PREREQUISITES:
            try:
                problem = problem_of(one, settings, context, ask)
            except ClusterRefusedError as error:
                report.line(f"{region}: {one.name} cannot be checked: {error}")
                continue
            except ClusterUnknownError as error:
                problem = f"{one.name} cannot be checked: {error}"
            if problem:
                report.line(f"{region}: {problem}")
                holds = False
    return holds


def problem_of(one: Prerequisite, settings: StackSettings, context: str, ask: Ask) -> str:
    """Shortcoming of a cluster, with the fix; nothing when it has the prerequisite or the stack does not need it.

    Raises ClusterRefusedError, and ClusterUnknownError for an answer that makes no sense too.
    """
    if not one.applies(settings):
        return ""
    try:
        found = json.loads(ask(context, one.query(settings)))
    except ClusterUnknownError as error:
        if not any(word in str(error) for word in ABSENT):
            raise
        return f"{one.name} is missing: {one.needed}; fix: {one.fix}"
    except ValueError as error:
        raise ClusterUnknownError(f"its answer is none of Kubernetes': {error}") from None
    return "" if one.holds(found, settings) else f"{one.name} is not as needed: {one.needed}; fix: {one.fix}"

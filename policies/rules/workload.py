"""Hardened pods: no root, no privileges, nothing of the host (Pod Security Standards, restricted)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.pods import POD_TYPES, containers, pod
from policies.reading import Properties, at, mapping, mappings, number, shown, states, text, texts
from policies.remedies import hardened, without_token
from policies.rule import Break, Resource, ResourceRule
from policies.tunables import Kind, Settings, Tunable

VOLUMES: Final = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
SAFE_SECCOMP: Final = ("RuntimeDefault", "Localhost")
POD: Final = "/spec/template/spec"
CONTAINER: Final = f"{POD}/containers/0"


def _restricted(resource: Resource, settings: Settings) -> Iterator[str]:
    spec = pod(resource)
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key) not in (None, False):
            yield f"{key} is {shown(spec.get(key))}; a pod stays out of the host's namespaces"
    for volume in mappings(spec.get("volumes")):
        for kind in volume:
            if kind != "name" and kind not in VOLUMES:
                yield f"volume {text(volume.get('name'))} is a {kind}; allowed are {', '.join(VOLUMES)}"
    found = list(containers(resource))
    if not found:
        yield "has no container that could be looked at"
    for name, container in found:
        yield from (f"{name}: {wrong}" for wrong in _container(container, mapping(spec.get("securityContext"))))


def _container(container: Properties, of_pod: Properties) -> Iterator[str]:
    own = mapping(container.get("securityContext"))
    if own.get("privileged") not in (None, False):
        yield f"privileged is {shown(own.get('privileged'))}; allowed is false"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"allowPrivilegeEscalation is {shown(own.get('allowPrivilegeEscalation'))}; allowed is false"
    if "ALL" not in texts(at(own, "capabilities", "drop")):
        yield "capabilities.drop does not hold ALL"
    for added in texts(at(own, "capabilities", "add")):
        if added != "NET_BIND_SERVICE":
            yield f"adds the capability {added}; allowed is NET_BIND_SERVICE alone"
    profile = text(at(own, "seccompProfile", "type")) or text(at(of_pod, "seccompProfile", "type"))
    if profile not in SAFE_SECCOMP:
        yield f"seccompProfile is {profile or 'absent'}; allowed are {' and '.join(SAFE_SECCOMP)}"
    if (own if states(own, "runAsNonRoot") else of_pod).get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    for port in mappings(container.get("ports")):
        if port.get("hostPort") is not None:
            yield f"takes port {shown(port.get('hostPort'))} of the host"


def _read_only(resource: Resource, settings: Settings) -> Iterator[str]:
    for name, container in containers(resource):
        if at(container, "securityContext", "readOnlyRootFilesystem") is not True:
            yield f"{name}: readOnlyRootFilesystem is not true; give it an emptyDir where it must write"


def _user(resource: Resource, settings: Settings) -> Iterator[str]:
    least = settings.number("least")
    of_pod = mapping(pod(resource).get("securityContext"))
    for name, container in containers(resource):
        own = mapping(container.get("securityContext"))
        for key in ("runAsUser", "runAsGroup"):
            value = number((own if states(own, key) else of_pod).get(key))
            if value is None or value < least:
                yield f"{name}: {key} is {shown(value)}; it must be {least:g} or above"


def _no_token(resource: Resource, settings: Settings) -> Iterator[str]:
    if pod(resource).get("automountServiceAccountToken") is not False and (
        text(pod(resource).get("serviceAccountName")) not in settings.texts("allowed")
    ):
        yield "automountServiceAccountToken is not false; a pod that calls no Kubernetes API needs no token"


POD_SECURITY: Final = ResourceRule(
    id="WRK-01",
    name="pod-security",
    severity=Severity.CRITICAL,
    says="Pods run without root, privileges, added capabilities or anything of the host.",
    why="Whoever breaks into such a container stays in it.",
    fix="Set the pod's and the containers' securityContext as Pod Security Standards, restricted, ask.",
    source="Kubernetes Pod Security Standards, restricted; Checkov CKV_K8S_16-20, 23, 26-31, 37",
    types=POD_TYPES,
    check=_restricted,
    remedy=hardened,
    breaks=(
        Break("deployment", f"{POD}/hostNetwork", True),
        Break("deployment", f"{POD}/volumes/1", {"name": "host", "hostPath": {"path": "/"}}),
        Break("deployment", f"{POD}/securityContext/seccompProfile"),
        Break("deployment", f"{POD}/securityContext/runAsNonRoot", False),
        Break("deployment", f"{POD}/securityContext/runAsNonRoot"),
        Break("deployment", f"{CONTAINER}/securityContext/privileged", True),
        Break("deployment", f"{CONTAINER}/securityContext/allowPrivilegeEscalation"),
        Break("deployment", f"{CONTAINER}/securityContext/allowPrivilegeEscalation", True),
        Break("deployment", f"{CONTAINER}/securityContext/capabilities/drop", ["NET_RAW"]),
        Break("deployment", f"{CONTAINER}/securityContext/capabilities/add", ["SYS_ADMIN"]),
        Break("deployment", f"{CONTAINER}/ports", [{"containerPort": 80, "hostPort": 80}]),
        Break("deployment", f"{POD}/initContainers", [{"name": "first"}]),
        Break("backup", "/spec/jobTemplate/spec/template/spec/hostPID", True),
        Break("store", f"{CONTAINER}/securityContext/capabilities"),
    ),
)

READ_ONLY_ROOT: Final = ResourceRule(
    id="WRK-02",
    name="read-only-root",
    severity=Severity.HIGH,
    says="Containers cannot change their own files.",
    why="What an intruder brings along has nowhere to go, and what runs is what was reviewed.",
    fix="Set readOnlyRootFilesystem, and mount an emptyDir at /tmp.",
    source="Checkov CKV_K8S_22; kube-score",
    types=POD_TYPES,
    check=_read_only,
    breaks=(
        Break("deployment", f"{CONTAINER}/securityContext/readOnlyRootFilesystem", False),
        Break("deployment", f"{CONTAINER}/securityContext/readOnlyRootFilesystem"),
    ),
)

HIGH_USER: Final = ResourceRule(
    id="WRK-03",
    name="pod-user",
    severity=Severity.LOW,
    says="Pods run as a user and group of their own, above those of the host's.",
    why="A number below that may be somebody on the host, should a container ever be left.",
    fix="Set runAsUser and runAsGroup.",
    source="Checkov CKV_K8S_40; kube-score",
    types=POD_TYPES,
    check=_user,
    tunables=(Tunable("least", Kind.NUMBER, 10000, "lowest user and group number"),),
    breaks=(
        Break("deployment", f"{POD}/securityContext/runAsUser", 33),
        Break("deployment", f"{POD}/securityContext/runAsGroup"),
    ),
)

NO_TOKEN: Final = ResourceRule(
    id="WRK-04",
    name="no-service-account-token",
    severity=Severity.MEDIUM,
    says="Pods do not carry a token for the Kubernetes API.",
    why="The token is the first thing an intruder looks for; what asks the API nothing needs none.",
    fix="Set automountServiceAccountToken to false, or allow the service account by name.",
    source="Checkov CKV_K8S_38, CKV_K8S_41",
    types=POD_TYPES,
    check=_no_token,
    remedy=without_token,
    tunables=(Tunable("allowed", Kind.TEXTS, [], "service accounts whose pods do call the API"),),
    breaks=(
        Break("deployment", f"{POD}/automountServiceAccountToken", True),
        Break("deployment", f"{POD}/automountServiceAccountToken"),
    ),
)

RULES: Final = (POD_SECURITY, READ_ONLY_ROOT, HIGH_USER, NO_TOKEN)

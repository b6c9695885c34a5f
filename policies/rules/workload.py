"""Hardened pods: no root, no privileges, nothing of the host (Pod Security Standards, restricted)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.pod_security import BASELINE, RESTRICTED, baseline, restricted
from policies.pods import POD_TYPES, containers, is_windows, pod
from policies.reading import at, items, mapping, mappings, number, shown, states, text
from policies.remedies import hardened, without_token
from policies.rule import Break, Resource, ResourceRule
from policies.tunables import Kind, Settings, Tunable

POD: Final = "/spec/template/spec"
CONTAINER: Final = f"{POD}/containers/0"


def _standard(resource: Resource, settings: Settings) -> Iterator[str]:
    yield from baseline(resource)
    if settings.text("standard") != BASELINE:
        yield from restricted(resource)


def _read_only(resource: Resource, settings: Settings) -> Iterator[str]:
    if is_windows(resource):
        return
    for name, container in containers(resource):
        value = at(container, "securityContext", "readOnlyRootFilesystem")
        if value is not True and not (resource.partial and value is None):
            yield f"{name}: readOnlyRootFilesystem is not true; give it an emptyDir where it must write"


def _user(resource: Resource, settings: Settings) -> Iterator[str]:
    if is_windows(resource):
        return
    least = settings.number("least")
    of_pod = mapping(pod(resource).get("securityContext"))
    for name, container in containers(resource):
        own = mapping(container.get("securityContext"))
        for key in ("runAsUser", "runAsGroup"):
            value = number((own if states(own, key) else of_pod).get(key))
            if (value is None and not resource.partial) or (value is not None and value < least):
                yield f"{name}: {key} is {shown(value)}; it must be {least:g} or above"
    for key in ("fsGroup", "supplementalGroups"):
        groups = [of_pod.get(key)] if key == "fsGroup" else items(of_pod.get(key))
        if any(number(one) == 0 for one in groups):
            yield f"{key} is 0, which is the group of root; take another"


def _no_token(resource: Resource, settings: Settings) -> Iterator[str]:
    mounted = pod(resource).get("automountServiceAccountToken")
    if (mounted if resource.partial else mounted is not False) and (
        text(pod(resource).get("serviceAccountName")) not in settings.texts("allowed")
    ):
        yield "automountServiceAccountToken is not false; a pod that calls no Kubernetes API needs no token"
    for volume in mappings(pod(resource).get("volumes")):
        for source in mappings(at(volume, "projected", "sources")):
            if states(source, "serviceAccountToken") and not text(at(source, "serviceAccountToken", "audience")):
                yield f"volume {text(volume.get('name'))} holds a token for the Kubernetes API; name another audience"


POD_SECURITY: Final = ResourceRule(
    id="WRK-01",
    name="pod-security",
    severity=Severity.CRITICAL,
    says="Pods run without root, privileges, added capabilities or anything of the host.",
    why="An intruder in such a container cannot leave it.",
    fix="Set the pod's and the containers' securityContext as Pod Security Standards, restricted, ask.",
    source="Kubernetes Pod Security Standards, restricted; Checkov CKV_K8S_16-20, 23, 26-31, 37",
    types=POD_TYPES,
    of_parts=True,
    check=_standard,
    remedy=hardened,
    tunables=(Tunable("standard", Kind.TEXT, RESTRICTED, f"{RESTRICTED}, or {BASELINE}, which forbids less"),),
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
    of_parts=True,
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
    why="A lower number may be a user of the host, should a process ever leave its container.",
    fix="Set runAsUser and runAsGroup.",
    source="Checkov CKV_K8S_40; kube-score",
    types=POD_TYPES,
    of_parts=True,
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
    of_parts=True,
    check=_no_token,
    remedy=without_token,
    tunables=(Tunable("allowed", Kind.TEXTS, [], "service accounts whose pods do call the API"),),
    breaks=(
        Break("deployment", f"{POD}/automountServiceAccountToken", True),
        Break("deployment", f"{POD}/automountServiceAccountToken"),
    ),
)

AREA: Final = "Workloads"
RULES: Final = (POD_SECURITY, READ_ONLY_ROOT, HIGH_USER, NO_TOKEN)

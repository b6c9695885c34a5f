"""Pod Security Standards, each control for every kind of workload and every list of containers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from policies.examples.base import in_cluster
from policies.examples.cluster import HARDENED, IMAGE
from policies.pods import TEMPLATES
from policies.reading import Value
from policies.rule import Resource
from policies.rules.workload import POD_SECURITY
from policies.testing import as_function, through_proxies

Pod = dict[str, "Value"]
Values = Mapping[str, "Value"]

OF_POD: dict[str, Pod] = {
    "hostNetwork": {"hostNetwork": True},
    "hostPID": {"hostPID": True},
    "hostIPC": {"hostIPC": True},
    "hostProcess": {"securityContext": {"windowsOptions": {"hostProcess": True}}},
    "hostPath": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
    "sysctls": {"securityContext": {"sysctls": [{"name": "kernel.shmmax", "value": "1"}]}},
    "appArmor": {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
    "seLinux type": {"securityContext": {"seLinuxOptions": {"type": "unconfined_t"}}},
    "seLinux role": {"securityContext": {"seLinuxOptions": {"role": "sysadm_r"}}},
    "seccomp": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
}
OF_CONTAINER: dict[str, Pod] = {
    "privileged": {"securityContext": {**HARDENED, "privileged": True}},
    "capability": {"securityContext": {**HARDENED, "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}},
    "hostProcess": {"securityContext": {**HARDENED, "windowsOptions": {"hostProcess": True}}},
    "hostPort": {"ports": [{"containerPort": 80, "hostPort": 80}]},
    "procMount": {"securityContext": {**HARDENED, "procMount": "Unmasked"}},
    "seLinux user": {"securityContext": {**HARDENED, "seLinuxOptions": {"user": "root"}}},
    "appArmor": {"securityContext": {**HARDENED, "appArmorProfile": {"type": "Unconfined"}}},
    "seccomp": {"securityContext": {**HARDENED, "seccompProfile": {"type": "Unconfined"}}},
    "probe": {"readinessProbe": {"tcpSocket": {"host": "10.0.0.1", "port": 80}}},
    "hook": {"lifecycle": {"preStop": {"httpGet": {"host": "10.0.0.1", "port": 80}}}},
}
RESTRICTED_ONLY: dict[str, Pod] = {
    "volume": {"volumes": [{"name": "disk", "nfs": {"server": "a", "path": "/"}}]},
    "root by number": {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}},
    "root": {"securityContext": {"runAsNonRoot": False}},
    "escalation": {"containers": [{"name": "a", "securityContext": {**HARDENED, "allowPrivilegeEscalation": True}}]},
    "no word of escalation": {"containers": [{"name": "a", "securityContext": {"capabilities": {"drop": ["ALL"]}}}]},
    "kept capabilities": {"containers": [{"name": "a", "securityContext": {"allowPrivilegeEscalation": False}}]},
    "added capability": {
        "containers": [
            {"name": "a", "securityContext": {**HARDENED, "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}}
        ]
    },
}


def good() -> Pod:
    container: Pod = {"name": "a", "image": IMAGE, "securityContext": {**HARDENED}}
    return {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }


def workload(type_: str, pod: Values) -> Resource:
    """An object of the kind, with the pod where the kind has it."""
    wrapped: Pod = {"spec": pod}
    for step in reversed(TEMPLATES[type_]):
        wrapped = {step: wrapped}
    return in_cluster(type_.removeprefix("kubernetes:"), "a", wrapped)


def said(type_: str, pod: Values, standard: str = "restricted") -> list[str]:
    resource, config = workload(type_, pod), {"standard": standard}
    plain = as_function(POD_SECURITY, [resource], config)
    assert through_proxies(POD_SECURITY, [resource], config) == plain
    return plain


def merged(pod: Pod, more: Values) -> Pod:
    context = {**pod["securityContext"], **more.get("securityContext", {})}  # type: ignore[dict-item]
    return {**pod, **more, "securityContext": context}


@pytest.mark.requirement("Y04")
@pytest.mark.parametrize("type_", TEMPLATES)
@pytest.mark.parametrize("standard", ["baseline", "restricted"])
def test_a_good_pod_of_any_kind_passes_both_standards(type_: str, standard: str) -> None:
    assert said(type_, good(), standard) == []


@pytest.mark.requirement("Y04")
@pytest.mark.parametrize("type_", TEMPLATES)
@pytest.mark.parametrize("control", OF_POD)
def test_a_control_of_baseline_on_pods_holds_for_every_kind(type_: str, control: str) -> None:
    pod = merged(good(), OF_POD[control])
    assert said(type_, pod, "baseline")
    assert said(type_, pod)


@pytest.mark.requirement("Y04")
@pytest.mark.parametrize("where", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize("type_", TEMPLATES)
@pytest.mark.parametrize("control", OF_CONTAINER)
def test_a_control_of_baseline_on_containers_holds_for_every_kind_and_list(
    type_: str, control: str, where: str
) -> None:
    pod = good()
    first: Sequence[Value] = pod["containers"] if where == "containers" else []  # type: ignore[assignment]
    bad: Pod = {"name": "b", "image": IMAGE, "securityContext": {**HARDENED}, **OF_CONTAINER[control]}
    pod = {**pod, where: [*first, bad]}
    assert any("container b" in one for one in said(type_, pod, "baseline"))
    assert any("container b" in one for one in said(type_, pod))


@pytest.mark.requirement("Y04")
@pytest.mark.parametrize("type_", TEMPLATES)
@pytest.mark.parametrize("control", RESTRICTED_ONLY)
def test_a_control_of_restricted_holds_for_every_kind_and_not_under_baseline(type_: str, control: str) -> None:
    pod = merged(good(), RESTRICTED_ONLY[control])
    assert said(type_, pod, "baseline") == []
    assert said(type_, pod)

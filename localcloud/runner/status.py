"""A pod's status as the API server wants it, from the state of its containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from lightkube.models.core_v1 import Container
from lightkube.resources.core_v1 import Pod

from localcloud.runner.addresses import as_pod_address
from localcloud.runner.container import ContainerState, now


class Condition(TypedDict):
    """One condition of a pod."""

    type: str
    status: str
    reason: str
    message: str
    lastTransitionTime: str


class ContainerStatus(TypedDict):
    """One container's status."""

    name: str
    image: str
    imageID: str
    ready: bool
    started: bool
    restartCount: int
    state: Mapping[str, Mapping[str, str | int]]


class PodStatus(TypedDict):
    """The part of a pod's status that a kubelet writes."""

    phase: str
    conditions: list[Condition]
    containerStatuses: list[ContainerStatus]
    podIP: str
    podIPs: list[Mapping[str, str]]
    hostIP: str
    startTime: str


def pod_status(pod: Pod, states: Mapping[str, ContainerState], address: str, started_at: str) -> PodStatus:
    assert pod.spec is not None
    ready = all(state.ready for state in states.values())
    problem = next((state for state in states.values() if not state.ready), None)
    phase = _phase(pod.spec.restartPolicy or "Always", states)
    reason = "" if ready else "PodCompleted" if phase == "Succeeded" else "ContainersNotReady"
    message = f"{problem.reason} {problem.message}".strip() if problem else ""
    return {
        "phase": phase,
        "conditions": [
            _condition("Initialized", True, "", ""),
            _condition("ContainersReady", ready, reason, message),
            _condition("Ready", ready, reason, message),
        ],
        "containerStatuses": [_container(container, states[container.name]) for container in pod.spec.containers],
        "podIP": as_pod_address(address),
        "podIPs": [{"ip": as_pod_address(address)}],
        "hostIP": "127.0.0.1",
        "startTime": started_at,
    }


def contradicts(pod: Pod, states: Mapping[str, ContainerState]) -> bool:
    """True if another client has changed the pod's readiness, as the node controller does with the pods of a node that
    it took for lost. It never takes that back: a kubelet writes its own status again.
    """
    conditions = (pod.status.conditions if pod.status else None) or []
    ready = all(state.ready for state in states.values())
    return any(one.type == "Ready" and (one.status == "True") != ready for one in conditions)


def _phase(policy: str, states: Mapping[str, ContainerState]) -> str:
    if policy != "Always" and all(state.phase == "terminated" for state in states.values()):
        return "Succeeded" if all(state.exit_code == 0 for state in states.values()) else "Failed"
    return "Running" if any(state.started_at for state in states.values()) else "Pending"


def _condition(kind: str, holds: bool, reason: str, message: str) -> Condition:
    status = "True" if holds else "False"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now()}


def _container(container: Container, state: ContainerState) -> ContainerStatus:
    match state.phase:
        case "running":
            detail: Mapping[str, Mapping[str, str | int]] = {"running": {"startedAt": state.started_at}}
        case "terminated":
            ended: Mapping[str, str | int] = {
                "exitCode": state.exit_code,
                "reason": state.reason,
                "message": state.message,
                "startedAt": state.started_at,
                "finishedAt": state.finished_at,
            }
            detail = {"terminated": ended}
        case _:
            detail = {"waiting": {"reason": state.reason, "message": state.message}}
    return {
        "name": container.name,
        "image": container.image or "",
        "imageID": container.image or "",
        "ready": state.ready,
        "started": state.started,
        "restartCount": state.restarts,
        "state": detail,
    }

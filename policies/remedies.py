"""Mending a resource before it is deployed, for rules whose level is ``remediate``: off unless a stack asks for it.

A remedy says which properties get which value; the rest stays as it is, secrets secret and unknown values unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy.proxy import _DictProxy, _ListProxy
from pulumi_policy.secret import Secret, _DictSecretsProxy, _ListSecretsProxy

from policies.pods import TEMPLATES, containers, is_windows, pod
from policies.reading import Value, at, mapping, mappings, number
from policies.rule import Assignment, Resource

RAW: Final = "__target"
"""The key by which the SDK's proxies give what they wrap."""


def mended(resource: Resource, assignments: Iterator[Assignment]) -> dict[str, object] | None:
    """The properties with the values assigned, as the SDK takes them; None when there is nothing to mend."""
    wanted = list(assignments)
    if not wanted:
        return None
    whole = _opened(resource.properties)
    assert isinstance(whole, dict)
    for pointer, value in wanted:
        _put(whole, pointer.split("/")[1:], value)
    return whole


def pod_pointer(resource: Resource) -> str:
    """JSON pointer to a workload's pod spec."""
    return "/".join(["", *TEMPLATES[resource.type], "spec"])


def every_container(resource: Resource) -> Iterator[str]:
    """The pointer of every container, those that run first included."""
    if resource.type in TEMPLATES:
        for key in ("initContainers", "containers"):
            for index, _ in enumerate(mappings(pod(resource).get(key))):
                yield f"{pod_pointer(resource)}/{key}/{index}"


def _opened(value: object) -> object:
    """A copy without proxies. Secrets stay wrapped, which is how the SDK knows them."""
    if isinstance(value, _DictProxy | _DictSecretsProxy | _ListProxy | _ListSecretsProxy):
        return _opened(value[RAW])
    if isinstance(value, dict):
        return {key: _opened(one) for key, one in value.items()}
    return [_opened(one) for one in value] if isinstance(value, list) else value


def _put(place: object, steps: list[str], value: Value) -> None:
    """Sets a value below, making the objects on the way. What is a secret as a whole is mended inside."""
    if isinstance(place, Secret):
        place = place.value
    if isinstance(place, list):
        _put(place[int(steps[0])], steps[1:], value)
    elif isinstance(place, dict) and len(steps) == 1:
        place[steps[0]] = value
    elif isinstance(place, dict):
        if place.get(steps[0]) is None:
            place[steps[0]] = {}
        _put(place[steps[0]], steps[1:], value)


def hardened(resource: Resource) -> Iterator[Assignment]:
    """Fields that the Pod Security Standards ask for and no working container misses."""
    if is_windows(resource):
        return
    context = f"{pod_pointer(resource)}/securityContext"
    users = [
        mapping(pod(resource).get("securityContext")),
        *(mapping(one.get("securityContext")) for _, one in containers(resource)),
    ]
    if not any(number(one.get("runAsUser")) == 0 for one in users):
        # A pod that says that it is root would not start; the rule goes on to refuse it.
        yield f"{context}/runAsNonRoot", True
    if at(pod(resource), "securityContext", "seccompProfile", "type") is None:
        yield f"{context}/seccompProfile", {"type": "RuntimeDefault"}
    for container in every_container(resource):
        yield f"{container}/securityContext/allowPrivilegeEscalation", False
        yield f"{container}/securityContext/capabilities/drop", ["ALL"]


def without_token(resource: Resource) -> Iterator[Assignment]:
    """No token for the Kubernetes API."""
    yield f"{pod_pointer(resource)}/automountServiceAccountToken", False


def never_overlapping(resource: Resource) -> Iterator[Assignment]:
    """One run of a scheduled job at a time."""
    yield "/spec/concurrencyPolicy", "Forbid"

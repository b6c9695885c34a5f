"""A container's environment as Kubernetes defines it: envFrom, env, references, $(NAME) expansion."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from lightkube.models.core_v1 import Container, EnvVar
from lightkube.resources.core_v1 import ConfigMap, Pod, Secret

Value = TypeVar("Value", str, bytes)
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


class MissingReference(Exception):
    """A config map, secret or key that a pod names is not there; the container waits for it, as a kubelet lets it."""


@dataclass(frozen=True)
class References:
    """The config maps and secrets of the pod's namespace that it names, decoded."""

    config_maps: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, Mapping[str, bytes]]

    def config_map(self, name: str) -> Mapping[str, str]:
        if name not in self.config_maps:
            raise MissingReference(f'configmap "{name}" not found')
        return self.config_maps[name]

    def secret(self, name: str) -> Mapping[str, bytes]:
        if name not in self.secrets:
            raise MissingReference(f'secret "{name}" not found')
        return self.secrets[name]


def decoded(secret: Secret) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}


def texts(config_map: ConfigMap) -> dict[str, str]:
    return dict(config_map.data or {})


def environment(pod: Pod, container: Container, references: References, address: str) -> dict[str, str]:
    """Variables of a container, in Kubernetes' order of precedence. Raises MissingReference."""
    result: dict[str, str] = {}
    for source in container.envFrom or []:
        prefix = source.prefix or ""
        if source.configMapRef and source.configMapRef.name:
            values = references.config_map(source.configMapRef.name)
            result |= {prefix + key: value for key, value in values.items()}
        if source.secretRef and source.secretRef.name:
            secret = references.secret(source.secretRef.name)
            result |= {prefix + key: value.decode() for key, value in secret.items()}
    for variable in container.env or []:
        result[variable.name] = _value(pod, variable, references, address, result)
    return result


def expand(text: str, variables: Mapping[str, str]) -> str:
    """$(NAME) becomes the variable's value; unknown names stay as they are; $$ is a dollar sign."""
    return _REFERENCE.sub(lambda found: "$" if found[0] == "$$" else variables.get(found[1], found[0]), text)


def _value(pod: Pod, variable: EnvVar, references: References, address: str, so_far: Mapping[str, str]) -> str:
    source = variable.valueFrom
    if source is None:
        return expand(variable.value or "", so_far)
    if source.fieldRef:
        return _field(pod, source.fieldRef.fieldPath, address)
    if source.secretKeyRef and source.secretKeyRef.name:
        return _key(references.secret(source.secretKeyRef.name), source.secretKeyRef.key, "secret").decode()
    if source.configMapKeyRef and source.configMapKeyRef.name:
        return _key(references.config_map(source.configMapKeyRef.name), source.configMapKeyRef.key, "configmap")
    raise MissingReference(
        f"variable {variable.name}: this runner knows fieldRef, secretKeyRef and configMapKeyRef only"
    )


def _key(values: Mapping[str, Value], key: str, kind: str) -> Value:
    if key not in values:
        raise MissingReference(f'{kind} has no key "{key}"')
    return values[key]


def _field(pod: Pod, path: str, address: str) -> str:
    metadata, spec = pod.metadata, pod.spec
    assert metadata is not None
    assert spec is not None
    known = {
        "metadata.name": metadata.name,
        "metadata.namespace": metadata.namespace,
        "metadata.uid": metadata.uid,
        "spec.nodeName": spec.nodeName,
        "spec.serviceAccountName": spec.serviceAccountName,
        "status.podIP": address,
    }
    if path not in known:
        raise MissingReference(f"fieldRef {path}: this runner knows {', '.join(known)}")
    return known[path] or ""

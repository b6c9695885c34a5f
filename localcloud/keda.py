"""KEDA in a region's control plane: its operator, and the adapter that answers autoscalers for it (requirement K09).

kwokctl starts, watches over and ends both like its own components. They see the cluster's names through the runner's
table and reach the database as a pod would, by the address that the stack declared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from localcloud.toolchain.families import KEDA

OPERATOR: Final = "keda-operator"
ADAPTER: Final = "keda-adapter"
KEDA_PORTS: Final = ("metrics", "health", "serving")
"""Ports that Keda.components listens on, in this order."""
NAMESPACE: Final = "keda"
_NAMES_SOURCE: Final = KEDA.source / "operator" / "names.go"
_SERVICE: Final = "keda-metrics-apiserver"
_UNUSED: Final = (
    ("keda.sh", "ScaledJob", "Namespaced"),
    ("keda.sh", "ClusterTriggerAuthentication", "Cluster"),
    ("eventing.keda.sh", "CloudEventSource", "Namespaced"),
    ("eventing.keda.sh", "ClusterCloudEventSource", "Cluster"),
)


@dataclass(frozen=True)
class Keda:
    """``control_plane`` is kwokctl's folder of the region, ``certificates`` a folder of KEDA's own beside it, ``names``
    the runner's table.
    """

    operator: Path
    adapter: Path
    control_plane: Path
    certificates: Path
    names: Path

    def link_certificates(self) -> None:
        """The control plane's own certificates under the names that KEDA reads; kwokctl makes them before it starts
        anything.
        """
        self.certificates.mkdir(parents=True, exist_ok=True)
        for name, own in (("ca.crt", "ca.crt"), ("tls.crt", "admin.crt"), ("tls.key", "admin.key")):
            link = self.certificates / name
            if not link.is_symlink():
                link.symlink_to(self.control_plane / "pki" / own)

    def components(self, metrics: int, health: int, serving: int) -> Sequence[Mapping[str, Any]]:
        """Both programs as kwokctl's configuration wants them, with the ports of the loopback that they listen on."""
        return [
            self._component(
                OPERATOR,
                self.operator,
                "kube-apiserver",
                [
                    f"--metrics-service-bind-address=127.0.0.1:{metrics}",
                    f"--health-probe-bind-address=127.0.0.1:{health}",
                    f"--cert-dir={self.certificates}",
                    "--enable-prometheus-metrics=false",
                ],
            ),
            {
                **self._component(
                    ADAPTER,
                    self.adapter,
                    OPERATOR,
                    [
                        f"--metrics-service-address=127.0.0.1:{metrics}",
                        "--bind-address=127.0.0.1",
                        f"--secure-port={serving}",
                        f"--cert-dir={self.certificates}",
                        f"--tls-cert-file={self.certificates / 'tls.crt'}",
                        f"--tls-private-key-file={self.certificates / 'tls.key'}",
                        f"--lister-kubeconfig={self._kubeconfig}",
                        f"--authentication-kubeconfig={self._kubeconfig}",
                        f"--authorization-kubeconfig={self._kubeconfig}",
                    ],
                ),
                "manifestContents": [yaml.safe_dump_all(_api(serving))],
            },
        ]

    @property
    def _kubeconfig(self) -> Path:
        return self.control_plane / "kubeconfig.yaml"

    def _component(self, name: str, binary: Path, after: str, arguments: Sequence[str]) -> Mapping[str, Any]:
        environment = {
            "KUBECONFIG": str(self._kubeconfig),
            "POD_NAMESPACE": NAMESPACE,
            "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE,
            "WATCH_NAMESPACE": "",
            _names_variable(): str(self.names),
        }
        return {
            "name": name,
            "binary": str(binary),
            "workDir": str(self.control_plane),
            "links": [after],
            "args": list(arguments),
            "envs": [{"name": key, "value": value} for key, value in environment.items()],
        }


def _names_variable() -> str:
    """Name of the variable with the runner's table, as our part of the operator has it. A build is named by the content
    of its source, so that another name there would build it anew on every machine.
    """
    return re.findall(r'os\.Getenv\("(\w+)"\)', _NAMES_SOURCE.read_text())[0]


def has_keda(control_plane: Path) -> bool:
    """True if kwokctl's folder of a region says that KEDA belongs to it; never before there is one."""
    return (control_plane / "kwok.yaml").exists() and any(
        part["name"] == OPERATOR for part in _configuration(control_plane)[1].get("components", ())
    )


def add_keda(control_plane: Path, components: Sequence[Mapping[str, Any]]) -> None:
    """Writes KEDA into a control plane that was made before its programs were there: the next start begins them too."""
    documents, configuration = _configuration(control_plane)
    configuration["components"] = [*configuration.get("components", ()), *components]
    file = control_plane / "kwok.yaml"
    scratch = file.with_suffix(".new")
    scratch.write_text(yaml.safe_dump_all(documents))
    scratch.replace(file)


def _configuration(control_plane: Path) -> tuple[list[Any], dict[str, Any]]:
    """Every document of kwokctl's file, and the one among them that has the components."""
    documents = [one for one in yaml.safe_load_all((control_plane / "kwok.yaml").read_text()) if one]
    return documents, next(one for one in documents if one.get("kind") == "KwokctlConfiguration")


def unused_kinds() -> Sequence[Mapping[str, object]]:
    """The kinds that no stack declares and without which the operator does not start, with no schema: KEDA's own for
    ScaledJob alone is bigger than all others that a control plane must keep in memory.
    """
    return [_kind(group, kind, scope) for group, kind, scope in _UNUSED]


def _kind(group: str, kind: str, scope: str) -> Mapping[str, object]:
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": "v1alpha1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }


def _api(port: int) -> Sequence[Mapping[str, object]]:
    """The external metrics API, answered by the adapter on this machine."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _SERVICE, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
            "spec": {
                "service": {"name": _SERVICE, "namespace": NAMESPACE, "port": port},
                "group": "external.metrics.k8s.io",
                "version": "v1beta1",
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            },
        },
    ]

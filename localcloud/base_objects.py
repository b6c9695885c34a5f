"""Base objects of every control plane of an embedded cloud, before a stack comes to it: nodes, storage, kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

import yaml

Manifest: TypeAlias = Mapping[str, object]

NONE: Final[Mapping[str, str]] = MappingProxyType({})
ZONES: Final = ("a", "b", "c")
CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
SPOT: Final = "spot"
GPU_RESOURCE: Final = "nvidia.com/gpu"
GPUS: Final = ("nvidia-t4", "nvidia-a10")
"""GPUs of which there is a node, by the value of its label ``gpu``."""
GPUS_OF_NODE: Final = "16"
NODE_CAPACITY: Final = {"cpu": "32", "memory": "128Gi", "pods": "110", "ephemeral-storage": "200Gi"}

# The name is the one that kwok's own volume stages answer to.
_STORAGE_CLASS: Final[Manifest] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "kwok-volume", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kwok.x-k8s.io/volume",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
}


def standing(region: str) -> Sequence[Manifest]:
    """Storage, one node a zone, so that spread constraints and anti-affinity have something to choose from, a spot node
    and nodes with GPUs, which only pods that tolerate their taints may use.
    """
    spot = _node(region, ZONES[0], "spot", {CAPACITY_TYPE: SPOT, "node-type": SPOT}, taint=(CAPACITY_TYPE, SPOT))
    gpus = [
        _node(region, ZONES[0], gpu, {"gpu": gpu}, taint=(GPU_RESOURCE, "true"), more={GPU_RESOURCE: GPUS_OF_NODE})
        for gpu in GPUS
    ]
    return [_STORAGE_CLASS, *(_node(region, zone) for zone in ZONES), spot, *gpus]


def definitions(folder: Path) -> Mapping[str, Manifest]:
    """The custom kinds by name, without their descriptions: those took 20 MB of a control plane's memory, and
    `kubectl explain` alone reads them.
    """
    documents = [yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted(folder.glob("*.yaml"))]
    return {one["metadata"]["name"]: {key: _undescribed(part) for key, part in one.items()} for one in documents}


def usage(folder: Path) -> Sequence[Manifest]:
    """kwok's objects that say what simulated pods use."""
    return [yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted(folder.glob("*/*.yaml"))]


def _undescribed(value: object) -> object:
    """A field that is named description is kept: its value is a schema, not a text."""
    if isinstance(value, list):
        return [_undescribed(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _undescribed(one) for key, one in value.items() if key != "description" or not isinstance(one, str)}


def _node(
    region: str,
    zone: str,
    purpose: str = "",
    labels: Mapping[str, str] = NONE,
    *,
    taint: tuple[str, str] | None = None,
    more: Mapping[str, str] = NONE,
) -> Manifest:
    """A node; one for a ``purpose`` has labels, a taint that keeps other pods away, and ``more`` to give."""
    name = f"{region}{zone}-{purpose}" if purpose else f"{region}{zone}"
    capacity = {**NODE_CAPACITY, **more}
    taints = [] if taint is None else [{"key": taint[0], "value": taint[1], "effect": "NoSchedule"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                "metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{name}/metrics/resource",
            },
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": f"{region}{zone}",
                **labels,
            },
        },
        **({"spec": {"taints": taints}} if taints else {}),
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "capacity": capacity,
            "allocatable": capacity,
        },
    }

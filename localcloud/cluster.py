"""One Kubernetes control plane a region, made by kwokctl from our own binaries: etcd, API server, controller manager,
scheduler, kwok for the pods that are only simulated, metrics-server for the autoscalers, and KEDA for those of queues.

Pods whose image the runner can really run are kept out of kwok's pod stages, so that their status is what their
processes say. Cluster addresses come from the loopback network, so a Service's address can be listened on.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from localcloud.base_objects import definitions, standing, usage
from localcloud.keda import ADAPTER, KEDA_PORTS, OPERATOR, Keda, add_keda, has_keda, unused_kinds
from localcloud.networks import control_ports
from localcloud.own_images import runnable
from localcloud.paths import names_table
from localcloud.project import project
from localcloud.toolchain.origin import Toolchain

COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok-controller",
    "metrics-server",
)
PORTS = (
    "kubeApiserverPort",
    "etcdPort",
    "etcdPeerPort",
    "kubeControllerManagerPort",
    "kubeSchedulerPort",
    "kwokControllerPort",
    "metricsServerPort",
)
"""Chosen here, because kwokctl's own choice is not safe when several clusters are made at once."""


ATTEMPTS = 3
ELECTED = ("kube-controller-manager", "kube-scheduler")
AUTOSCALER_SECONDS = 5
"""Interval of the autoscalers' control loop; 15 is usual. A Deployment under one begins with one pod and gets its
minimum at the first look, which every first `up` waits for.
"""

NODE_GRACE_SECONDS = 24 * 60 * 60
"""Time without a sign of life after which nodes count as lost and their pods as not ready. They are this machine, which
is there whatever else keeps kwok from saying so: being busy, asleep, or between an end of kwok and the next ``up``.
"""

IDLE_CONTROLLERS = (
    "bootstrap-signer-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "daemonset-controller",
    "endpointslice-mirroring-controller",
    "ephemeral-volume-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "node-ipam-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "replicationcontroller-controller",
    "resourceclaim-controller",
    "service-cidr-controller",
    "storageversion-garbage-collector-controller",
    "token-cleaner-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
)
"""For kinds that no stack declares, and for machines and disks that are not there. Each would keep copies of what it
watches in every region.
"""


class ClusterError(Exception):
    """A control plane did not start or answer; the message carries kwokctl's own words."""


@dataclass(frozen=True)
class Cluster:
    """A region's control plane. ``network`` is the second octet of its loopback addresses (127.<network>.0.0/16)."""

    region: str
    network: int
    workdir: Path
    toolchain: Toolchain

    @property
    def folder(self) -> Path:
        return self.workdir / "clusters" / self.region

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig.yaml"

    @property
    def _made(self) -> Path:
        """File that is there once the control plane has its nodes and kinds: one that was cut off before has to get
        them, or its pods would wait for a node for ever.
        """
        return self.folder / "made"

    @property
    def service_range(self) -> str:
        return f"127.{self.network}.128.0/17"

    @property
    def keda(self) -> Keda | None:
        """None while its programs are not built: everything but the queue's autoscaler works without."""
        binaries = self.toolchain.kubernetes_binaries
        if OPERATOR not in binaries:
            return None
        certificates = self.workdir / f"{self.region}-keda"
        names = names_table(self.workdir.parent, self.region)
        return Keda(binaries[OPERATOR], binaries[ADAPTER], self.folder, certificates, names)

    def exists(self) -> bool:
        return (self.folder / "kwok.yaml").exists()

    def up(self) -> bool:
        """Creates the control plane, or starts it again with its data when it was stopped or the machine restarted.

        True when it is a new one, whose clients need new credentials.
        """
        before = self.exists()
        joins = before and self._take_up_keda()
        if before and self._made.exists() and self._answers() and not self.ended() and not joins:
            return False
        if before:
            self._kwokctl("start", "cluster", "--wait", "60s")
        else:
            self.workdir.mkdir(parents=True, exist_ok=True)
            if self.keda:
                self.keda.link_certificates()
            config = self.workdir / f"{self.region}.yaml"
            config.write_text(yaml.safe_dump_all(configuration(self)))
            self._kwokctl("create", "cluster", "--config", str(config), "--wait", "60s")
        self._apply_base()
        self._revive()
        self._made.touch()
        return not before

    def _take_up_keda(self) -> bool:
        """Adds KEDA to a control plane that was made before it was built. Whether it has to be started now."""
        if self.keda is None or has_keda(self.folder):
            return False
        self.keda.link_certificates()
        components = self.keda.components(*control_ports(self.network, len(KEDA_PORTS)))
        if not self._answers():
            self._kwokctl("start", "cluster", "--wait", "60s")
        # kwokctl applies these by itself only where it makes a control plane.
        for contents in (text for one in components for text in one.get("manifestContents", ())):
            self.kubectl("apply", "--server-side", "-f", "-", text=contents)
        add_keda(self.folder, components)
        return True

    def ended(self) -> list[str]:
        """The components that were started and are not running any more."""
        return [name for name, pid in self.processes().items() if not _is_alive(pid)]

    def _revive(self) -> None:
        """On a busy machine components give up on an API server that is slow to start, and none comes back by itself;
        without them nothing is ever made, and nothing deleted. kwokctl starts those that have ended.
        """
        for _ in range(ATTEMPTS):
            if not self.ended():
                return
            self._kwokctl("start", "cluster", "--wait", "60s")
        if ended := self.ended():
            raise ClusterError(f"{', '.join(ended)} of {self.region} ended again; logs: {self.folder / 'logs'}")

    def delete(self) -> None:
        """Stops the processes and removes the data. Nothing to do is not an error."""
        if self.exists():
            self._kwokctl("delete", "cluster")

    def end_jobs(self) -> None:
        """Schedules first, so that none begins a run, then the runs, until their pods are gone."""
        for kind in ("cronjobs", "jobs"):
            self.kubectl("delete", kind, "--all", "--all-namespaces", "--cascade=foreground", "--timeout=60s")

    def identity(self) -> str:
        """Changes when etcd's data was lost: the uid that Kubernetes gave its own system namespace."""
        return self.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}").strip()

    def processes(self) -> dict[str, int]:
        """Component name to process id, as kwokctl keeps them."""
        found = {name: self.folder / "pids" / f"{name}.pid" for name in (*COMPONENTS, OPERATOR, ADAPTER)}
        return {name: int(path.read_text()) for name, path in found.items() if path.exists()}

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        command = [str(self.toolchain.kubectl), "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=self._environment())
        if done.returncode != 0:
            raise ClusterError(f"kubectl {' '.join(arguments[:3])} in {self.region}: {done.stderr.strip()}")
        return done.stdout

    def _answers(self) -> bool:
        try:
            return self.kubectl("get", "--raw", "/readyz", "--request-timeout=3s") == "ok"
        except ClusterError:
            return False

    def _apply_base(self) -> None:
        kinds = definitions(self.toolchain.crds)
        items = [*standing(self.region), *unused_kinds(), *kinds.values(), *usage(self.toolchain.usage)]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=listed)
        made = [f"customresourcedefinition/{name}" for name in kinds]
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", *made)

    def _environment(self) -> dict[str, str]:
        own = {"KWOK_WORKDIR": str(self.workdir), "KUBECONFIG": str(self.kubeconfig), "GOGC": "40"}
        return {**os.environ, **own, "HOME": str(self.workdir)}

    def _kwokctl(self, verb: str, noun: str, *arguments: str) -> None:
        command = [str(self.toolchain.kwokctl), verb, noun, "--name", self.region, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment())
        if done.returncode != 0:
            said = "\n".join(done.stderr.strip().splitlines()[-6:])
            raise ClusterError(f"kwokctl {verb} {noun} {self.region} failed:\n{said}\nLogs: {self.folder / 'logs'}")


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def configuration(cluster: Cluster) -> Sequence[Mapping[str, object]]:
    """kwokctl's configuration: our binaries, the loopback service range, kwok's stages without the runner's pods."""
    binaries = cluster.toolchain.kubernetes_binaries
    chosen = control_ports(cluster.network, len(PORTS) + len(KEDA_PORTS))
    ports, keda_ports = chosen[: len(PORTS)], chosen[len(PORTS) :]
    keda = cluster.keda
    options = {
        "runtime": "binary",
        "etcdBinary": str(binaries["etcd"]),
        "kubeApiserverBinary": str(binaries["kube-apiserver"]),
        "kubeControllerManagerBinary": str(binaries["kube-controller-manager"]),
        "kubeSchedulerBinary": str(binaries["kube-scheduler"]),
        "kwokControllerBinary": str(binaries["kwok"]),
        "metricsServerBinary": str(binaries["metrics-server"]),
        "metricsServerManifests": [str(cluster.toolchain.metrics_server_manifests)],
        "enableCRDs": ["Metric", "ClusterResourceUsage"],
        "kubectlBinary": str(cluster.toolchain.kubectl),
        "components": list(COMPONENTS),
        "bindAddress": "127.0.0.1",
        **dict(zip(PORTS, ports, strict=True)),
    }
    patches = [
        {
            "name": "kube-apiserver",
            "extraArgs": [_argument("service-cluster-ip-range", cluster.service_range)],
        },
        # One of each has nobody to lose an election to; one that is lost to slowness would end the process.
        *({"name": name, "extraArgs": [_argument("leader-elect", "false")]} for name in ELECTED),
        {
            "name": "kube-controller-manager",
            "extraArgs": [
                _argument("node-monitor-grace-period", f"{NODE_GRACE_SECONDS}s"),
                _argument("horizontal-pod-autoscaler-sync-period", f"{AUTOSCALER_SECONDS}s"),
                _argument("controllers", ",".join(("*", *(f"-{name}" for name in IDLE_CONTROLLERS)))),
            ],
        },
    ]
    kwokctl = {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": options,
        "componentsPatches": patches,
        "components": list(keda.components(*keda_ports)) if keda else [],
    }
    return [kwokctl, *stages(cluster.toolchain.stages)]


def stages(folder: Path) -> Sequence[Mapping[str, object]]:
    """kwok's own stages; those of pods leave alone what the runner runs."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if not document or document.get("kind") != "Stage":
                continue
            if document["spec"]["resourceRef"]["kind"] == "Pod":
                rule = f"!self.spec.containers.exists(c, c.image.matches({json.dumps(runnable(project()))}))"
                document["spec"]["selector"]["matchExpressions"].append({"cel": {"expression": rule}})
            found.append(document)
    return found


def _argument(key: str, value: str) -> Mapping[str, str]:
    return {"key": key, "value": value}

"""What is built from Go modules, and from which: one family a go.mod, because the families want different versions of
the same modules. The versions of the modules stand in the go.mod files; those that a binary must report stand here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent

PULUMI_VERSION = "3.255.0"
KUBERNETES_VERSION = "1.36.3"
KUBERNETES_PROVIDER_VERSION = "4.25.0"
KWOK_VERSION = "0.8.0"
KEDA_VERSION = "2.21.0"

_MAIN_MODULES = {
    "pulumi": "github.com/pulumi/pulumi/pkg/v3",
    "kubernetes-provider": "github.com/pulumi/pulumi-kubernetes/provider/v4",
    "kubernetes": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "kwok": "sigs.k8s.io/kwok",
    "crds": "sigs.k8s.io/gateway-api",
    "metrics-server": "sigs.k8s.io/metrics-server",
    "keda": "github.com/kedacore/keda/v2",
    "actionlint": "github.com/rhysd/actionlint",
    "promtool": "github.com/prometheus/prometheus",
}

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_KEDA = "github.com/kedacore/keda/v2"


@dataclass(frozen=True)
class Binary:
    """One program: its file name, the Go package of its main, the variables set at link time, and the build tags.

    Tags are kept out of the description that names a result, which has its name without them where there are none.
    """

    name: str
    package: str
    variables: tuple[str, ...] = ()
    tags: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ModuleFiles:
    """Files taken out of a module's folder at build time and never committed here.

    ``target`` is relative to the family's result folder; with ``for_build`` to its source folder, where the compiler
    embeds them.
    """

    module: str
    pattern: str
    target: str
    for_build: bool = False


@dataclass(frozen=True)
class Family:
    """A folder here with a go.mod. ``minutes`` is what its build takes on two cores with nothing cached."""

    name: str
    minutes: float
    binaries: tuple[Binary, ...] = ()
    files: tuple[ModuleFiles, ...] = ()

    @property
    def source(self) -> Path:
        return HERE / self.name

    @property
    def version(self) -> str:
        """The version of its main module, as its go.mod pins it."""
        module = _MAIN_MODULES[self.name]
        found = re.search(
            rf"^\s*(?:require )?{re.escape(module)} (\S+)", (self.source / "go.mod").read_text(), re.MULTILINE
        )
        return found[1] if found else "unknown"

    def key(self) -> str:
        """The content hash that names the result: sources, checksums and this description."""
        digest = hashlib.sha256(repr(self).encode())
        for tag in (tag for binary in self.binaries for tag in binary.tags):
            digest.update(tag.encode() + b"\0")
        for path in sorted(self.source.rglob("*")):
            if path.name in ("go.mod", "go.sum") or path.suffix == ".go":
                digest.update(str(path.relative_to(self.source)).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


def _kubernetes(command: str) -> Binary:
    symbol = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES_VERSION.split(".")
    variables = (
        f"{symbol}.gitVersion=v{KUBERNETES_VERSION}",
        f"{symbol}.gitMajor={major}",
        f"{symbol}.gitMinor={minor}",
    )
    return Binary(command, f"k8s.io/kubernetes/cmd/{command}", variables)


def _kwok(command: str) -> Binary:
    symbol = "sigs.k8s.io/kwok/pkg/consts.Version"
    return Binary(command, f"sigs.k8s.io/kwok/cmd/{command}", (f"{symbol}=v{KWOK_VERSION}",))


def _stages(folder: str) -> ModuleFiles:
    return ModuleFiles("sigs.k8s.io/kwok", f"kustomize/stage/{folder}/*.yaml", "stages")


def _metrics(folder: str) -> ModuleFiles:
    return ModuleFiles("sigs.k8s.io/kwok", f"kustomize/metrics/{folder}/*-*.yaml", f"metrics/{folder}")


def _gateway(kind: str) -> ModuleFiles:
    pattern = f"config/crd/standard/gateway.networking.k8s.io_{kind}.yaml"
    return ModuleFiles("sigs.k8s.io/gateway-api", pattern, "crds")


def _envoy(kind: str) -> ModuleFiles:
    pattern = f"charts/gateway-helm/crds/generated/gateway.envoyproxy.io_{kind}.yaml"
    return ModuleFiles("github.com/envoyproxy/gateway", pattern, "crds")


def _certificate(kind: str) -> ModuleFiles:
    return ModuleFiles("github.com/cert-manager/cert-manager", f"deploy/crds/cert-manager.io_{kind}.yaml", "crds")


def _keda(kind: str) -> ModuleFiles:
    return ModuleFiles(_KEDA, f"config/crd/bases/keda.sh_{kind}.yaml", "crds")


def _prometheus(kind: str) -> ModuleFiles:
    folder = "example/prometheus-operator-crd"
    pattern = f"{folder}/monitoring.coreos.com_{kind}.yaml"
    return ModuleFiles("github.com/prometheus-operator/prometheus-operator", pattern, "crds")


_ENGINE_VERSION = (f"{_PULUMI_SDK}/go/common/version.Version=v{PULUMI_VERSION}",)

PULUMI = Family(
    "pulumi",
    5,
    (
        Binary("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", _ENGINE_VERSION),
        Binary("pulumi-language-python", "./languagehost", _ENGINE_VERSION),
    ),
    (ModuleFiles(_PULUMI_SDK, "python/cmd/pulumi-language-python-exec", "bin"),),
)
KUBERNETES_PROVIDER = Family(
    "kubernetes-provider",
    7,
    (Binary("pulumi-resource-kubernetes", ".", (f"{_PROVIDER}/pkg/version.Version=v{KUBERNETES_PROVIDER_VERSION}",)),),
    (
        ModuleFiles(_PROVIDER, "cmd/pulumi-resource-kubernetes/schema.json", ".", for_build=True),
        ModuleFiles(_PROVIDER, "cmd/pulumi-resource-kubernetes/terraform-mapping.json", ".", for_build=True),
    ),
)
KUBERNETES = Family(
    "kubernetes", 5, tuple(map(_kubernetes, ("kube-apiserver", "kube-controller-manager", "kube-scheduler")))
)
ETCD = Family("etcd", 1, (Binary("etcd", "go.etcd.io/etcd/server/v3"),))
KWOK = Family(
    "kwok",
    2,
    (_kwok("kwok"), _kwok("kwokctl")),
    (
        *map(_stages, ("node/fast", "node/heartbeat-with-lease", "pod/fast", "volume/fast")),
        *map(_metrics, ("resource", "usage")),
    ),
)
# Only the kinds that are declared: each costs every control plane memory.
CRDS = Family(
    "crds",
    0.5,
    files=(
        *map(_gateway, ("gatewayclasses", "gateways", "httproutes", "referencegrants")),
        *map(_envoy, ("backendtrafficpolicies", "clienttrafficpolicies", "envoyproxies")),
        *map(_certificate, ("certificates", "issuers")),
        *map(_keda, ("scaledobjects", "triggerauthentications")),
        *map(_prometheus, ("podmonitors", "prometheusrules")),
    ),
)
METRICS_SERVER = Family(
    "metrics-server",
    2,
    (Binary("metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server"),),
    (ModuleFiles("sigs.k8s.io/metrics-server", "manifests/base/*.yaml", "manifests"),),
)
# The operator is KEDA's own main with a file of ours beside it; the adapter is ours.
_KEDA_VERSION = (f"{_KEDA}/version.Version=v{KEDA_VERSION}",)
KEDA = Family(
    "keda",
    7,
    (Binary("keda-operator", "./operator", _KEDA_VERSION), Binary("keda-adapter", "./adapter", _KEDA_VERSION)),
    (ModuleFiles(_KEDA, "cmd/operator/*.go", "operator", for_build=True),),
)

ACTIONLINT = Family("actionlint", 0.5, (Binary("actionlint", "github.com/rhysd/actionlint/cmd/actionlint"),))
"""Checks the workflows. No stack needs it, so it is not among those that are built for one."""

PROMTOOL = Family(
    "promtool",
    2.5,
    (Binary("promtool", "github.com/prometheus/prometheus/cmd/promtool", tags=("remove_all_sd",)),),
)
"""Checks and tries the alert rules, for tests alone. Without the clients of every cloud it could discover targets in,
which no rule needs and which are most of its build.
"""

FAMILIES = (PULUMI, ETCD, KWOK, KUBERNETES, KUBERNETES_PROVIDER, CRDS, METRICS_SERVER, KEDA)

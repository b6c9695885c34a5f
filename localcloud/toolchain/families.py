"""The programs that are built from Go modules: one family a go.mod and one call of the compiler, so that a package of
several programs is compiled once. The families stay apart because they want different versions of the same modules.
The versions of the modules stand in the go.mod files; those that a binary must report stand here.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

PULUMI_VERSION = "3.255.0"
KUBERNETES_VERSION = "1.36.3"
KUBERNETES_PROVIDER_VERSION = "4.25.0"
KWOK_VERSION = "0.8.0"
KEDA_VERSION = "2.21.0"

_MAIN_MODULES = {
    "kubernetes": "k8s.io/kubernetes",
    "engine": "github.com/pulumi/pulumi/pkg/v3",
    "crds": "sigs.k8s.io/gateway-api",
    "keda": "github.com/kedacore/keda/v2",
    "actionlint": "github.com/rhysd/actionlint",
    "promtool": "github.com/prometheus/prometheus",
}

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_KEDA = "github.com/kedacore/keda/v2"

COMPILER_FLAGS = ("-trimpath", "-pgo=off", "-gcflags=all=-dwarf=false")
"""Without the debugger's tables, which the linker's ``-s -w`` would throw away again, and without profiles, for which
everything below a main package is compiled a second time.
"""
_LINKER_FLAGS = ("-s", "-w")


@dataclass(frozen=True)
class Binary:
    """One program: its file name, the Go package of its main, and the variables set at link time."""

    name: str
    package: str
    variables: tuple[str, ...] = ()

    @property
    def made_as(self) -> str:
        """The file name that the compiler gives it: the last part of the package's path that is not a version."""
        parts = [part for part in self.package.split("/") if not re.fullmatch(r"v\d+", part)]
        return parts[-1]


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
class Reduced:
    """A module of which a part is compiled: a copy of its verified files without those of ``folder`` that are not
    ``kept``, and in ``file`` with ``instead`` between the texts ``after`` and ``before``. What is left is as it was.
    """

    module: str
    folder: str
    kept: tuple[str, ...]
    file: str
    after: str
    before: str
    instead: str


@dataclass(frozen=True)
class Family:
    """A folder here with a go.mod. ``minutes`` is what its build takes on two free cores with nothing cached."""

    name: str
    minutes: float
    binaries: tuple[Binary, ...] = ()
    files: tuple[ModuleFiles, ...] = ()
    tags: tuple[str, ...] = ()
    reduced: Reduced | None = None

    @property
    def source(self) -> Path:
        return HERE / self.name

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(binary.package for binary in self.binaries)

    @property
    def version(self) -> str:
        """The version of its main module, as its go.mod pins it."""
        module = _MAIN_MODULES[self.name]
        found = re.search(
            rf"^\s*(?:require )?{re.escape(module)} (\S+)", (self.source / "go.mod").read_text(), re.MULTILINE
        )
        return found[1] if found else "unknown"

    def flags(self) -> list[str]:
        """The compiler's, for every call that must find the same packages in the compiler's cache."""
        return [*COMPILER_FLAGS, *(["-tags", ",".join(self.tags)] if self.tags else [])]

    def linker_flags(self) -> str:
        """One set for all of its programs: a variable of a package that a program has not got is passed over."""
        variables = dict.fromkeys(variable for binary in self.binaries for variable in binary.variables)
        return " ".join([*_LINKER_FLAGS, *(f"-X {variable}" for variable in variables)])

    def key(self) -> str:
        """The content hash that names the result: sources, checksums, this description, flags and architecture, and no
        estimate.
        """
        described = {key: value for key, value in asdict(self).items() if key != "minutes"}
        parts = (described, self.flags(), self.linker_flags(), sys.platform, platform.machine())
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
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

# First because everything else waits for it, and because most of what the engine waits for is compiled here.
KUBERNETES = Family(
    "kubernetes",
    5,
    (
        *map(_kubernetes, ("kube-apiserver", "kube-controller-manager", "kube-scheduler")),
        Binary("etcd", "go.etcd.io/etcd/server/v3"),
        _kwok("kwok"),
        _kwok("kwokctl"),
        Binary("metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server"),
    ),
    (
        *map(_stages, ("node/fast", "node/heartbeat-with-lease", "pod/fast", "volume/fast")),
        *map(_metrics, ("resource", "usage")),
        ModuleFiles("sigs.k8s.io/metrics-server", "manifests/base/*.yaml", "manifests"),
    ),
)
ENGINE = Family(
    "engine",
    6,
    (
        Binary("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", _ENGINE_VERSION),
        Binary("pulumi-language-python", "./languagehost", _ENGINE_VERSION),
        Binary(
            "pulumi-resource-kubernetes",
            "./provider",
            (f"{_PROVIDER}/pkg/version.Version=v{KUBERNETES_PROVIDER_VERSION}",),
        ),
    ),
    (
        ModuleFiles(_PULUMI_SDK, "python/cmd/pulumi-language-python-exec", "bin"),
        ModuleFiles(_PROVIDER, "cmd/pulumi-resource-kubernetes/schema.json", "provider", for_build=True),
        ModuleFiles(_PROVIDER, "cmd/pulumi-resource-kubernetes/terraform-mapping.json", "provider", for_build=True),
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
# The operator is KEDA's own main with a file of ours beside it; the adapter is ours. Of KEDA's seventy scalers the one
# that a stack declares is compiled: the clients of all clouds and brokers were three quarters of the build.
_KEDA_VERSION = (f"{_KEDA}/version.Version=v{KEDA_VERSION}",)
KEDA = Family(
    "keda",
    4,
    (Binary("keda-operator", "./operator", _KEDA_VERSION), Binary("keda-adapter", "./adapter", _KEDA_VERSION)),
    (ModuleFiles(_KEDA, "cmd/operator/*.go", "operator", for_build=True),),
    reduced=Reduced(
        module=_KEDA,
        folder="pkg/scalers",
        kept=("scaler.go", "postgresql_scaler.go"),
        file="pkg/scaling/scalers_builder.go",
        after="\tswitch triggerType {\n",
        before="\tdefault:\n",
        instead='\tcase "postgresql":\n\t\treturn scalers.NewPostgreSQLScaler(ctx, config)\n',
    ),
)

ACTIONLINT = Family("actionlint", 0.5, (Binary("actionlint", "github.com/rhysd/actionlint/cmd/actionlint"),))
"""Checks the workflows, for tests alone."""

PROMTOOL = Family(
    "promtool",
    2.5,
    (Binary("promtool", "github.com/prometheus/prometheus/cmd/promtool"),),
    tags=("remove_all_sd",),
)
"""Checks and tries the alert rules, for tests alone. Without the clients of every cloud it could discover targets in,
which no rule needs and which are most of its build.
"""

FIRST = (KUBERNETES, ENGINE, CRDS)
"""The families without which no stack answers."""
LATER = (KEDA,)
"""The families that a running stack takes up when they are there."""
TESTING = (PROMTOOL, ACTIONLINT)
FAMILIES = (*FIRST, *LATER, *TESTING)

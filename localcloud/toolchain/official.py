"""Official releases: the programs of a family as their projects publish them, where from, and by which checksum.

Versions are those of the go.mod files, so that a release and a build are the same version and read each other's state.
The same addresses and names are used by kwokctl itself (``pkg/config/vars.go`` of the kwok module) and by the Pulumi
engine (``sdk/v3/go/common/workspace/plugins.go``). KEDA publishes images alone: it is built.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from localcloud.paths import cache_root
from localcloud.toolchain import sums
from localcloud.toolchain.families import ACTIONLINT, CRDS, ENGINE, KUBERNETES, PROMTOOL
from localcloud.toolchain.family import Family, ModuleFiles

GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
KUBERNETES_HOST = "https://dl.k8s.io"
ARCHITECTURES: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}
"""Name of a machine to that of its releases."""


@dataclass(frozen=True)
class Artefact:
    """One file of a release. ``published`` is the address of its checksum, empty for a file that must be pinned;
    ``member`` what is taken out of an archive, all files of a folder where it ends with a slash; ``target`` is below
    the result folder.
    """

    address: str
    target: str
    published: str = ""
    member: str = ""

    @property
    def name(self) -> str:
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class Release:
    """Everything of one name, at one version."""

    name: str
    version: str
    artefacts: tuple[Artefact, ...]

    @property
    def folder(self) -> Path:
        """Named by all that it is made of. The machine is part of the addresses."""
        described = json.dumps(asdict(self), sort_keys=True)
        digest = hashlib.sha256(described.encode()).hexdigest()[:16]
        return cache_root() / "toolchain" / f"{self.name}-official-{digest}"


def release(family: Family) -> Release | None:
    """Replacement of the family's build on this machine; None where nothing is: on another system than Linux, or
    without a pinned checksum of a file that has no other.
    """
    architecture = _architecture()
    return release_for(family, architecture) if architecture else None


def release_for(family: Family, architecture: str) -> Release | None:
    """The same for any machine, by the name that releases give it."""
    describe = _DESCRIBED.get(family)
    if describe is None:
        return None
    programs = describe(family, architecture)
    # Its archive carries what the build of the engine takes out of modules.
    copied = [_module_files(family, one) for one in family.files] if family is not ENGINE else []
    if not all(copied) or not (programs or copied):
        return None
    files = [artefact for group in copied for artefact in group]
    return Release(family.name, family.version, tuple({one.target: one for one in (*programs, *files)}.values()))


def plugin(name: str, version: str) -> Release | None:
    """A provider plugin; the engine itself asks for it first under this address. None as for ``release``."""
    architecture = _architecture()
    return plugin_for(name, version, architecture) if architecture else None


def plugin_for(name: str, version: str, architecture: str) -> Release:
    """The same for any machine."""
    program = f"pulumi-resource-{name}"
    repository, tag = f"pulumi/pulumi-{name}", f"v{version}"
    archive = f"{program}-{tag}-linux-{architecture}.tar.gz"
    artefact = Artefact(_asset(repository, tag, archive), f"bin/{program}", _digests(repository, tag), program)
    return Release(program, version, (artefact,))


def _architecture() -> str | None:
    return ARCHITECTURES.get(platform.machine()) if sys.platform == "linux" else None


def _asset(repository: str, tag: str, name: str) -> str:
    return f"{GITHUB}/{repository}/releases/download/{tag}/{name}"


def _digests(repository: str, tag: str) -> str:
    """For projects that publish no file of checksums: those that GitHub computes of each asset."""
    return f"{GITHUB_API}/repos/{repository}/releases/tags/{tag}"


def _kubernetes(family: Family, architecture: str) -> tuple[Artefact, ...]:
    """Kubernetes: "Download Kubernetes" (kubernetes.io/releases/download), sums beside each program. etcd: its release
    pages. kwok: "Binary Releases" of its installation page; metrics-server: ``.github/workflows/release.yaml``.
    """
    own = f"{KUBERNETES_HOST}/release/{family.version}/bin/linux/{architecture}"
    components = [
        Artefact(f"{own}/{name}", f"bin/{name}", f"{own}/{name}.sha256")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ]
    tag = family.version_of("go.etcd.io/etcd/server/v3")
    archive = f"etcd-{tag}-linux-{architecture}"
    etcd = Artefact(
        _asset("etcd-io/etcd", tag, f"{archive}.tar.gz"),
        "bin/etcd",
        _asset("etcd-io/etcd", tag, "SHA256SUMS"),
        f"{archive}/etcd",
    )
    programs = [
        Artefact(
            _asset(repository, family.version_of(module), f"{name}-linux-{architecture}"),
            f"bin/{name}",
            _digests(repository, family.version_of(module)),
        )
        for name, repository, module in (
            ("kwok", "kubernetes-sigs/kwok", "sigs.k8s.io/kwok"),
            ("kwokctl", "kubernetes-sigs/kwok", "sigs.k8s.io/kwok"),
            ("metrics-server", "kubernetes-sigs/metrics-server", "sigs.k8s.io/metrics-server"),
        )
    ]
    return (*components, etcd, *programs)


def _engine(family: Family, architecture: str) -> tuple[Artefact, ...]:
    """The CLI with its language hosts. Archive and checksums both from GitHub: the copies at get.pulumi.com have
    differed from its checksums (pulumi/pulumi#9416).
    """
    machine = {"amd64": "x64"}.get(architecture, architecture)
    tag = family.version
    archive = _asset("pulumi/pulumi", tag, f"pulumi-{tag}-linux-{machine}.tar.gz")
    checksums = _asset("pulumi/pulumi", tag, f"pulumi-{tag.removeprefix('v')}-checksums.txt")
    return (Artefact(archive, "bin", checksums, "pulumi/"),)


def _promtool(family: Family, architecture: str) -> tuple[Artefact, ...]:
    """Module v0.315.0 is release 3.15.0 (``VERSION`` of the module); archives as ``.promu.yml`` names them."""
    number = re.fullmatch(r"v0\.(\d)(\d\d)\.(\d+)", family.version)
    if number is None:
        return ()
    version = f"{number[1]}.{int(number[2])}.{number[3]}"
    folder = f"prometheus-{version}.linux-{architecture}"
    repository, tag = "prometheus/prometheus", f"v{version}"
    archive, checksums = _asset(repository, tag, f"{folder}.tar.gz"), _asset(repository, tag, "sha256sums.txt")
    return (Artefact(archive, "bin/promtool", checksums, f"{folder}/promtool"),)


def _actionlint(family: Family, architecture: str) -> tuple[Artefact, ...]:
    """As ``.goreleaser.yaml`` of the module names them."""
    tag = family.version
    stem = f"actionlint_{tag.removeprefix('v')}"
    archive = _asset("rhysd/actionlint", tag, f"{stem}_linux_{architecture}.tar.gz")
    return (
        Artefact(archive, "bin/actionlint", _asset("rhysd/actionlint", tag, f"{stem}_checksums.txt"), "actionlint"),
    )


_DESCRIBED: Mapping[Family, Callable[[Family, str], tuple[Artefact, ...]]] = {
    KUBERNETES: _kubernetes,
    ENGINE: _engine,
    CRDS: lambda family, architecture: (),
    PROMTOOL: _promtool,
    ACTIONLINT: _actionlint,
}


def repository_files(module: str, version: str) -> str:
    """Address of a module's files in its repository, at the tag of its version."""
    owner, name = re.sub(r"^sigs\.k8s\.io", "github.com/kubernetes-sigs", module).split("/")[1:3]
    return f"{GITHUB}/{owner}/{name}/raw/refs/tags/{version}/"


def _module_files(family: Family, files: ModuleFiles) -> list[Artefact]:
    """Those that are pinned: their names come from the verified module, too."""
    wanted = PurePosixPath(files.pattern)
    folder = f"{repository_files(files.module, family.version_of(files.module))}{wanted.parent}/"
    return [
        Artefact(address, f"{files.target}/{name}")
        for address in sums.pinned()
        if address.startswith(folder) and fnmatchcase(name := address.removeprefix(folder), wanted.name)
    ]

"""Every official release that is taken: its files in the layout of its host, its checksums, and its programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from localcloud import plugins
from localcloud.toolchain import official, origin, sums
from localcloud.toolchain.families import CRDS, ENGINE, FAMILIES, KEDA, KUBERNETES
from tests.localcloud.pretended import toolchain
from tests.localcloud.release_mirror import Mirror, archive, sha256
from tests.localcloud.test_official_tools import PROGRAM, mirror  # noqa: F401  the mirror is a fixture


@pytest.fixture
def everything(mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mirror:  # noqa: F811
    """The mirror with all that a first answer waits for, in the layout of each host."""
    pinned = {address: sha256(address.encode()) for address in sums.pinned()}
    monkeypatch.setattr(sums, "SUMS", tmp_path / "sums.json")
    sums.write(pinned)
    files = mirror.files
    for address in pinned:
        files[address.removeprefix("https://")] = address.encode()
    own = "dl.k8s.io/release/v1.36.3/bin/linux/amd64"
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        files[f"{own}/{name}"] = name.encode()
        files[f"{own}/{name}.sha256"] = sha256(name.encode()).encode()
    etcd = archive({"etcd-v3.6.11-linux-amd64/etcd": b"etcd", "etcd-v3.6.11-linux-amd64/etcdctl": b""})
    _asset(files, "etcd-io/etcd/releases/download/v3.6.11/etcd-v3.6.11-linux-amd64.tar.gz", etcd, "SHA256SUMS")
    _digest(files, "kubernetes-sigs/kwok", "v0.8.0", {"kwok-linux-amd64": b"kwok", "kwokctl-linux-amd64": b"kwokctl"})
    _digest(files, "kubernetes-sigs/metrics-server", "v0.9.0", {"metrics-server-linux-amd64": b"metrics-server"})
    cli = archive({"pulumi/pulumi": b"pulumi", "pulumi/pulumi-language-python": b"host"})
    name = "pulumi-3.255.0-checksums.txt"
    _asset(files, "pulumi/pulumi/releases/download/v3.255.0/pulumi-v3.255.0-linux-x64.tar.gz", cli, name)
    return mirror


def _asset(files: dict[str, bytes], path: str, content: bytes, sums_name: str) -> None:
    folder, _, name = f"github.com/{path}".rpartition("/")
    files[f"{folder}/{name}"] = content
    files[f"{folder}/{sums_name}"] = f"{sha256(b'')}  another\n{sha256(content)}  {name}\n".encode()


def _digest(files: dict[str, bytes], repository: str, tag: str, assets: dict[str, bytes]) -> None:
    """GitHub's own checksum of each asset, as its API has them."""
    for name, content in assets.items():
        files[f"github.com/{repository}/releases/download/{tag}/{name}"] = content
    listed = [{"name": name, "digest": f"sha256:{sha256(content)}"} for name, content in assets.items()]
    files[f"api.github.com/repos/{repository}/releases/tags/{tag}"] = json.dumps({"assets": listed}).encode()


def test_all_that_a_first_answer_waits_for_is_had_from_the_release_hosts(everything: Mirror) -> None:
    found = origin.ensure(lambda _: None, (KUBERNETES, ENGINE, CRDS))
    assert found.engine.origin == "official release"
    assert found.engine.official
    assert found.engine.command.read_bytes() == b"pulumi"
    assert (found.engine.command.parent / "pulumi-language-python").read_bytes() == b"host"
    programs = {name: path.read_bytes().decode() for name, path in found.kubernetes_binaries.items()}
    assert programs == {binary.name: binary.name for binary in KUBERNETES.binaries}
    assert all(os.access(path, os.X_OK) for path in found.kubernetes_binaries.values())
    assert {path.name for path in found.crds.iterdir()} == {path.rpartition("/")[2] for path in _crds()}
    assert (found.stages / "pod-ready.yaml").read_text().endswith("kustomize/stage/pod/fast/pod-ready.yaml")
    assert (found.metrics_server_manifests / "deployment.yaml").exists()
    assert (found.usage / "usage").is_dir()


def _crds() -> list[str]:
    release = official.release(CRDS)
    assert release is not None
    return [artefact.address for artefact in release.artefacts]


def test_a_release_and_a_build_have_the_same_programs() -> None:
    for family in FAMILIES:
        release = official.release_for(family, "amd64")
        if family in (KEDA, ENGINE):
            continue
        assert release is not None, family.name
        programs = {one.target for one in release.artefacts if one.target.startswith("bin/")}
        assert programs == {f"bin/{binary.name}" for binary in family.binaries}


def test_every_file_of_a_module_is_pinned_at_the_version_that_is_built() -> None:
    """Fails when a version was changed and `python -m localcloud.toolchain.pinning` was not run."""
    pinned = sums.pinned()
    for family in (KUBERNETES, CRDS):
        for files in family.files:
            folder = official.repository_files(files.module, family.version_of(files.module))
            assert any(address.startswith(folder) for address in pinned), files
    assert all(len(checksum) == 64 for checksum in pinned.values())


def test_no_official_release_is_there_for_keda_or_for_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert official.release(KEDA) is None
    monkeypatch.setattr(official.sys, "platform", "darwin")
    assert official.release(KUBERNETES) is None


def test_official_plugins_go_with_an_official_engine_and_a_stand_in_is_for_the_others(
    mirror: Mirror,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = plugins.PLUGINS[1].version
    name = f"pulumi-resource-aws-v{version}-linux-amd64.tar.gz"
    packed = archive({"README.md": b"", "pulumi-resource-aws": PROGRAM})
    _digest(mirror.files, "pulumi/pulumi-aws", f"v{version}", {name: packed})
    monkeypatch.setattr(plugins, "PLUGINS", plugins.PLUGINS[1:])
    found = toolchain(tmp_path)
    official_engine = origin.Engine(found.engine.command, "3.255.0", "official release", official=True)
    home = tmp_path / "home"
    plugins.install(home, _with_engine(found, official_engine), lambda _: None)
    folder = home / "plugins" / f"resource-aws-v{version}"
    assert (folder / "pulumi-resource-aws").read_bytes() == PROGRAM
    assert plugins.origins(home) == {
        "aws": f"official release, {version}",
        "random": f"stand-in of localcloud, {plugins.PLUGINS[1].version}",
    }


def _with_engine(found: origin.Toolchain, engine: origin.Engine) -> origin.Toolchain:
    return origin.Toolchain(engine, found.kubernetes_binaries, *[found.kwokctl] * 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{'a' * 64}", "a" * 64),
        (f"{'A' * 64}\n", "a" * 64),
        (f"{'b' * 64}  another\n{'a' * 64} *tool\n", "a" * 64),
        (f"{'b' * 64}  another\n", None),
        ('{"assets": [{"name": "tool", "digest": "sha256:' + "a" * 64 + '"}]}', "a" * 64),
        ('{"assets": [{"name": "tool", "digest": null}]}', None),
        ("{ a page of a login in between", None),
        ("<html>", None),
        ("", None),
    ],
)
def test_checksums_are_read_in_each_form_that_hosts_publish(text: str, expected: str | None) -> None:
    assert sums.published(text, "tool") == expected

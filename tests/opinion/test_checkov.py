"""A second opinion on every Kubernetes object of every stack: checkov, in an environment of its own, because it pins
dependencies that ours must not have.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from localcloud.servers import cached
from ops.stack_files import read
from tests.unit.program import ROOT, STACKS, declared

HERE = Path(__file__).resolve().parent
LOCK = HERE / "checkov.lock"
SECONDS = 600


@dataclass(frozen=True)
class Finding:
    """One check that one object fails."""

    check: str
    name: str
    stack: str
    resource: str


@dataclass(frozen=True)
class Accepted:
    """Accepted finding of a check, with the reason and the stacks: all of some environments."""

    stacks: tuple[str, ...]
    reason: str


def checkov() -> Path:
    """The program, installed by hash once a machine and version."""
    key = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]

    def fill(folder: Path) -> None:
        uv = [str(Path(sys.prefix) / "bin" / "uv")]
        subprocess.run([*uv, "venv", "-q", "--relocatable", "-p", sys.executable, str(folder)], check=True)
        wanted = ["pip", "install", "-q", "--require-hashes", "-r", str(LOCK), "-p", str(folder / "bin" / "python")]
        subprocess.run([*uv, *wanted], check=True, timeout=SECONDS)

    return cached(f"checkov-{key}", fill) / "bin" / "checkov"


def rendered(folder: Path) -> int:
    """Writes the objects of every stack, one a file in the stack's folder, and says how many there are."""
    written = 0
    for stack in STACKS:
        (folder / stack).mkdir()
        for one in declared(stack, read(ROOT, stack)).resources:
            if one.type.startswith("kubernetes:") and one.at("kind") is not None:
                (folder / stack / f"{one.name}.yaml").write_text(yaml.safe_dump(one.inputs))
                written += 1
    return written


def opinion(folder: Path) -> Sequence[Finding]:
    """Findings of checkov below a folder."""
    command = [str(checkov()), "-d", str(folder), "--framework", "kubernetes", "-o", "json", "--quiet", "--compact"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 0
    assert report["summary"]["parsing_errors"] == 0
    failed = report["results"]["failed_checks"]
    return [Finding(one["check_id"], one["check_name"], _stack(one["file_path"]), one["resource"]) for one in failed]


def _stack(path: str) -> str:
    return path.strip("/").split("/")[0]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Finding]:
    folder = tmp_path_factory.mktemp("objects")
    assert rendered(folder) > 300
    return opinion(folder)


@pytest.fixture(scope="module")
def accepted() -> dict[str, Accepted]:
    found = yaml.safe_load((HERE / "accepted.yaml").read_text())
    of = {stack: read(ROOT, stack).environment.value for stack in STACKS}
    return {
        check: Accepted(tuple(stack for stack in STACKS if of[stack] in one["environments"]), one["reason"])
        for check, one in found.items()
    }


def test_every_finding_is_mended_or_has_a_written_reason(
    findings: Sequence[Finding], accepted: dict[str, Accepted]
) -> None:
    allowed = {(check, stack) for check, one in accepted.items() for stack in one.stacks}
    assert [one for one in findings if (one.check, one.stack) not in allowed] == []
    assert all(len(one.reason) > 40 for one in accepted.values())


def test_no_reason_outlives_its_finding(findings: Sequence[Finding], accepted: dict[str, Accepted]) -> None:
    allowed = {(check, stack) for check, one in accepted.items() for stack in one.stacks}
    assert allowed - {(one.check, one.stack) for one in findings} == set()


def test_the_second_opinion_notices_a_privileged_container(tmp_path: Path) -> None:
    container = {"name": "a", "image": "a:latest", "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [container]}}
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod))
    assert "CKV_K8S_16" in {one.check for one in opinion(tmp_path)}

"""Running parts of an embedded cloud, read from its processes and its API servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from localcloud import processes
from localcloud.cloudfile import CloudFile, RegionFile
from localcloud.keda import has_keda
from localcloud.project import project
from localcloud.toolchain import build, later
from localcloud.toolchain.families import KEDA


@dataclass(frozen=True)
class Running:
    """One thing that runs, or should."""

    region: str
    what: str
    state: str
    address: str = ""
    process: str = ""


def running(described: CloudFile) -> list[Running]:
    """The AWS endpoint, the runner, and by region the edge and every pod."""
    logs = Path(described.folder) / "logs"
    found = [_daemon(logs, "aws", described.aws_endpoint), _daemon(logs, "runner", "")]
    for region in described.regions:
        found.append(Running(region.name, "edge", "", region.url))
        if not has_keda(Path(described.folder) / "clusters" / "clusters" / region.name):
            found.append(Running(region.name, "queue scaling (KEDA)", _awaited()))
        found += _pods(region, described.folder)
    return found


def _awaited() -> str:
    """Reason for which nothing follows the queue yet, and what changes that; until then workers stay at their first
    instance.
    """
    command = project().command
    if build.is_built(KEDA):
        return f"not running; the next `{command} up` starts it"
    if build.is_being_built(KEDA):
        return f"being built in the background, log {later.log_file()}; the next `{command} up` after that starts it"
    return f"not built; `{command} tools`, then `{command} up`"


def _daemon(logs: Path, name: str, address: str) -> Running:
    daemon = processes.find(logs, name)
    return Running("-", name, "running" if daemon else "stopped", address, str(daemon.pid) if daemon else "")


def _pods(region: RegionFile, home: str) -> list[Running]:
    command = [str(Path(sys.prefix) / "bin" / "kubectl"), "--kubeconfig", region.kubeconfig, "get", "pods", "-A"]
    done = subprocess.run(
        [*command, "-o", "json", "--request-timeout=5s"],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(home),
    )
    if done.returncode != 0:
        return [Running(region.name, "kubernetes", "does not answer")]
    return [_pod(region.name, pod) for pod in json.loads(done.stdout)["items"]]


def _environment(home: str) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": home}


def _pod(region: str, pod: dict[str, dict[str, object]]) -> Running:
    status = pod["status"]
    statuses = status.get("containerStatuses") or []
    assert isinstance(statuses, list)
    ready = sum(1 for one in statuses if one["ready"])
    waiting = next((one["state"]["waiting"].get("reason", "") for one in statuses if "waiting" in one["state"]), "")
    state = waiting or f"{status.get('phase')} {ready}/{len(statuses)}"
    return Running(region, str(pod["metadata"]["name"]), state, str(status.get("podIP", "")))

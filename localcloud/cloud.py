"""An embedded cloud: the control planes of a stack's regions, the AWS endpoint, and the runner, started and stopped as
one. Everything it owns is under one folder, so stopping leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from localcloud import pgbouncer, postgres, processes, redis
from localcloud.aws.addresses import BOOT_ID_PATH
from localcloud.cloudfile import CloudFile, RegionFile
from localcloud.cluster import Cluster
from localcloud.identity import CloudIdentity
from localcloud.images import Registry
from localcloud.networks import give_back, is_free, reserve, reserve_ports
from localcloud.paths import IMPORTED_FROM, cloud_file, images_folder, names_table, state_root, unlistened_table
from localcloud.project import FOLDER_VARIABLE, project
from localcloud.proxies import without_proxies
from localcloud.servers import ServerError
from localcloud.toolchain.compiler import Say
from localcloud.toolchain.origin import Toolchain

START_SECONDS = 60.0
MINIMUM_FREE_BYTES = 2 * 2**30
AWS = "aws"
RUNNER = "runner"


class CloudError(Exception):
    """The embedded cloud did not start; the message says which part and shows the end of its log."""


@dataclass(frozen=True)
class Cloud:
    """The embedded cloud of one stack.

    stack: stack name.
    toolchain: programs that it runs.
    names: begin of the names of the stack's resources in AWS, which the deploying identity may make; None for its name.
    """

    stack: str
    toolchain: Toolchain
    names: str | None = None

    @property
    def folder(self) -> Path:
        return state_root() / self.stack

    @property
    def file(self) -> Path:
        return cloud_file(self.folder)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def registry(self) -> Registry:
        return Registry(images_folder(self.folder))

    def exists(self) -> bool:
        return self.folder.exists()

    def description(self) -> CloudFile | None:
        return CloudFile.read(self.file) if self.file.exists() else None

    def cluster(self, region: str, network: int) -> Cluster:
        return Cluster(region, network, self.folder / "clusters", self.toolchain)

    def up(self, regions: Sequence[str], say: Say) -> CloudFile:
        """Starts what is not running. Data of earlier runs is kept. Raises CloudError or ClusterError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _require_space(self.folder)
        _require_servers()
        known = {region.name: region for region in (self.description() or _NOTHING).regions}
        networks = reserve(self.folder, regions, {name: region.network for name, region in known.items()})
        clusters = [self.cluster(region, networks[region]) for region in regions]
        say(f"starting {_count(len(clusters), 'Kubernetes control plane')} and the AWS endpoint")
        with ThreadPoolExecutor() as pool:
            endpoint = pool.submit(self._aws)
            created = list(pool.map(Cluster.up, clusters))
            aws_endpoint = endpoint.result()
        ports = reserve_ports(self.folder, regions, self._edge_ports(known))
        described = CloudFile(
            stack=self.stack,
            folder=str(self.folder),
            aws_endpoint=aws_endpoint,
            regions=tuple(
                RegionFile(
                    name=cluster.region,
                    kubeconfig=str(cluster.kubeconfig),
                    network=cluster.network,
                    edge_port=ports[cluster.region],
                )
                for cluster in clusters
            ),
            kubeconfigs={cluster.region: str(cluster.kubeconfig) for cluster in clusters},
        )
        self._runner(described, say, fresh=any(created))
        return described

    def end_jobs(self, described: CloudFile) -> None:
        """End the scheduled jobs: after this nothing in any region writes by the clock any more."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Cluster.end_jobs, [self.cluster(one.name, one.network) for one in described.regions]))

    def down(self, say: Say) -> None:
        """Stops every process and removes the folder. Nothing to do is not an error."""
        if not self.exists():
            return
        say("stopping the runner, the AWS endpoint and the control planes")
        processes.stop(self.logs, RUNNER)
        processes.stop(self.logs, AWS)
        with ThreadPoolExecutor() as pool:
            left = [self.cluster(folder.name, 0) for folder in (self.folder / "clusters" / "clusters").glob("*")]
            list(pool.map(Cluster.delete, left))
        shutil.rmtree(self.folder)
        give_back(self.folder)

    def identity(self, described: CloudFile) -> CloudIdentity:
        answer = httpx.get(f"{described.aws_endpoint}{BOOT_ID_PATH}", timeout=10)
        if not answer.is_success:
            command = project().command
            raise CloudError(f"the AWS endpoint is of an earlier version; fix: {command} down, then {command} up")
        boot = answer.json()["boot_id"]
        clusters = {region.name: self.cluster(region.name, region.network).identity() for region in described.regions}
        return CloudIdentity(aws=boot, clusters=clusters)

    def _aws(self) -> str:
        ready = self.folder / "aws.json"
        if processes.find(self.logs, AWS) is None:
            port = json.loads(ready.read_text())["port"] if ready.exists() else 0
            ready.unlink(missing_ok=True)
            wanted = str(port if port and is_free(port) else 0)
            command = [sys.executable, "-m", "localcloud.aws.server", "--port", wanted, "--ready-file", str(ready)]
            command += ["--names", f"{self.names or self.stack}-"]
            processes.spawn(command, self.logs, AWS, _environment())
        self._wait(AWS, ready.exists)
        return f"http://127.0.0.1:{json.loads(ready.read_text())['port']}"

    def _runner(self, described: CloudFile, say: Say, *, fresh: bool) -> None:
        """Starts the runner, anew when a control plane is: what it runs belongs to one that is gone."""
        running = processes.find(self.logs, RUNNER) is not None
        if running and not fresh and described == self.description():
            return
        if running:
            processes.stop(self.logs, RUNNER)
        described.write(self.file)
        say("starting the runner")
        command = [sys.executable, "-m", "localcloud.runner", str(self.file)]
        processes.spawn(command, self.logs, RUNNER, _environment())
        self._wait(RUNNER, lambda: all(_answers(region.edge_port) for region in described.regions))

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            # First of all: what answers instead of a process that ended is somebody else.
            if processes.find(self.logs, name) is None:
                raise CloudError(f"{name} ended while starting:\n{processes.log_tail(self.logs, name)}")
            if ready():
                return
            if time.monotonic() > deadline:
                raise CloudError(f"{name} did not start in {START_SECONDS:.0f} s; its log: {self.logs / name}.log")
            time.sleep(0.05)

    def _edge_ports(self, known: dict[str, RegionFile]) -> dict[str, int]:
        """The ports of before where they are still ours or free."""
        runner_is_up = processes.find(self.logs, RUNNER) is not None
        return {name: region.edge_port for name, region in known.items() if runner_is_up or is_free(region.edge_port)}

    def require_running(self) -> None:
        """Raises CloudError when the runner or the AWS endpoint has ended: then nothing waited for ever comes."""
        for name in (RUNNER, AWS):
            if processes.find(self.logs, name) is None:
                raise CloudError(
                    f"{name} ended while the stack was being deployed; fix: the same command again starts it anew. "
                    f"The end of its log:\n{processes.log_tail(self.logs, name)}"
                )
        described = self.description()
        for region in described.regions if described else ():
            table = unlistened_table(names_table(self.folder, region.name))
            for service, reason in (json.loads(table.read_text()) if table.exists() else {}).items():
                raise CloudError(f"service {service} in {region.name} {reason}. Fix: end what holds that address.")


_NOTHING = CloudFile(stack="", folder="", aws_endpoint="", regions=(), kubeconfigs={})


def _require_space(folder: Path) -> None:
    """Refuse to start without disk space: a database or a control plane that runs out of disk loses data."""
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE_BYTES:
        raise CloudError(
            f"{folder.parent} has {free / 2**30:.1f} GiB free; a running stack takes "
            f"{MINIMUM_FREE_BYTES / 2**30:.0f} GiB. Fix: free space, or set "
            f"{project().variable('STATE')} to a folder elsewhere."
        )


def _require_servers() -> None:
    """A pod whose server this machine cannot have would keep every update waiting; it is reported before anything
    starts.

    On a new machine this also fetches them, once.
    """
    try:
        postgres.home()
        redis.origin()
        pgbouncer.origin()
    except ServerError as error:
        raise CloudError(str(error)) from error


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _environment() -> dict[str, str]:
    """A daemon's environment: ours without what could lead it to a real account or cluster, or away from here."""
    ours = without_proxies(os.environ)
    kept = {key: value for key, value in ours.items() if not key.startswith(("AWS_", "KUBE", "PULUMI_"))}
    return {**kept, "PYTHONPATH": str(IMPORTED_FROM), FOLDER_VARIABLE: str(project().folder)}


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"

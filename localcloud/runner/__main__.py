"""``python -m localcloud.runner CLOUD_FILE``: runs the pods of every region of an embedded cloud until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from lightkube import AsyncClient, KubeConfig

from localcloud.cloudfile import CloudFile, RegionFile
from localcloud.development import RENEW, Development, Renewal
from localcloud.images import Registry
from localcloud.paths import images_folder, names_table
from localcloud.runner.addresses import AddressPool
from localcloud.runner.certificates import Certificates
from localcloud.runner.edge import Edge
from localcloud.runner.images import Machine
from localcloud.runner.kubelet import Kubelet
from localcloud.runner.managed import ManagedStores
from localcloud.runner.pod import Node
from localcloud.runner.services import Services

log = logging.getLogger("localcloud.runner")
OPEN_FILES = 65_536


@dataclass
class RegionRunner:
    """Everything that runs for one region."""

    kubelet: Kubelet
    services: Services
    edge: Edge
    stores: ManagedStores

    async def run(self) -> None:
        await asyncio.gather(self.services.run(), self.stores.run(), self.edge.run(), self.kubelet.run())

    async def stop(self) -> None:
        await self.edge.stop()
        await self.kubelet.stop()
        await self.stores.stop()
        await self.services.stop()


@dataclass
class Renewing:
    """Restarts of the application's pods, one after the other, each answered by the number of its request."""

    development: Development
    runners: list[RegionRunner]
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def ask(self) -> None:
        task = asyncio.create_task(self._renew())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _renew(self) -> None:
        async with self._one:
            session = self.development.session()
            if session is None or self.development.answered(session.number):
                return
            began = time.monotonic()
            found: dict[str, str] = {}
            for one in await asyncio.gather(
                *(runner.kubelet.renew(in_place=bool(session.checkout)) for runner in self.runners)
            ):
                found |= one
            failed = {name: problem for name, problem in found.items() if problem}
            self.development.answer(Renewal(session.number, time.monotonic() - began, tuple(found), failed))


def _region(cloud: CloudFile, region: RegionFile, certificates: Certificates, http: httpx.AsyncClient) -> RegionRunner:
    client = AsyncClient(config=KubeConfig.from_file(region.kubeconfig).get())
    folder = Path(cloud.folder) / "regions" / region.name
    hosts = names_table(Path(cloud.folder), region.name)
    addresses = AddressPool(region.network, folder / "addresses.json")
    services = Services(client, hosts)
    machine = Machine(cloud.aws_endpoint, hosts, certificates.bundle, Registry(images_folder(Path(cloud.folder))))
    node = Node(region.name, client, http, machine, folder)
    stores = ManagedStores(region.name, cloud.aws_endpoint, folder / "managed", services, addresses, http, certificates)
    return RegionRunner(Kubelet(node, addresses), services, Edge(client, services, region.edge_port), stores)


async def _main(cloud: CloudFile) -> None:
    certificates = Certificates(Path(cloud.folder) / "certificates")
    certificates.ensure()
    async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0)) as http:
        runners = [_region(cloud, region, certificates, http) for region in cloud.regions]
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        renewing = Renewing(Registry(images_folder(Path(cloud.folder))).development, runners)
        asyncio.get_running_loop().add_signal_handler(RENEW, renewing.ask)
        work = asyncio.gather(*(runner.run() for runner in runners))
        waiting = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait({waiting, asyncio.ensure_future(work)}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(runner.stop() for runner in runners))
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        for task in done:
            task.result()


def raise_file_limit() -> None:
    """As many open files as the machine allows, up to ``OPEN_FILES``: every connection of every service takes two here,
    and some machines start programs with 256 or 1024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    raise_file_limit()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for client in ("httpx", "httpx2"):
        logging.getLogger(client).setLevel(logging.WARNING)
    asyncio.run(_main(CloudFile.read(Path(sys.argv[1]))))

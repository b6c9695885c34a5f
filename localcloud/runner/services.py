"""Service addresses that answer: what kube-proxy does, and the names a cluster's DNS would give.

A Service's cluster address is a loopback address here, so it is listened on as it is, on a higher port where the
declared one takes a privilege; every connection goes to a ready pod, one after the other.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Service
from lightkube.resources.discovery_v1 import EndpointSlice

from localcloud.paths import unlistened_table
from localcloud.runner.addresses import as_loopback, listening_port
from localcloud.runner.forward import forward
from localcloud.runner.watching import watch

log = logging.getLogger(__name__)
SERVICE_LABEL = "kubernetes.io/service-name"
HEADLESS = "None"


def write_unlistened(names: Path, problems: Mapping[str, str]) -> None:
    """Write the file that the cloud reads beside the table of names: Services that cannot be reached, and why."""
    names.parent.mkdir(parents=True, exist_ok=True)
    unlistened_table(names).write_text(json.dumps(problems, sort_keys=True))


@dataclass(frozen=True)
class Backend:
    """A ready pod's loopback address and the number of a named port on it."""

    address: str
    ports: tuple[tuple[str, int], ...]

    def port(self, name: str) -> int | None:
        return dict(self.ports).get(name)


@dataclass
class Services:
    """The Services of a region. ``extra_names`` are added to the table, for managed stores."""

    client: AsyncClient
    hosts_file: Path
    extra_names: dict[str, str] = field(default_factory=dict)
    _services: dict[str, Service] = field(default_factory=dict)
    _slices: dict[str, EndpointSlice] = field(default_factory=dict)
    _listeners: dict[tuple[str, int], asyncio.Server] = field(default_factory=dict)
    _unlistened: dict[str, str] = field(default_factory=dict)
    _turns: dict[str, Iterator[int]] = field(default_factory=dict)

    async def run(self) -> None:
        self.write_names()
        write_unlistened(self.hosts_file, {})
        await asyncio.gather(self._watch_services(), self._watch_slices())

    async def stop(self) -> None:
        for listener in self._listeners.values():
            listener.close()

    def backends(self, service: str) -> list[Backend]:
        """Ready pods behind ``namespace/name``."""
        found: list[Backend] = []
        for one in self._slices.values():
            assert one.metadata is not None
            if f"{one.metadata.namespace}/{(one.metadata.labels or {}).get(SERVICE_LABEL)}" != service:
                continue
            ports = tuple((port.name or "", port.port or 0) for port in one.ports or [])
            for endpoint in one.endpoints or []:
                if endpoint.conditions is None or endpoint.conditions.ready is not False:
                    found += [Backend(as_loopback(address), ports) for address in endpoint.addresses]
        return found

    def address(self, namespace: str, name: str, port: int) -> tuple[str, int] | None:
        """Address that a Service's port is listened on; None for one that is not there or not ready to be."""
        service = self._services.get(f"{namespace}/{name}")
        if service is None or service.spec is None or service.spec.clusterIP in (None, HEADLESS):
            return None
        place = (str(service.spec.clusterIP), listening_port(port))
        return place if place in self._listeners else None

    def write_names(self) -> None:
        """The table that processes read: name.namespace to address, replaced whole."""
        names = dict(self.extra_names)
        for key, service in self._services.items():
            namespace, name = key.split("/")
            cluster_ip = service.spec.clusterIP if service.spec else None
            ready = self.backends(key)
            if cluster_ip not in (None, HEADLESS):
                names[f"{name}.{namespace}"] = str(cluster_ip)
            elif ready:
                names[f"{name}.{namespace}"] = ready[0].address
        self.hosts_file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.hosts_file.with_suffix(".new")
        scratch.write_text(json.dumps(names, sort_keys=True, indent=1))
        scratch.replace(self.hosts_file)

    async def _watch_services(self) -> None:
        async for operation, service in watch(self.client, Service):
            assert service.metadata is not None
            key = f"{service.metadata.namespace}/{service.metadata.name}"
            if operation == "DELETED":
                self._services.pop(key, None)
                self._close(service)
            else:
                self._services[key] = service
                await self._listen(key, service)
            self.write_names()

    async def _watch_slices(self) -> None:
        async for operation, one in watch(self.client, EndpointSlice):
            assert one.metadata is not None
            uid = str(one.metadata.uid)
            if operation == "DELETED":
                self._slices.pop(uid, None)
            else:
                self._slices[uid] = one
            self.write_names()

    async def _listen(self, key: str, service: Service) -> None:
        spec = service.spec
        if spec is None or spec.clusterIP in (None, HEADLESS) or key == "default/kubernetes":
            return
        for port in spec.ports or []:
            place = (str(spec.clusterIP), listening_port(port.port))
            if place in self._listeners:
                continue
            name = port.name or ""

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str = name) -> None:
                await forward(reader, writer, self._next(key, name))

            try:
                self._listeners[place] = await asyncio.start_server(serve, *place)
            except OSError as error:
                log.error("service %s cannot listen on %s:%s: %s", key, *place, error)
                self._unlistened[f"{key}:{port.port}"] = f"cannot listen on {place[0]}:{place[1]}: {error}"
                write_unlistened(self.hosts_file, self._unlistened)

    def _next(self, key: str, port_name: str) -> tuple[str, int] | None:
        ready = [(one.address, number) for one in self.backends(key) if (number := one.port(port_name)) is not None]
        turn = next(self._turns.setdefault(key, itertools.count()))
        return ready[turn % len(ready)] if ready else None

    def _close(self, service: Service) -> None:
        for place in [place for place in self._listeners if service.spec and place[0] == service.spec.clusterIP]:
            self._listeners.pop(place).close()

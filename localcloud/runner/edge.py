"""The embedded edge: answers on localhost as the region's gateway would, by the HTTPRoutes in the API server.

It ends no TLS; requests come over loopback and are passed on as having come over HTTPS. One request a connection, so
that streams and WebSockets pass through as they are.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from lightkube import AsyncClient
from lightkube.generic_resource import (
    GenericNamespacedResource,
    create_namespaced_resource,
)

from localcloud.runner.forward import copy
from localcloud.runner.routes import Chosen, HeaderModifier, RouteSpec, choose
from localcloud.runner.services import Services
from localcloud.runner.watching import watch

log = logging.getLogger(__name__)
HTTPRoute = create_namespaced_resource("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
HEAD_LIMIT_BYTES = 65536
HEAD_SECONDS = 30
Header = tuple[str, str]


@dataclass
class Edge:
    """The gateway of one region."""

    client: AsyncClient
    services: Services
    port: int
    _routes: dict[str, tuple[str, RouteSpec]] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    async def run(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=HEAD_LIMIT_BYTES)
        async for operation, route in watch(self.client, HTTPRoute):
            self._observe(operation, route)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def _observe(self, operation: str, route: GenericNamespacedResource) -> None:
        assert route.metadata is not None
        key = str(route.metadata.uid)
        if operation == "DELETED":
            self._routes.pop(key, None)
        else:
            self._routes[key] = (str(route.metadata.namespace), RouteSpec.model_validate(route["spec"]))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                line, headers = await _head(reader)
            method, target, _ = line.split(" ", 2)
            chosen = choose(self._routes.values(), host_of(headers), target.split("?", 1)[0])
            if chosen is None:
                await _answer(writer, 404, "no route matches this host and path")
            else:
                await self._pass_on(f"{method} {target} HTTP/1.1", headers, chosen, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, ConnectionError, TimeoutError):
            log.debug("a client sent no whole request")
        finally:
            writer.close()

    async def _pass_on(
        self,
        line: str,
        headers: list[Header],
        chosen: Chosen,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        place = self.services.address(chosen.namespace, chosen.backend.name, chosen.backend.port)
        if place is None:
            await _answer(writer, 503, f"service {chosen.backend.name} has no address", chosen.headers)
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*place, limit=HEAD_LIMIT_BYTES)
        except OSError:
            await _answer(writer, 503, f"service {chosen.backend.name} refuses connections", chosen.headers)
            return
        upgrade = any(name.lower() == "upgrade" for name, _ in headers)
        client = writer.get_extra_info("peername")[0]
        upstream_writer.write(_text(line, forwarded(headers, client, upgrade=upgrade)))
        sending = asyncio.create_task(copy(reader, upstream_writer))
        try:
            async with asyncio.timeout(chosen.timeout_seconds):
                status, answer = await _head(upstream_reader)
            writer.write(_text(status, modified(answer, chosen.headers, upgrade=upgrade)))
            await copy(upstream_reader, writer)
        except TimeoutError:
            await _answer(writer, 504, "the service did not answer in time", chosen.headers)
        except (asyncio.IncompleteReadError, ConnectionError):
            await _answer(writer, 503, f"no instance of {chosen.backend.name} is ready", chosen.headers)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            upstream_writer.close()


def host_of(headers: Iterable[Header]) -> str:
    """The name a request was sent to, without its port."""
    named = next((value for name, value in headers if name.lower() == "host"), "")
    return named.rpartition(":")[0] if named.rpartition(":")[2].isdigit() else named


def forwarded(headers: Iterable[Header], client: str, *, upgrade: bool) -> list[Header]:
    """The request's headers as a gateway passes them on; what the client claims of its own address is dropped."""
    own = {"x-forwarded-for": client, "x-real-ip": client, "x-forwarded-proto": "https"}
    kept = [(name, value) for name, value in headers if name.lower() not in own and name.lower() != "connection"]
    if not any(name.lower() == "x-request-id" for name, _ in kept):
        kept.append(("x-request-id", uuid.uuid4().hex))
    return [*kept, *own.items(), ("connection", "upgrade" if upgrade else "close")]


def modified(headers: Iterable[Header], modifier: HeaderModifier, *, upgrade: bool) -> list[Header]:
    """The answer's headers after the rule's filter: set replaces, add appends, remove removes."""
    replaced = {header.name.lower() for header in modifier.set} | {name.lower() for name in modifier.remove}
    kept = [(name, value) for name, value in headers if name.lower() not in replaced]
    if not upgrade:
        kept = [(name, value) for name, value in kept if name.lower() != "connection"] + [("connection", "close")]
    return [*kept, *((header.name, header.value) for header in (*modifier.set, *modifier.add))]


async def _head(reader: asyncio.StreamReader) -> tuple[str, list[Header]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line)]
    return lines[0], headers


def _text(line: str, headers: Iterable[Header]) -> bytes:
    return "\r\n".join([line, *(f"{name}: {value}" for name, value in headers), "", ""]).encode("latin-1")


async def _answer(writer: asyncio.StreamWriter, code: int, detail: str, modifier: HeaderModifier | None = None) -> None:
    body = f"{detail}\n".encode()
    plain: list[Header] = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
    writer.write(_text(f"HTTP/1.1 {code} -", modified(plain, modifier or HeaderModifier(), upgrade=False)) + body)
    await writer.drain()

"""One probe asked once, as a kubelet asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from subprocess import SubprocessError

import httpx
from lightkube.models.core_v1 import Container, Probe

Execute = Callable[[Sequence[str], float], Awaitable[int]]
"""Runs a command in the container and gives its exit code."""


async def ask(
    probe: Probe, container: Container, address: str, execute: Execute, http: httpx.AsyncClient
) -> str | None:
    """None when the probe succeeds, else what went wrong in words."""
    seconds = float(probe.timeoutSeconds or 1)
    try:
        if probe.httpGet:
            port = port_number(container, probe.httpGet.port)
            scheme = (probe.httpGet.scheme or "HTTP").lower()
            answer = await http.get(f"{scheme}://{address}:{port}{probe.httpGet.path or '/'}", timeout=seconds)
            return (
                None if 200 <= answer.status_code < 400 else f"HTTP probe failed with statuscode: {answer.status_code}"
            )
        if probe.tcpSocket:
            port = port_number(container, probe.tcpSocket.port)
            async with asyncio.timeout(seconds):
                _, writer = await asyncio.open_connection(address, port)
            writer.close()
            return None
        if probe.exec:
            code = await execute(probe.exec.command or [], seconds)
            return None if code == 0 else f"command exited with {code}"
    except (httpx.HTTPError, OSError, TimeoutError, SubprocessError) as error:
        return f"{type(error).__name__}: {error}"
    return "the probe has no handler that this runner knows (httpGet, tcpSocket, exec)"


def port_number(container: Container, port: int | str) -> int:
    """A port by number or by the container's own name for it. Raises OSError for an undeclared name."""
    if isinstance(port, int):
        return port
    for declared in container.ports or []:
        if declared.name == port:
            return declared.containerPort
    if port.isdigit():
        return int(port)
    raise OSError(f"the container has no port named {port}")

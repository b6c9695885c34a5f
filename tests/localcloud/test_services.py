"""Services of the embedded cloud: low ports without a privilege, and an address that cannot be had is told."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from lightkube import AsyncClient
from lightkube.models.core_v1 import ServicePort, ServiceSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Service

from localcloud.cloud import Cloud, CloudError
from localcloud.cloudfile import CloudFile, RegionFile
from localcloud.paths import names_table
from localcloud.runner.images import NAMES_FOLDER
from localcloud.runner.services import Services, write_unlistened
from tests.localcloud.pretended import toolchain

ADDRESS = "127.91.200.7"


def service(port: int) -> Service:
    spec = ServiceSpec(clusterIP=ADDRESS, ports=[ServicePort(port=port, name="http")])
    return Service(apiVersion="v1", kind="Service", metadata=ObjectMeta(name="im", namespace="contentgen"), spec=spec)


def services(folder: Path) -> Services:
    return Services(AsyncClient.__new__(AsyncClient), folder / "names.json")


def test_port_80_of_a_service_is_listened_on_where_an_ordinary_user_may(tmp_path: Path) -> None:
    async def scenario() -> tuple[str, int] | None:
        found = services(tmp_path)
        found._services["contentgen/im"] = service(80)
        await found._listen("contentgen/im", service(80))
        place = found.address("contentgen", "im", 80)
        await found.stop()
        return place

    assert asyncio.run(scenario()) == (ADDRESS, 20_080)


@pytest.mark.parametrize(("asked", "found"), [(80, 20_080), (443, 20_443), (5432, 5432), (8000, 8000)])
def test_a_process_of_the_cloud_finds_a_low_port_of_a_service_by_its_name(
    tmp_path: Path, asked: int, found: int
) -> None:
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"im.contentgen": ADDRESS}))
    program = f"import socket; print(*socket.getaddrinfo('im', {asked}, type=socket.SOCK_STREAM)[0][4])"
    variables = {
        "LOCALCLOUD_NAMES": str(names),
        "LOCALCLOUD_NAMESPACE": "contentgen",
        "LOCALCLOUD_LOW_PORTS": "1024+20000",
    }
    environment = {**os.environ, "PYTHONPATH": str(NAMES_FOLDER), **variables}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [ADDRESS, str(found)]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_http_client_reaches_a_service_by_its_name_on_any_loop(tmp_path: Path, loop: str) -> None:
    """It resolves the name first, and connects to the address with the port it was given."""
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"im.contentgen": ADDRESS}))
    program = (
        "import asyncio, httpx, uvloop\n"
        "async def ask():\n"
        "    async with httpx.AsyncClient(timeout=5) as client: print((await client.get('http://im/')).text)\n"
        f"(uvloop.run if '{loop}' == 'uvloop' else asyncio.run)(ask())\n"
    )
    table = {"LOCALCLOUD_NAMES": str(names), "LOCALCLOUD_NAMESPACE": "contentgen"}
    variables = {**table, "LOCALCLOUD_LOW_PORTS": "1024+20000"}
    environment = {**os.environ, "PYTHONPATH": str(NAMES_FOLDER), **variables}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nim")
        writer.close()

    async def scenario() -> str:
        async with await asyncio.start_server(answer, ADDRESS, 20_080):
            command = [sys.executable, "-c", program]
            done = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
            return (await done.communicate())[0].decode().strip()

    assert asyncio.run(scenario()) == "im"


def test_a_service_that_cannot_be_listened_on_ends_up_with_its_name_and_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTENTGEN_STATE", str(tmp_path))
    cloud = Cloud("local", toolchain(tmp_path))
    region = RegionFile(name="us-east-1", kubeconfig="kubeconfig", network=91, edge_port=8080)
    cloud.folder.mkdir(parents=True, exist_ok=True)
    described = CloudFile(
        stack="local", folder=str(cloud.folder), aws_endpoint="http://127.0.0.1:1", regions=(region,), kubeconfigs={}
    )
    described.write(cloud.file)
    monkeypatch.setattr("localcloud.processes.find", lambda *_: 1)
    names = names_table(cloud.folder, "us-east-1")
    write_unlistened(names, {})
    cloud.require_running()

    async def scenario() -> None:
        found = Services(AsyncClient.__new__(AsyncClient), names)
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((ADDRESS, 20_080))
            taken.listen()
            await found._listen("contentgen/im", service(80))

    asyncio.run(scenario())
    with pytest.raises(CloudError, match=r"service contentgen/im:80 in us-east-1 cannot listen on 127.91.200.7:20080"):
        cloud.require_running()

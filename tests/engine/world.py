"""A running stack as the engine tests see it: the commands people use, and the files behind them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import asyncpg
import boto3
import httpx
import psutil

from localcloud.aws.session import owners_session
from localcloud.cloud import Cloud
from localcloud.cloudfile import CloudFile
from localcloud.engine import Engine
from localcloud.toolchain.origin import ensure
from ops.deployment import BY_FORCE

CONTENTGEN = Path(sys.prefix) / "bin" / "contentgen"
COMMAND_SECONDS = 900
TOPIC = {"topic": "rooftop gardens", "content_type": "blog", "keywords": ["bees", "water"], "client_id": "engine-tests"}


@dataclass(frozen=True)
class World:
    """World of a test's stacks, away from those of the person who runs the tests."""

    state: Path
    home: Path

    def environment(self) -> dict[str, str]:
        return {**os.environ, "CONTENTGEN_STATE": str(self.state), "HOME": str(self.home), "NO_COLOR": "1"}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``contentgen ...`` to its end, with what it printed."""
        return subprocess.run(
            [str(CONTENTGEN), *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def down(self, stack: str) -> None:
        """Destroys a stack in order: nothing was taken away only with the cloud around it."""
        done = self.command("down", "--ordered", "--stack", stack)
        said = done.stdout[-8000:]
        assert done.returncode == 0, said
        assert BY_FORCE not in done.stdout, said
        assert not (self.state / stack).exists()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``contentgen ...`` in the background, output readable line by line. It heeds interrupts, even where whoever
        runs the tests has them ignored, as a shell does for what it starts in the background.
        """
        return subprocess.Popen(
            ["/usr/bin/env", "--default-signal=INT", str(CONTENTGEN), *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def cloud(self, stack: str) -> CloudFile:
        return CloudFile.read(self.state / stack / "cloud.json")

    def engine(self, stack: str) -> Engine:
        folder = self.state / stack
        return Engine(stack, folder, folder / "cloud.json", ensure(print))

    def embedded(self, stack: str) -> Cloud:
        return Cloud(stack, ensure(print))

    def aws(self, stack: str, service: str, region: str = "us-east-1") -> boto3.client:
        return owners_session(region).client(service, endpoint_url=self.cloud(stack).aws_endpoint)

    def kubectl(self, stack: str, *arguments: str, region: str = "us-east-1") -> str:
        kubeconfig = self.cloud(stack).kubeconfigs[region]
        command = [str(Path(sys.prefix) / "bin" / "kubectl"), "--kubeconfig", kubeconfig, *arguments]
        environment = {**self.environment(), "HOME": str(self.state)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    def answer(self, stack: str, *arguments: str, region: str = "us-east-1") -> str:
        """kubectl's answer to a question, to which no is an answer as well as yes."""
        try:
            return self.kubectl(stack, *arguments, region=region)
        except subprocess.CalledProcessError as error:
            return str(error.stdout)

    def database(self, stack: str, region: str, query: str) -> list[str]:
        """The first column of a query's answer from a region's database, by the address that its jobs have."""
        address = self._address(stack, region)
        return self._ask(address, query, str(address.username), str(address.password))

    def _address(self, stack: str, region: str) -> SplitResult:
        path = "jsonpath={.items[*].data.database_url_direct}"
        secret = self.kubectl(stack, "-n", "contentgen", "get", "secrets", "-o", path, region=region).split()[-1]
        found = urlsplit(base64.b64decode(secret).decode())
        names = json.loads((self.state / stack / "regions" / region / "names.json").read_text())
        host = names.get(str(found.hostname)) or names[f"{found.hostname}.contentgen"]
        return found._replace(netloc=found.netloc.replace(str(found.hostname), host))

    def _ask(self, address: SplitResult, query: str, user: str, password: str) -> list[str]:
        async def ask() -> list[str]:
            connection = await asyncpg.connect(
                host=address.hostname,
                port=address.port,
                user=user,
                password=password,
                database=address.path.lstrip("/"),
                ssl="require" if "sslmode=require" in address.query else False,
            )
            try:
                return [str(row[0]) for row in await connection.fetch(query)]
            finally:
                await connection.close()

        return asyncio.run(ask())

    def logs_in(self, stack: str, user: str, password: str, region: str = "us-east-1") -> bool:
        """True if a stack's database takes a login."""
        try:
            self._ask(self._address(stack, region), "SELECT 1", user, password)
        except asyncpg.InvalidPasswordError:
            return False
        return True

    def checkpoint(self, stack: str) -> Mapping[str, object]:
        return json.loads(self.engine(stack).checkpoint.read_text())["checkpoint"]["latest"]

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """The resources in a stack's state."""
        found = self.checkpoint(stack)["resources"]
        assert isinstance(found, list)
        return found

    def session(self, stack: str, client: str = "engine-tests") -> dict[str, str]:
        """The headers of a session by the command that people use."""
        done = subprocess.run(
            [str(CONTENTGEN), "token", "--stack", stack, "--client", client],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return {"Authorization": f"Bearer {done.stdout.strip()}"}

    def processes(self) -> list[psutil.Process]:
        """Everything alive that names the state folder in its command line or works in it."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            if process.info["status"] == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if any(str(self.state) in part for part in process.info["cmdline"] or []):
                found.append(process)
        return found


def finished_job(url: str, seconds: float = 30.0, session: Mapping[str, str] | None = None) -> Mapping[str, object]:
    """Posts a topic and follows its status to the end, which must come within ``seconds``; with the headers of a
    ``session`` where the stack asks for keys.
    """
    accepted = httpx.post(f"{url}/generate", json=TOPIC, headers=session, timeout=10)
    assert accepted.status_code == 202, accepted.text
    deadline = time.monotonic() + seconds
    while True:
        asked = f"{url}/status/{accepted.json()['job_id']}"
        status = httpx.get(asked, headers=session, timeout=10).json()
        if status["status"] in ("completed", "failed") or time.monotonic() > deadline:
            return status
        time.sleep(0.1)


def summary(output: str) -> str:
    """Counts of the engine: the lines of its last ``Resources:`` block."""
    tail = output.rsplit("Resources:", 1)[-1]
    return tail.split("Duration:", 1)[0].strip()

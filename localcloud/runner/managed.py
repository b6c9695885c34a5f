"""Local servers behind the endpoints of managed stores: one Postgres and one Redis process an instance that AWS (moto)
says is there. Replicas are aliases of their primary; every report says so.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import BaseModel, TypeAdapter

from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.runner.addresses import AddressPool
from localcloud.runner.certificates import Certificates
from localcloud.runner.container import die_with_the_runner
from localcloud.runner.forward import forward
from localcloud.runner.services import Services
from localcloud.servers import Identity

POLL_SECONDS = 1.0
PLAIN_REDIS_PORT = 16379
log = logging.getLogger(__name__)


class ManagedStore(BaseModel):
    """One managed instance as the AWS endpoint lists it."""

    kind: str
    region: str
    identifier: str
    host: str
    port: int
    user: str
    password: str
    database: str
    replica_of: str
    reader_host: str = ""


_LIST = TypeAdapter(list[ManagedStore])


@dataclass
class ManagedStores:
    """The managed stores of one region."""

    region: str
    aws_endpoint: str
    folder: Path
    services: Services
    addresses: AddressPool
    http: httpx.AsyncClient
    certificates: Certificates
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _address: dict[str, str] = field(default_factory=dict)
    _tls: list[asyncio.Server] = field(default_factory=list)

    async def run(self) -> None:
        """Follows the list: starts what is new, names what is there, ends what was deleted."""
        while True:
            try:
                answer = await self.http.get(f"{self.aws_endpoint}/contentgen/databases", timeout=5)
                found = [one for one in _LIST.validate_json(answer.content) if one.region == self.region]
                await self._follow(found)
            except httpx.HTTPError as error:
                log.warning("the AWS endpoint does not list databases: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        for listener in self._tls:
            listener.close()
        await asyncio.gather(*(asyncio.to_thread(_end, child) for child in self._children.values()))

    async def _follow(self, stores: list[ManagedStore]) -> None:
        primaries = {store.identifier: store for store in stores if not store.replica_of}
        for identifier, store in primaries.items():
            if identifier not in self._address:
                await self._start(store)
        for identifier in [known for known in self._address if known not in primaries]:
            await self._forget(identifier)
        names = {}
        for store in stores:
            source = store.replica_of.rsplit(":", 1)[-1] or store.identifier
            if source in self._address:
                names |= {host: self._address[source] for host in (store.host, store.reader_host) if host}
        if names != self.services.extra_names:
            self.services.extra_names = names
            self.services.write_names()

    async def _start(self, store: ManagedStore) -> None:
        address = self.addresses.take()
        data = self.folder / store.kind / store.identifier
        log.info("%s %s is served by a local server at %s", store.kind, store.identifier, address)
        if store.kind == "rds":
            server = PostgresServer(data, address, store.port, self._postgres_tls(data))
            await asyncio.to_thread(server.initialise, store.user, store.password, store.database)
            (data / "postmaster.pid").unlink(missing_ok=True)
            argv, environment, identity = server.argv(), server.environment(), server.identity()
        else:
            redis = RedisServer(data, address, PLAIN_REDIS_PORT)
            redis.initialise()
            config = self._redis_config(data, store.password, redis.identity())
            argv, environment, identity = redis.argv(), redis.environment(), redis.identity()
            argv.insert(1, str(config))
            await self._end_tls(address, store.port)
        self._children[store.identifier] = await asyncio.to_thread(_spawn, argv, environment, identity, data)
        self._address[store.identifier] = address

    async def _forget(self, identifier: str) -> None:
        address = self._address.pop(identifier)
        await asyncio.to_thread(_end, self._children.pop(identifier))
        self.addresses.give_back(address)
        for kind in ("rds", "elasticache"):
            await asyncio.to_thread(shutil.rmtree, self.folder / kind / identifier, ignore_errors=True)

    def _postgres_tls(self, data: Path) -> dict[str, str]:
        """Postgres reads its key itself and wants it to belong to its own user."""
        folder = data.with_name(f"{data.name}.tls")
        folder.mkdir(parents=True, exist_ok=True)
        identity = PostgresServer(data, "", 0).identity()
        for source in (self.certificates.certificate, self.certificates.key):
            copy = folder / source.name
            shutil.copyfile(source, copy)
            copy.chmod(0o600)
            if identity:
                os.chown(copy, identity.uid, identity.gid)
        key, certificate = folder / self.certificates.key.name, folder / self.certificates.certificate.name
        return {"unix_socket_directories": "", "ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key), "max_connections": "200"}

    def _redis_config(self, data: Path, password: str, identity: Identity | None) -> Path:
        config = data / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(f"requirepass {password}\n")
        if identity:
            os.chown(config, identity.uid, identity.gid)
        return config

    async def _end_tls(self, address: str, port: int) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await forward(reader, writer, (address, PLAIN_REDIS_PORT))

        self._tls.append(await asyncio.start_server(serve, address, port, ssl=self.certificates.server_context()))


def _spawn(
    argv: list[str], environment: dict[str, str], identity: Identity | None, data: Path
) -> subprocess.Popen[bytes]:
    owner = {"user": identity.uid, "group": identity.gid, "extra_groups": []} if identity else {}
    with data.with_name(f"{data.name}.log").open("ab") as log_file:
        return subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
            preexec_fn=die_with_the_runner,
            **owner,
        )


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()

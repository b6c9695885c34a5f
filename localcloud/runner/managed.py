"""Local servers behind the endpoints of managed stores: one Postgres and one Redis process an instance that AWS (moto)
says is there. A replica has an address of its own, behind which its primary answers; every report says so.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import redis
from pydantic import BaseModel, TypeAdapter

from localcloud.aws.addresses import DATABASES_PATH
from localcloud.postgres import PostgresServer
from localcloud.redis import RedisServer
from localcloud.runner import redis_cluster, renewal, tls
from localcloud.runner.addresses import AddressPool
from localcloud.runner.certificates import Certificates
from localcloud.runner.child import end, spawn
from localcloud.runner.services import Services
from localcloud.servers import Identity

POLL_SECONDS = 1.0
STOP_SECONDS = 10.0
PLAIN_PORT_OFFSET = 10000
POSTGRES_PARAMETERS = {"unix_socket_directories": "", "max_connections": "200"}
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
    shards: tuple[str, ...] = ()
    cluster: str = ""

    def servers(self) -> tuple[ManagedStore, ...]:
        """The store, or one for each shard of a Redis in cluster mode; the first also answers at the cluster's name."""
        return tuple(
            self.model_copy(
                update={
                    "identifier": f"{self.identifier}-{place:04d}",
                    "host": host,
                    "reader_host": self.host if place == 1 else "",
                    "shards": (),
                    "cluster": self.identifier,
                }
            )
            for place, host in enumerate(self.shards, 1)
        ) or (self,)


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
    _children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _address: dict[str, str] = field(default_factory=dict)
    _fronts: dict[str, asyncio.Server] = field(default_factory=dict)
    _formed: set[str] = field(default_factory=set)
    _replicas: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Follows the list: starts what is new, names what is there, ends what was deleted."""
        while True:
            try:
                answer = await self.http.get(f"{self.aws_endpoint}{DATABASES_PATH}", timeout=5)
                found = [one for one in _LIST.validate_json(answer.content) if one.region == self.region]
                await self._follow([server for one in found for server in one.servers()])
            except httpx.HTTPError as error:
                log.warning("the AWS endpoint does not list databases: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        for front in self._fronts.values():
            front.close()
        await asyncio.gather(*(end(child, STOP_SECONDS) for child in self._children.values()))

    async def _follow(self, stores: list[ManagedStore]) -> None:
        primaries = {store.identifier: store for store in stores if not store.replica_of}
        for identifier, store in primaries.items():
            child = self._children.get(identifier)
            if child is not None and child.returncode is not None:
                log.error("the server of %s ended with %s; its log: %s", identifier, child.returncode, self.folder)
                await self._forget(identifier, keep_data=True)
            if identifier not in self._address:
                await self._start(store)
            await self._renewed(store)
        await self._form_clusters([store for store in primaries.values() if store.cluster])
        for identifier in [known for known in self._address if known not in primaries]:
            await self._forget(identifier)
        await self._follow_replicas([store for store in stores if store.replica_of])
        names: dict[str, str] = {}
        for store in stores:
            address = self._address.get(store.identifier) or self._replicas.get(store.identifier)
            if address is not None:
                names |= {host: address for host in (store.host, store.reader_host) if host}
        if names != self.services.extra_names:
            self.services.extra_names = names
            self.services.write_names()

    async def _follow_replicas(self, replicas: list[ManagedStore]) -> None:
        """An address for each replica, where its primary answers, so that what uses which can be seen."""
        for replica in replicas:
            primary = self._address.get(replica.replica_of.rsplit(":", 1)[-1])
            if primary is not None and replica.identifier not in self._replicas:
                address = self.addresses.take(f"{replica.kind}/{replica.identifier}")
                secured = self.certificates.server_context(replica.host)
                behind = (primary, replica.port + PLAIN_PORT_OFFSET)
                self._fronts[replica.identifier] = await tls.postgres(address, replica.port, behind, secured)
                self._replicas[replica.identifier] = address
        for identifier in set(self._replicas) - {replica.identifier for replica in replicas}:
            self._fronts.pop(identifier).close()
            self.addresses.give_back(self._replicas.pop(identifier))

    async def _start(self, store: ManagedStore) -> None:
        address = self.addresses.take(f"{store.kind}/{store.identifier}")
        plain_port = store.port + PLAIN_PORT_OFFSET
        data = self.folder / store.kind / store.identifier
        log.info("%s %s is served by a local server at %s", store.kind, store.identifier, address)
        secured = self.certificates.server_context(*(host for host in (store.host, store.reader_host) if host))
        if store.kind == "rds":
            server = PostgresServer(data, address, plain_port, POSTGRES_PARAMETERS)
            await asyncio.to_thread(server.initialise, store.user, store.password, store.database)
            (data / "postmaster.pid").unlink(missing_ok=True)
            argv, environment, identity = server.argv(), server.environment(), server.identity()
            front = await tls.postgres(address, store.port, (address, plain_port), secured)
        else:
            shard = redis_cluster.Shard(address, plain_port, store.port)
            wanted = redis_cluster.parameters(store.host, shard) if store.cluster else {}
            cache = RedisServer(data, address, plain_port, wanted)
            cache.initialise()
            config = self._redis_config(data, store.password, cache.identity())
            renewal.remember(data, store.password)
            argv, environment, identity = cache.argv(), cache.environment(), cache.identity()
            argv.insert(1, str(config))
            front = await tls.redis(address, store.port, (address, plain_port), secured)
        self._fronts[store.identifier] = front
        with data.with_name(f"{data.name}.log").open("ab") as output:
            self._children[store.identifier] = await spawn(argv, environment, identity, output.fileno())
        self._address[store.identifier] = address

    async def _form_clusters(self, servers: list[ManagedStore]) -> None:
        """One step towards each cluster that is not formed yet; the next look takes the next one."""
        for name in {server.cluster for server in servers} - self._formed:
            members = [server for server in servers if server.cluster == name]
            shards = tuple(
                redis_cluster.Shard(self._address[one.identifier], one.port + PLAIN_PORT_OFFSET, one.port)
                for one in members
            )
            try:
                if await redis_cluster.form(shards, members[0].password):
                    self._formed.add(name)
                    log.info("elasticache %s is a cluster of %d shards", name, len(shards))
            except redis.RedisError as error:
                log.info("elasticache %s is no cluster yet: %s", name, error)

    async def _renewed(self, store: ManagedStore) -> None:
        """Follows a new password; one that cannot be set yet is tried again with the next look."""
        data = self.folder / store.kind / store.identifier
        old = renewal.remembered(data, store.password)
        if old == store.password:
            return
        address, port, passwords = (
            self._address[store.identifier],
            store.port + PLAIN_PORT_OFFSET,
            (old, store.password),
        )
        try:
            if store.kind == "rds":
                await renewal.renew_postgres(address, port, store.user, store.database, passwords)
            else:
                await renewal.renew_redis(address, port, passwords)
        except (OSError, asyncpg.PostgresError, redis.RedisError) as error:
            log.warning("%s %s does not take its new password yet: %s", store.kind, store.identifier, error)
            return
        renewal.remember(data, store.password)
        log.info("%s %s has a new password", store.kind, store.identifier)

    async def _forget(self, identifier: str, *, keep_data: bool = False) -> None:
        self._formed -= {identifier.rpartition("-")[0]}
        address = self._address.pop(identifier)
        self._fronts.pop(identifier).close()
        await end(self._children.pop(identifier), STOP_SECONDS)
        self.addresses.give_back(address)
        for kind in () if keep_data else ("rds", "elasticache"):
            await asyncio.to_thread(shutil.rmtree, self.folder / kind / identifier, ignore_errors=True)
            (self.folder / kind / f"{identifier}.password").unlink(missing_ok=True)

    def _redis_config(self, data: Path, password: str, identity: Identity | None) -> Path:
        config = data / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(f"requirepass {password}\n")
        if identity:
            os.chown(config, identity.uid, identity.gid)
        return config

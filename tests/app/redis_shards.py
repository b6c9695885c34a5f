"""A real Redis cluster of three primaries on this machine, whose servers can be killed and started again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import redis
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from localcloud.redis import RedisServer
from localcloud.servers import free_port

SLOTS, SHARDS, BUS = 16384, 3, 10_000
"""The cluster's own port is the server's and so much (Redis documentation, "Scale with Redis Cluster")."""

PASSWORD = "redis-password"


@dataclass
class Shards:
    """The servers, their processes, and clients of each."""

    servers: list[RedisServer]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    authority: Path | None = None

    @property
    def url(self) -> str:
        """The address that a service is given: one of the servers, by TLS where the servers have a certificate."""
        if self.authority is None:
            return f"redis://:{PASSWORD}@127.0.0.1:{self.servers[0].port}"
        port = self.servers[0].parameters["tls-port"]
        return f"rediss://:{PASSWORD}@127.0.0.1:{port}?ssl_ca_certs={self.authority}"

    def client(self, number: int) -> redis.Redis:
        """A plain client of one server."""
        return redis.Redis(port=self.servers[number].port, password=PASSWORD, decode_responses=True)

    def holder(self, key: str) -> int:
        """Number of the server that holds a key."""
        slot = self.client(0).execute_command("CLUSTER KEYSLOT", key)
        return min(int(slot) * SHARDS // SLOTS, SHARDS - 1)

    def key_of(self, number: int, form: str = "name-{}") -> str:
        """A key that one server holds."""
        return next(key for key in (form.format(n) for n in range(1000)) if self.holder(key) == number)

    def kill(self, number: int) -> None:
        """End one server at once."""
        self.processes[number].kill()
        self.processes[number].wait()

    def move(self, key: str, to: int) -> None:
        """Give the slot of a key, which is not there, to another server."""
        slot = self.client(0).execute_command("CLUSTER KEYSLOT", key)
        name = self.client(to).execute_command("CLUSTER MYID")
        for number in (to, self.holder(key)):
            self.client(number).execute_command("CLUSTER SETSLOT", slot, "NODE", name)


def certificate_in(folder: Path) -> Path:
    """A certificate of this machine that vouches for itself, beside its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shards")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    path, secret = folder / "shards.pem", folder / "shards.key"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    secret.chmod(0o644)
    return path


def by_tls(certificate: Path | None, port: int) -> dict[str, str]:
    """Directives of a server that has TLS on a second port."""
    if certificate is None:
        return {}
    return {
        "tls-port": str(port),
        "tls-cert-file": str(certificate),
        "tls-key-file": str(certificate.with_suffix(".key")),
        "tls-ca-cert-file": str(certificate),
        "tls-auth-clients": "no",
        "tls-cluster": "yes",
    }


def _ports() -> Iterator[int]:
    while True:
        port = free_port()
        if port + BUS < 65_536:
            yield port


@contextmanager
def shards_in(folder: Path, *, encrypted: bool = False) -> Iterator[Shards]:
    """Servers that know each other and share the slots among them; each fault is seen within a second."""
    authority = certificate_in(folder) if encrypted else None
    parameters = {
        "cluster-enabled": "yes",
        "requirepass": PASSWORD,
        "masterauth": PASSWORD,
        "cluster-node-timeout": "1000",
        # As ElastiCache has it by default: what the others hold is still there while one is gone.
        "cluster-require-full-coverage": "no",
    }
    ports = _ports()
    servers = [
        RedisServer(folder / f"shard-{n}", "127.0.0.1", next(ports), {**parameters, **by_tls(authority, next(ports))})
        for n in range(SHARDS)
    ]
    with ExitStack() as stack:
        shards = Shards(servers, authority=authority)
        for server in servers:
            server.initialise()
            shards.processes.append(stack.enter_context(server.running()))
        for number, server in enumerate(servers):
            own = range(number * SLOTS // SHARDS, (number + 1) * SLOTS // SHARDS)
            shards.client(number).execute_command("CLUSTER ADDSLOTS", *own)
            shards.client(0).execute_command(
                "CLUSTER MEET", "127.0.0.1", server.parameters.get("tls-port", server.port)
            )
        deadline = time.monotonic() + 20
        while not all(_whole(shards.client(number)) for number in range(SHARDS)):
            assert time.monotonic() < deadline, "the servers do not agree on their cluster"
            time.sleep(0.05)
        yield shards


def _whole(client: redis.Redis) -> bool:
    known = client.execute_command("CLUSTER INFO")
    return known["cluster_state"] == "ok" and known["cluster_slots_assigned"] == str(SLOTS)

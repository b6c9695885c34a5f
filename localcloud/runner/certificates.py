"""Certificates for the stand-ins of managed stores, whose clients insist on TLS: an authority of this cloud alone."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=365)
HOSTS = ("*.amazonaws.com", "localhost")


@dataclass(frozen=True)
class Certificates:
    """Files of one cloud: ``bundle`` is the public authorities and our own, for clients."""

    folder: Path

    @property
    def bundle(self) -> Path:
        return self.folder / "ca-bundle.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"

    def ensure(self, hosts: tuple[str, ...] = HOSTS) -> None:
        """Makes authority and server certificate for the names, replacing what was there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "contentgen embedded cloud")])
        authority = _builder(name, name, authority_key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "managed store")])
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        server = _builder(subject, name, server_key.public_key()).add_extension(names, critical=False)
        ours = authority.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.bundle.write_bytes(Path(certifi.where()).read_bytes() + ours)
        self.certificate.write_bytes(
            server.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        self.key.touch(mode=0o600)
        self.key.write_bytes(
            server_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFETIME)
    )

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
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "embedded cloud")])


@dataclass(frozen=True)
class Certificates:
    """Files of one cloud: ``bundle`` is the public authorities and our own, for clients."""

    folder: Path

    @property
    def bundle(self) -> Path:
        return self.folder / "ca-bundle.pem"

    @property
    def authority(self) -> Path:
        """The authority's key, for as long as the cloud runs."""
        return self.folder / "authority.pem"

    def ensure(self) -> None:
        """Makes the authority, replacing what was there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = _builder(NAME, NAME, key.public_key()).add_extension(constraints, critical=True)
        ours = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.bundle.write_bytes(Path(certifi.where()).read_bytes() + ours)
        _write_private(self.authority, _pem(key))

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        """A server's certificate for just these names, or for this machine: clients hold the whole name against it."""
        authority = serialization.load_pem_private_key(self.authority.read_bytes(), None)
        assert isinstance(authority, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in (*hosts, "localhost")])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "managed store")])
        server = _builder(subject, NAME, key.public_key()).add_extension(names, critical=False)
        signed = server.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        chain = self.folder / f"{hosts[0] if hosts else 'localhost'}.pem"
        _write_private(chain, signed + _pem(key))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        return context


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


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

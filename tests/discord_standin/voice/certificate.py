"""A certificate for 127.0.0.1 that nobody trusts but who is told to.

discord.py always speaks TLS to voice servers. A program of its own trusts the certificate through
``SSL_CERT_FILE`` (Node: ``NODE_EXTRA_CA_CERTS``) in its environment; in this process, the context
that aiohttp verifies with is told once.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp.connector
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.domain.clock import SystemClock

_LIFE = datetime.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its key, as files that live as long as ``folder``."""

    folder: tempfile.TemporaryDirectory[str]

    @property
    def path(self) -> Path:
        """The certificate, in PEM."""
        return Path(self.folder.name, "certificate.pem")

    @property
    def key_path(self) -> Path:
        """Its key, in PEM."""
        return Path(self.folder.name, "key.pem")

    def server_context(self) -> ssl.SSLContext:
        """Return what a server shows this certificate with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key_path)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return what a client trusts this certificate, and no other, with."""
        return ssl.create_default_context(cafile=str(self.path))


@functools.cache
def own_certificate() -> Certificate:
    """Return this process's certificate, made when it is first asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "discord-standin")])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate = Certificate(tempfile.TemporaryDirectory(prefix="standin-tls-"))
    certificate.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    certificate.key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate


@functools.cache
def trust_here() -> None:
    """Let every aiohttp client of this process trust the certificate, for good."""
    context = aiohttp.connector._SSL_CONTEXT_VERIFIED
    assert context is not None
    context.load_verify_locations(cafile=str(own_certificate().path))

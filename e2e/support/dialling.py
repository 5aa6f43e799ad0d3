"""How the suite's own clients reach the lab: by TCP, or by TLS where its address is https://."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
from functools import cache
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from echowall.catalog.catalog import ROOT
from echowall.lab import tls

#: The certificate of the lab's own CA, where it has one.
CA = tls.folder(ROOT) / "ca.pem"


@cache
def trust() -> ssl.SSLContext:
    """What a client trusts: the system's CAs, and the lab's own."""
    context = ssl.create_default_context()
    if CA.exists():
        context.load_verify_locations(CA)
    return context


def trust_for(url: str) -> ssl.SSLContext | None:
    """The same where the address is https://, else None."""
    return trust() if urlsplit(url).scheme == "https" else None


def origin_of(base_url: str) -> str:
    """The origin of the lab's own page, which a browser tells with each handshake (RFC 6454)."""
    address = urlsplit(base_url)
    return f"{address.scheme}://{address.netloc}"


def dial(url: str, timeout: float) -> socket.socket:
    """A connection with the server that the address names. It and each read and write take so many seconds at most."""
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    return secured(socket.create_connection((address.hostname, port), timeout=timeout), url)


def chromium_trusting(base_url: str) -> str:
    """The argument by which Chromium trusts this one server, which the suite's own clients trust already.

    Chromium takes a CA only from a store of certificates, and its headless shell has none. But it may be told whose
    certificate's errors to ignore, by the public key: the SHA-256 of its SubjectPublicKeyInfo, in base64.
    """
    with dial(base_url, 10) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        shown = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
    key = shown.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"--ignore-certificate-errors-spki-list={base64.b64encode(hashlib.sha256(key).digest()).decode()}"


def secured(connected: socket.socket, url: str) -> socket.socket:
    """The same connection, with TLS over it where the address is https://. It is closed where that does not work."""
    context = trust_for(url)
    try:
        return context.wrap_socket(connected, server_hostname=urlsplit(url).hostname) if context else connected
    except BaseException:
        connected.close()
        raise


def arrived(connection: socket.socket) -> bytes | None:
    """What has come by now, of up to 500 bytes; empty where the connection has ended, None where nothing has come.

    (select() will not do: TLS 1.3 sends tickets behind its handshake.)
    """
    connection.setblocking(False)
    try:
        return connection.recv(500)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None

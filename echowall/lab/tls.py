"""The certificate with which the proxy speaks TLS: the user's own, or one that the lab's own CA issues.

The CA is made once and kept in `.echowall/tls`, so that whoever trusts it need do so only once in its lifetime. The
certificate is issued anew when it comes near its end, or when the lab is published at another address.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from echowall import files
from echowall.lab.lab import LabError

#: How long the CA and a certificate of it are valid. Browsers take at most 398 days of certificates of public CAs, and
#: Apple's 825 days of all others.
_OF_CA, _OF_CERTIFICATE = timedelta(days=5 * 365), timedelta(days=397)
#: A certificate with less than this to go is issued anew when the lab is started. A CA is made anew where one that it
#: issues would outlive it.
_MARGIN = timedelta(days=60)
#: A client's clock may be slow.
_SINCE = timedelta(hours=1)

_CURVE = ec.SECP256R1()
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104


class Identity(NamedTuple):
    """The certificate that the proxy shows."""

    certificate: Path
    """In PEM, with the certificates of intermediate CAs after it."""
    key: Path
    """Its private key in PEM, not encrypted."""
    ca: Path | None = None
    """The certificate of the lab's own CA; None where the user brought a certificate."""


class _Pair(NamedTuple):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKeyTypes


class _Authority(NamedTuple):
    """A CA: its certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class _UnusableError(Exception):
    """The files are not a certificate and its key. The message says why."""


def folder(root: Path) -> Path:
    """Where the CA and what it issued are kept."""
    return root / ".echowall" / "tls"


def names(bind: str) -> list[str]:
    """Under which names and addresses this machine's browsers, and others where `bind` lets them, reach the proxy."""
    found = ["localhost", "127.0.0.1", "::1", *([] if bind in _WILDCARDS else [bind]), socket.gethostname()]
    return list(dict.fromkeys(name for name in found if name))


def own(root: Path, wanted: Iterable[str], *, today: datetime | None = None) -> Identity:
    """A certificate for these names and addresses, of the CA in the checkout `root`. Both are made where need be.

    Raises LabError if the files of the CA are of no use, or if some cannot be written.
    """
    now = today or datetime.now(UTC)
    where, alternatives = folder(root), [_general(name) for name in wanted]
    identity = Identity(where / "lab.pem", where / "lab-key.pem", where / "ca.pem")
    try:
        where.mkdir(parents=True, exist_ok=True)
        ca = _authority_in(where, now)
        if not _serves(identity, ca.certificate, alternatives, now):
            _write(identity.certificate, identity.key, _issue(ca, alternatives, now))
    except OSError as error:
        raise LabError(
            f"{error.filename or where}: {error.strerror}; see that the checkout can be written to"
        ) from None
    return identity


def given(certificate: Path, key: Path) -> Identity:
    """The user's own. Raises LabError, in words for the user, if nginx or the browsers could not use it."""
    try:
        found = _pair(certificate, key)
    except _UnusableError as error:
        raise LabError(f"--cert {certificate} --key {key}: {error}") from None
    if found.certificate.not_valid_after_utc < datetime.now(UTC):
        raise LabError(
            f"--cert {certificate}: it expired on {found.certificate.not_valid_after_utc:%Y-%m-%d}; renew it"
        )
    return Identity(certificate.resolve(), key.resolve())


def hosts(identity: Identity) -> list[str]:
    """The names of hosts that the certificate is for. Raises LabError if it cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificates(identity.certificate.read_bytes())[0]
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except (OSError, ValueError) as error:
        raise LabError(f"{identity.certificate}: {error}; name a certificate in PEM") from None
    return [name.lower() for name in alternatives.get_values_for_type(x509.DNSName)]


def serve(root: Path, identity: Identity) -> None:
    """Note which certificate the proxy is going to show, for the tool's own clients. Raises LabError."""
    file = shown(root)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        first = x509.load_pem_x509_certificates(identity.certificate.read_bytes())[0]
        files.replace(file, first.public_bytes(Encoding.PEM).decode(), mode=0o644)
    except OSError as error:
        raise LabError(f"{file}: {error.strerror}; see that the checkout can be written to") from None


def shown(root: Path) -> Path:
    """The file of the certificate that the lab of the checkout shows."""
    return folder(root) / "shown.pem"


def _authority_in(where: Path, now: datetime) -> _Authority:
    """The CA that is kept there; a new one where there is none, or where a certificate of it would outlive it.

    Raises LabError and OSError.
    """
    certificate, key = where / "ca.pem", where / "ca-key.pem"
    if certificate.exists() or key.exists():
        try:
            kept, private = _pair(certificate, key)
            if not isinstance(private, ec.EllipticCurvePrivateKey):
                raise _UnusableError(f"{key} is not a key that this tool makes")
        except _UnusableError as error:
            raise LabError(f"the lab's own CA is of no use: {error}; remove {where}, and a new one is made") from None
        if kept.not_valid_after_utc - now > _OF_CERTIFICATE:
            return _Authority(kept, private)
    made = _authority(now)
    _write(certificate, key, _Pair(*made))
    return made


def _authority(now: datetime) -> _Authority:
    """A new CA. Its name tells two of them apart, in a browser's list too."""
    key = ec.generate_private_key(_CURVE)
    name = _name(f"Echo Wall lab CA, {socket.gethostname()}, {now:%Y-%m-%d}"[:64])  # RFC 5280: at most 64 characters
    certificate = (
        _builder(name, name, key, now, _OF_CA, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Authority(certificate, key)


def _issue(ca: _Authority, alternatives: Iterable[x509.GeneralName], now: datetime) -> _Pair:
    """A server's certificate for these names and addresses."""
    key = ec.generate_private_key(_CURVE)
    certificate = (
        _builder(_name("Echo Wall lab"), ca.certificate.subject, key, now, _OF_CERTIFICATE, ca.key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lifetime: timedelta,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    """What both kinds of certificate have (RFC 5280, section 4.2.1; the key identifiers are what OpenSSL looks for)."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SINCE)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _serves(identity: Identity, ca: x509.Certificate, wanted: Iterable[x509.GeneralName], now: datetime) -> bool:
    """Whether that certificate is of this CA, is for all these names, and will do for a while."""
    try:
        found = _pair(identity.certificate, identity.key).certificate
        found.verify_directly_issued_by(ca)
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (_UnusableError, InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return set(wanted) <= set(alternatives) and found.not_valid_after_utc - now > _MARGIN


def _pair(certificate: Path, key: Path) -> _Pair:
    """A certificate and its key from their files. Raises _UnusableError."""
    try:
        found = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except OSError as error:
        raise _UnusableError(f"{certificate}: {error.strerror}; name files that can be read") from None
    except ValueError:
        raise _UnusableError(f"no certificate in PEM is in {certificate}") from None
    try:
        private = load_pem_private_key(key.read_bytes(), password=None)
    except OSError as error:
        raise _UnusableError(f"{key}: {error.strerror}; name files that can be read") from None
    except TypeError:
        raise _UnusableError("the key is encrypted; write it decrypted to a file of its own") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _UnusableError(f"no private key in PEM is in {key}") from None
    if found.public_key() != private.public_key():
        raise _UnusableError("the two do not belong together; name a certificate and its own private key")
    return _Pair(found, private)


def _write(certificate: Path, key: Path, made: _Pair) -> None:
    """Write both files. Raises OSError."""
    private = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.replace(key, private.decode(), mode=0o600)
    files.replace(certificate, made.certificate.public_bytes(Encoding.PEM).decode(), mode=0o644)

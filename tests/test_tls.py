"""The lab's own CA and what it issues, and a user's certificate: who trusts them, how long, who can read the keys."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from echowall.lab import lab, tls
from echowall.lab.lab import LabError
from echowall.lab.tls import Identity

NAMES = tls.names("127.0.0.1")


@contextmanager
def server(identity: Identity) -> Iterator[int]:
    """A server on loopback that shows this certificate to one client; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)

    def shake_hands() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):  # the client may not trust it
            context.wrap_socket(connection, server_side=True).close()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=shake_hands)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def handshake(port: int, context: ssl.SSLContext, name: str) -> None:
    """Raises SSLCertVerificationError where the client does not trust the server under that name."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
        closing(context.wrap_socket(raw, server_hostname=name)),
    ):
        pass


def of_authority(tmp_path: Path, *names: str, expired: bool = False, name: str = "mine") -> Identity:
    """Files of a certificate of somebody else's CA."""
    ends = datetime.now(UTC) + timedelta(days=-1 if expired else 1)
    issued = trustme.CA().issue_cert(*names, not_after=ends, not_before=ends - timedelta(days=9))
    identity = Identity(tmp_path / f"{name}.pem", tmp_path / f"{name}-key.pem")
    issued.cert_chain_pems[0].write_to_path(identity.certificate)
    issued.private_key_pem.write_to_path(identity.key)
    return identity


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", socket.gethostname()])
def test_whoever_trusts_the_ca_trusts_the_lab_under_each_of_its_names(tmp_path: Path, name: str) -> None:
    identity = tls.own(tmp_path, NAMES)
    with server(identity) as port:
        handshake(port, ssl.create_default_context(cafile=identity.ca), name)


def test_nobody_trusts_it_without_the_ca_or_under_another_name(tmp_path: Path) -> None:
    identity = tls.own(tmp_path, NAMES)
    with server(identity) as port, pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        handshake(port, ssl.create_default_context(), "localhost")
    with server(identity) as port, pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(port, ssl.create_default_context(cafile=identity.ca), "lab.example")


def test_the_ca_passes_the_strictest_verification(tmp_path: Path) -> None:
    identity = tls.own(tmp_path, NAMES)
    context = ssl.create_default_context(cafile=identity.ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    with server(identity) as port:
        handshake(port, context, "localhost")


def test_only_their_owner_can_read_the_keys(tmp_path: Path) -> None:
    tls.own(tmp_path, NAMES)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tls.folder(tmp_path).iterdir()}

    assert modes == {"ca.pem": 0o644, "ca-key.pem": 0o600, "lab.pem": 0o644, "lab-key.pem": 0o600}


def test_ca_and_certificate_stay_as_they_are_while_they_will_do(tmp_path: Path) -> None:
    def made(*names: str, days: int = 0) -> tuple[bytes, bytes]:
        identity = tls.own(tmp_path, names, today=datetime.now(UTC) + timedelta(days=days))
        assert identity.ca
        return identity.ca.read_bytes(), identity.certificate.read_bytes()

    ca, certificate = made("localhost", "127.0.0.1")
    assert made("localhost", days=330) == (ca, certificate)
    assert made("localhost", days=340) == (ca, changed := made("localhost", days=340)[1])
    assert changed != certificate
    assert made("localhost", "lab.example", days=340)[1] != changed
    assert made("localhost", days=4 * 365 - 40)[0] == ca
    assert made("localhost", days=4 * 365)[0] != ca  # it would end before a certificate of today


def test_a_certificate_never_outlives_its_ca(tmp_path: Path) -> None:
    for days in range(0, 6 * 365, 100):
        identity = tls.own(tmp_path, NAMES, today=datetime.now(UTC) + timedelta(days=days))
        assert identity.ca
        issued, ca = (x509.load_pem_x509_certificate(file.read_bytes()) for file in (identity.certificate, identity.ca))
        assert issued.not_valid_after_utc <= ca.not_valid_after_utc
        issued.verify_directly_issued_by(ca)


def test_a_certificate_that_was_spoilt_is_issued_anew(tmp_path: Path) -> None:
    identity = tls.own(tmp_path, NAMES)
    identity.key.write_text("nonsense")

    with server(tls.own(tmp_path, NAMES)) as port:
        handshake(port, ssl.create_default_context(cafile=identity.ca), "localhost")
    assert identity.key.stat().st_mode & 0o777 == 0o600


def test_a_ca_that_was_spoilt_is_not_replaced_behind_the_backs_of_those_who_trust_it(tmp_path: Path) -> None:
    tls.own(tmp_path, NAMES)
    (tls.folder(tmp_path) / "ca-key.pem").unlink()

    with pytest.raises(LabError, match=r"ca-key\.pem: No such file.*; remove .*tls, and a new one is made"):
        tls.own(tmp_path, NAMES)


def test_a_certificate_of_ones_own_is_served_and_known_to_the_tool_by_itself(tmp_path: Path) -> None:
    mine = of_authority(tmp_path, "lab.example")
    tls.serve(tmp_path, tls.given(mine.certificate, mine.key))
    with server(mine) as port:
        handshake(port, lab.trusting(tls.shown(tmp_path)), "127.0.0.1")
    another = of_authority(tmp_path, "lab.example", name="another")
    with server(another) as port, pytest.raises(ssl.SSLCertVerificationError):
        handshake(port, lab.trusting(tls.shown(tmp_path)), "127.0.0.1")


def test_the_tool_says_so_where_it_is_not_known_which_certificate_the_lab_shows(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"shown\.pem: No such file.*`make up TLS=yes` starts the lab anew"):
        lab.trusting(tls.shown(tmp_path))


@pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [
        ("mine.pem", "other-key.pem", "the two do not belong together"),
        ("old.pem", "old-key.pem", r"it expired on 20\d\d-\d\d-\d\d; renew it"),
        ("mine-key.pem", "mine-key.pem", "no certificate in PEM is in .*mine-key.pem"),
        ("mine.pem", "mine.pem", "no private key in PEM is in .*mine.pem"),
        ("nowhere.pem", "mine-key.pem", r"nowhere.pem: No such file or directory; name files that can be read"),
        ("mine.pem", "locked-key.pem", "the key is encrypted"),
        ("mine.pem", "", "Is a directory"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, certificate: str, key: str, why: str) -> None:
    mine = of_authority(tmp_path, "localhost")
    of_authority(tmp_path, "localhost", name="other")
    of_authority(tmp_path, "localhost", name="old", expired=True)
    (tmp_path / "locked-key.pem").write_bytes(encrypted(mine.key.read_bytes()))

    with pytest.raises(LabError, match=why):
        tls.given(tmp_path / certificate, tmp_path / key)


def encrypted(key: bytes) -> bytes:
    private = serialization.load_pem_private_key(key, None)
    locked = serialization.BestAvailableEncryption(b"secret")
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


def test_the_names_in_a_certificate_are_those_that_it_is_for(tmp_path: Path) -> None:
    assert tls.hosts(of_authority(tmp_path, "lab.example", "*.lab.example", "127.0.0.1")) == [
        "lab.example",
        "*.lab.example",
    ]
    assert "localhost" in tls.hosts(tls.own(tmp_path, NAMES))

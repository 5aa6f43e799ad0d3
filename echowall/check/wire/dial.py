"""How an endpoint is reached: its address, a socket, TLS, and the opening handshake."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from echowall.check.wire import http
from echowall.check.wire.connection import Connection
from echowall.check.wire.errors import CertificateError, RefusedError, UnreachableError
from echowall.check.wire.http import Headers, Response, handshake
from echowall.check.wire.limits import admitted
from echowall.check.wire.stream import LastingProtocol, LastingReader, Stream
from echowall.check.wire.target import Target
from echowall.check.wire.transcript import Transcript
from echowall.check.wire.tunnel import Tunnel

_WITHIN = 10.0
#: How long a port may take to show whether it speaks TLS, in seconds.
_PROBE_WITHIN = 3.0
#: What OpenSSL says where the other side answers with something that is not TLS.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
#: By OpenSSL's codes of what is wrong with a certificate (X509_V_ERR_…), where another CA would not mend it.
_CURES = {
    9: "the certificate is not valid yet, or the clock of this machine is slow; --insecure asks all the same",
    10: "the certificate has to be renewed; --insecure asks all the same",
    62: "ask it by a name that is in its certificate, or use --insecure",  # of a name
    64: "ask it by a name that is in its certificate, or use --insecure",  # of an address
}


@asynccontextmanager
async def connect(
    target: Target,
    *,
    headers: Headers | None = None,
    receive_buffer: int | None = None,
    greet: bool = True,
) -> AsyncIterator[Connection]:
    """Open a WebSocket. Raises UnreachableError, or RefusedError where the answer is not a proper 101.

    `receive_buffer` is the socket's, in bytes, for a client that is going to be slow. `greet=False` leaves unsaid what
    is to be said first, and unheard how the server greets; see Connection.greet().
    """
    sent = headers if headers is not None else handshake(target)
    async with dialled(target, receive_buffer) as stream:
        response = await http.exchange(stream, "GET", target.resource, sent)
        if response.status != 101:
            raise RefusedError(response)
        connection = Connection(stream, response, target)
        if greet:
            await connection.greet()
        yield connection


async def request(
    target: Target,
    *,
    method: str = "GET",
    resource: str | None = None,
    headers: Headers | None = None,
    version: str = "HTTP/1.1",
) -> Response:
    """Send one request and give the answer, whatever it is. Raises UnreachableError."""
    async with dialled(target) as stream:
        sent = headers if headers is not None else handshake(target)
        return await http.exchange(stream, method, resource or target.resource, sent, version=version)


async def speaks_tls(target: Target) -> bool:
    """Whether the endpoint's port takes a TLS handshake, whatever its certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(UnreachableError, TimeoutError):
        async with asyncio.timeout(_PROBE_WITHIN), dialled(_probe(target, context)):
            return True
    return False


async def speaks_http(target: Target) -> bool:
    """Whether the endpoint's port answers a request without TLS."""
    with suppress(UnreachableError, TimeoutError):
        async with asyncio.timeout(_PROBE_WITHIN):
            await request(_probe(target, None))
            return True
    return False


def _probe(target: Target, tls: ssl.SSLContext | None) -> Target:
    """The endpoint, asked with other TLS or none, and without what only it may see."""
    return msgspec.structs.replace(target, tls=tls, headers=(), transcript=Transcript())


@asynccontextmanager
async def dialled(target: Target, receive_buffer: int | None = None) -> AsyncIterator[Stream]:
    """An open TCP or TLS connection, as soon as the endpoint may be asked to take one more.

    Raises UnreachableError where there is none within 10 s a step, and CrowdedError.
    """
    async with admitted(target.limiter, target.seat), _connected(target, receive_buffer) as stream:
        yield stream


@asynccontextmanager
async def _connected(target: Target, receive_buffer: int | None) -> AsyncIterator[Stream]:
    raw = await _reach(target, receive_buffer)
    try:
        if target.tunnel:
            await _pass_through(target.tunnel, raw, target)
        reader, writer = await _open(raw, target, receive_buffer)
    except BaseException:
        raw.close()
        raise
    try:
        stream = Stream(target, reader, writer)
        if target.tunnel:
            stream.record("note", f"through {target.tunnel}")
        yield stream
    finally:
        writer.transport.abort()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def _reach(target: Target, receive_buffer: int | None) -> socket.socket:
    """A TCP connection with the endpoint, or with the proxy before it."""
    host, port = (target.tunnel.host, target.tunnel.port) if target.tunnel else (target.host, target.port)
    where = str(target.tunnel) if target.tunnel else f"{host} port {port}"
    within = _WITHIN + target.slack
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    try:
        async with asyncio.timeout(within):
            for family, kind, number, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                raw = socket.socket(family, kind, number)
                try:
                    raw.setblocking(False)
                    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if receive_buffer is not None:
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                    await loop.sock_connect(raw, address)
                except OSError as error:
                    failure = error
                    raw.close()
                except BaseException:
                    raw.close()
                    raise
                else:
                    return raw
            raise failure or OSError("no address")
    except TimeoutError:
        what = f"{where} did not take a connection within {within:g} s"
        raise UnreachableError(f"{what}; is that the right address?") from None
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"{where}: {_reason(error)}; is the server running there?") from None


async def _pass_through(tunnel: Tunnel, raw: socket.socket, target: Target) -> None:
    """Have the proxy connect us with the endpoint."""
    within = _WITHIN + target.slack
    try:
        async with asyncio.timeout(within):
            await tunnel.connect(raw, target.host, target.port)
    except TimeoutError:
        raise UnreachableError(f"{tunnel} did not answer CONNECT within {within:g} s; is it a proxy?") from None
    except OSError as error:
        raise UnreachableError(f"{tunnel} broke the connection at CONNECT: {_reason(error)}") from None


async def _open(
    raw: socket.socket, target: Target, receive_buffer: int | None
) -> tuple[LastingReader, asyncio.StreamWriter]:
    """Streams over that connection, with TLS where it is to be."""
    where = f"{target.host} port {target.port}"
    within = _WITHIN + target.slack
    loop = asyncio.get_running_loop()
    reader = LastingReader(limit=receive_buffer or 1 << 20, loop=loop)
    protocol = LastingProtocol(reader, None if target.tls else raw)
    server_name = target.host if target.tls else None
    try:
        async with asyncio.timeout(within):
            transport, _ = await loop.create_connection(
                lambda: protocol, sock=raw, ssl=target.tls, server_hostname=server_name
            )
    except TimeoutError:
        raise UnreachableError(f"{where} did not answer the TLS handshake within {within:g} s") from None
    except ssl.SSLCertVerificationError as error:
        what = f"{where} has no TLS that can be trusted: {error.verify_message}"
        cure = _CURES.get(error.verify_code, "name its CA by --ca, or use --insecure")
        raise CertificateError(f"{what}; {cure}") from None
    except ssl.SSLError as error:
        how = "something that is not TLS" if error.reason in _NOT_TLS else (error.reason or str(error))
        raise UnreachableError(f"{where} answered the TLS handshake with {how}") from None
    except OSError as error:
        raise UnreachableError(f"{where} hung up in the TLS handshake: {_reason(error)}") from None
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _reason(error: OSError | UnicodeError) -> str:
    """Why, without the address, which is said before it."""
    if isinstance(error, UnicodeError):
        return "that is no host name"
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__

"""How an endpoint is reached: its address, a socket, TLS, and the opening handshake."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from echowall.check.wire import http
from echowall.check.wire.connection import Connection
from echowall.check.wire.errors import RefusedError, UnreachableError
from echowall.check.wire.http import Headers, Response, handshake
from echowall.check.wire.stream import LastingProtocol, LastingReader, Stream
from echowall.check.wire.target import Target

_WITHIN = 10.0


@asynccontextmanager
async def connect(
    target: Target,
    *,
    headers: Headers | None = None,
    receive_buffer: int | None = None,
    greet: bool = True,
) -> AsyncIterator[Connection]:
    """Open a WebSocket. Raises UnreachableError, or RefusedError where the answer is not a proper 101.

    `receive_buffer` is the socket's, in bytes, for a client that is going to be slow. `greet=False` leaves the
    opening of a protocol above WebSocket unsaid.
    """
    sent = headers if headers is not None else handshake(target)
    async with _dialled(target, receive_buffer) as stream:
        response = await http.exchange(stream, "GET", target.resource, sent)
        if response.status != 101:
            raise RefusedError(response)
        connection = Connection(stream, response, target.codec)
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
    async with _dialled(target, None) as stream:
        sent = headers if headers is not None else handshake(target)
        return await http.exchange(stream, method, resource or target.resource, sent, version=version)


@asynccontextmanager
async def _dialled(target: Target, receive_buffer: int | None) -> AsyncIterator[Stream]:
    """An open TCP or TLS connection. Raises UnreachableError where there is none within 10 s."""
    where = f"{target.host} port {target.port}"
    loop = asyncio.get_running_loop()
    raw: socket.socket | None = None
    try:
        async with asyncio.timeout(_WITHIN):
            infos = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            failure: OSError | None = None
            for family, kind, number, _, address in infos:
                raw = socket.socket(family, kind, number)
                raw.setblocking(False)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if receive_buffer is not None:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                try:
                    await loop.sock_connect(raw, address)
                    break
                except OSError as error:
                    failure = error
                    raw.close()
                    raw = None
            if raw is None:
                raise failure or OSError("no address")
            reader = LastingReader(limit=receive_buffer or 1 << 20, loop=loop)
            protocol = LastingProtocol(reader, None if target.tls else raw)
            server_name = target.host if target.tls else None
            transport, _ = await loop.create_connection(
                lambda: protocol, sock=raw, ssl=target.tls, server_hostname=server_name
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    except TimeoutError:
        if raw:
            raw.close()
        raise UnreachableError(
            f"{where} did not take a connection within {_WITHIN:g} s; is that the right address?"
        ) from None
    except ssl.SSLError as error:
        detail = getattr(error, "verify_message", "") or error.reason or str(error)
        raise UnreachableError(
            f"{where} has no TLS that can be trusted: {detail}; name its CA by --ca, or use --insecure"
        ) from None
    except OSError as error:
        raise UnreachableError(f"{where}: {error.strerror or error}; is the server running there?") from None
    try:
        yield Stream(target.url, reader, writer, target.transcript)
    finally:
        writer.transport.abort()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

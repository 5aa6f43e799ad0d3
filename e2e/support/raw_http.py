"""HTTP requests that no client would send: their target and headers go out as they are written."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from e2e.support.dialling import dial
from e2e.support.websocket import PATIENCE, NoAnswerError


class Response(NamedTuple):
    """An HTTP response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded from JSON."""
        assert self.headers.get("content-type", "").startswith("application/json"), self
        return json.loads(self.body)


def request(
    base_url: str, target: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
) -> Response:
    """Send a request and return the response. The target is sent as it is written, behind the path of the address if
    that has one: `..` and `%2F` stay as they are.

    Raises NoAnswerError where none comes.
    """
    address = urlsplit(base_url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    try:
        connection.sock = dial(base_url, PATIENCE)
        own_host = "Host" in (headers or {})
        connection.putrequest(method, address.path + target, skip_host=own_host, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        content = b"" if response.status == 101 else _body(response)  # after a 101 the body has no end
        return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
    except TimeoutError:
        raise NoAnswerError(f"{method} {target} {headers}: no answer within {PATIENCE} s") from None
    except ConnectionError as error:
        raise NoAnswerError(f"{method} {target}: {error}") from None
    finally:
        connection.close()


def _body(response: HTTPResponse) -> bytes:
    try:
        return response.read()
    except IncompleteRead as cut_short:
        return cut_short.partial

"""The opening handshake: what is accepted, what is refused, and how (RFC 6455, section 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite.common import summary
from echowall.check.wire import (
    PATIENCE,
    Headers,
    NoAnswerError,
    Response,
    Target,
    accept_for,
    connect,
    dialled,
    handshake,
    http,
    intermediary,
    request,
)
from echowall.check.wire.extensions import DEFLATE

check = checks_of("handshake")

#: What a server may answer to a handshake that it does not accept; 426 says best what is wrong.
REFUSALS = ("HTTP 400", "HTTP 403", "HTTP 404", "HTTP 405", "HTTP 426")


@check("accept-key", "RFC 6455, 4.2.2", "accepted")
async def accept_key(target: Target) -> Observation | str:
    """Is a proper handshake answered with 101 and the accept value that follows from its key?

    Sent: A handshake with a fresh key.
    """
    headers = handshake(target)
    response = await request(target, headers=headers)
    if response.status != 101:
        return f"HTTP {response.status}"
    if (response.header("Upgrade") or "").lower() != "websocket":
        return "101 without Upgrade: websocket"
    if "upgrade" not in _tokens(response.header("Connection")):
        return "101 without Connection: Upgrade"
    accept = response.header("Sec-WebSocket-Accept")
    if accept is None:
        return "no accept value"
    if accept != accept_for(dict(headers)["Sec-WebSocket-Key"]):
        return Observation("wrong accept value", accept)
    return "accepted"


@check("handshake-answer", "RFC 6455, 4.2.2", "well-formed", gathers="answer")
async def handshake_answer(target: Target) -> str:
    """Is every 101 one that a browser takes: its version, each header once, no body, nothing that was not offered?

    Sent: Handshakes that offer `echo, chat`, and permessage-deflate with and without parameters.

    What is found in any other check's handshakes counts, too.
    """
    await request(target, headers=_with(target, Sec_WebSocket_Protocol="echo, chat"))
    for offers in (
        DEFLATE,
        f"{DEFLATE}; client_max_window_bits",
        f"{DEFLATE}; server_max_window_bits=10; server_no_context_takeover",
        f"{DEFLATE}; server_max_window_bits=10, {DEFLATE}",
    ):
        await request(target, headers=_with(target, Sec_WebSocket_Extensions=offers))
    return "well-formed"


@check("connection-list", "RFC 6455, 4.2.1", "accepted")
async def connection_list(target: Target) -> Observation | str:
    """Is `Connection: keep-alive, Upgrade`, a list with `Upgrade` in it, accepted?

    Sent: A handshake with `Connection: keep-alive, Upgrade`.
    """
    return await _shake(target, Connection="keep-alive, Upgrade")


@check("header-case", "RFC 6455, 4.2.1", "accepted")
async def header_case(target: Target) -> Observation | str:
    """Are header names and the words `websocket` and `upgrade` accepted in another case?

    Sent: A handshake whose header names are in small letters, with `upgrade: WebSocket` and `connection: UPGRADE`.
    """
    headers = [(name.lower(), value) for name, value in _with(target, Upgrade="WebSocket", Connection="UPGRADE")]
    return await _outcome(target, headers)


@check("header-whitespace", "RFC 9112, 5", "accepted")
async def header_whitespace(target: Target) -> Observation | str:
    """Are header lines accepted with no blank behind the colon, and with three?

    Sent: A handshake whose headers have no blank behind the colon, and one with three.
    """

    async def one(colon: str) -> str:
        return Observation.of(await _answered(target, _asked(target, colon))).outcome

    return summary({"no blank": await one(":"), "three blanks": await one(":   ")})


async def _asked(target: Target, colon: str) -> Response:
    """What answers a handshake with this between the names and the values of its headers."""
    async with dialled(target) as stream:
        headers = handshake(target)
        await stream.write_head(http.head("GET", target.resource, headers, colon=colon), "GET, its headers spelt oddly")
        return await http.answer(stream, "GET", headers)


@check("own-origin", "RFC 6455, 10.2", "accepted")
async def own_origin(target: Target) -> Observation | str:
    """Is a page of the endpoint's own site accepted?

    Sent: A handshake with the endpoint's own address as its Origin.
    """
    return await _shake(target, Origin=target.origin)


@check("foreign-origin", "RFC 6455, 10.2", ("accepted", "HTTP 403"))
async def foreign_origin(target: Target) -> Observation | str:
    """Is a page of a foreign site either accepted or refused with 403, and with it one that hides its site?

    Sent: A handshake with `Origin: https://elsewhere.example`.

    Either may be intended. A service of the lab says in its service.toml which of them it is. `Origin: null` may come
    from any site, by a frame in a sandbox (RFC 6454, 7.3): who refuses foreign pages has to refuse it, too.
    """
    foreign = await _shake(target, Origin="https://elsewhere.example")
    if foreign == "HTTP 403" and (hidden := await _shake(target, Origin="null")) != foreign:
        return Observation(f"HTTP 403, but {Observation.of(hidden).outcome} for null")
    return foreign


@check("no-origin", "RFC 6455, 4.2.1", "accepted")
async def no_origin(target: Target) -> Observation | str:
    """Is a client that is no browser, and so sends no Origin, accepted?

    Sent: A handshake without an Origin.
    """
    return await _shake(target, Origin=None)


@check("cookie-and-query", "RFC 6455, 4.1", "accepted")
async def cookie_and_query(target: Target) -> Observation | str:
    """Is a handshake with cookies and a query accepted?

    Sent: A handshake with two cookies and the query `a=1&b=%E5%9B%9E`.
    """
    query = "&a=1&b=%E5%9B%9E" if "?" in target.resource else "?a=1&b=%E5%9B%9E"
    return await _outcome(target, _with(target, Cookie="session=0123456789abcdef; theme=dark"), target.resource + query)


@check("non-ascii-header", "RFC 9110, 5.5", ("accepted", "HTTP 400"))
async def non_ascii_header(target: Target) -> Observation | str:
    """Is a handshake with a cookie that is not ASCII, which browsers send, accepted, or refused as a client's error?

    Sent: A handshake with `Cookie: wall=回音壁`, in UTF-8.
    """
    return await _shake(target, Cookie="wall=回音壁")


@check("large-cookie", "RFC 6265, 6.1", "accepted")
async def large_cookie(target: Target) -> Observation | str:
    """Is a handshake with a cookie of 4,096 bytes accepted, as large as every browser keeps one?

    Sent: A handshake with a cookie of 4,096 bytes.
    """
    return await _shake(target, Cookie="session=".ljust(4096, "x"))


@check("long-header", "RFC 9110, 5.4", ("accepted", "HTTP 400", "HTTP 413", "HTTP 431"))
async def long_header(target: Target) -> Observation | str:
    """Is a handshake with 9 kB of cookies accepted, or refused as a client's error?

    Sent: A handshake with nine cookies of 1,000 bytes each.
    """
    return await _shake(target, Cookie="; ".join(f"cookie{number}={'x' * 1000}" for number in range(9)))


@check("http-1.0", "RFC 6455, 4.2.1", (*REFUSALS, "HTTP 505"))
async def http_1_0(target: Target) -> Observation | str:
    """Is a handshake in HTTP/1.0 refused?

    Sent: A handshake whose request line ends in `HTTP/1.0`.
    """
    if target.via == "proxy":
        raise UnsupportedError("the proxy asks in HTTP/1.1, whatever the client speaks")
    outcome = await _outcome(target, handshake(target), version="HTTP/1.0")
    if outcome == "accepted" and target.via is None and (proxy := intermediary(await request(target))):
        raise UnsupportedError(f"{proxy} answers, which may ask the server in HTTP/1.1, whatever the client speaks")
    return outcome


@check("missing-key", "RFC 6455, 4.2.1", ("HTTP 400", "HTTP 426"))
async def missing_key(target: Target) -> Observation | str:
    """Is a handshake without a key refused?

    Sent: A handshake without Sec-WebSocket-Key.
    """
    return await _shake(target, Sec_WebSocket_Key=None)


@check("short-key", "RFC 6455, 4.2.1", ("HTTP 400", "HTTP 426"))
async def short_key(target: Target) -> Observation | str:
    """Is a key that is not 16 bytes in base64 refused?

    Sent: A handshake with the key `dG9vIHNob3J0`, which is 9 bytes in base64.
    """
    return await _shake(target, Sec_WebSocket_Key="dG9vIHNob3J0")


@check("bad-key", "RFC 6455, 4.2.1", ("HTTP 400", "HTTP 426"))
async def bad_key(target: Target) -> Observation | str:
    """Is a key that is no base64 refused?

    Sent: A handshake with the key `abc`.
    """
    return await _shake(target, Sec_WebSocket_Key="abc")


@check("two-keys", "RFC 6455, 11.3.1", ("HTTP 400", "HTTP 426"))
async def two_keys(target: Target) -> Observation | str:
    """Is a handshake with two different keys refused, of which the server could answer either?

    Sent: A handshake with two headers Sec-WebSocket-Key that differ.
    """
    return await _outcome(target, [*handshake(target), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])


@check("missing-connection", "RFC 6455, 4.2.1", REFUSALS)
async def missing_connection(target: Target) -> Observation | str:
    """Is a handshake refused whose header Connection is missing?

    Sent: A handshake without the header Connection.
    """
    if target.via == "proxy":
        raise UnsupportedError("the proxy writes its own Connection, whatever the client sends")
    outcome = await _shake(target, Connection=None)
    if outcome == "accepted" and target.via is None and (proxy := intermediary(await request(target))):
        raise UnsupportedError(f"{proxy} answers, which may write a Connection of its own")
    return outcome


@check("missing-host", "RFC 9112, 3.2", "HTTP 400")
async def missing_host(target: Target) -> Observation | str:
    """Is a handshake refused whose header Host is missing, as every request in HTTP/1.1 without it has to be?

    Sent: A handshake without the header Host.
    """
    return await _shake(target, Host=None)


@check("bad-version", "RFC 6455, 4.4", ("HTTP 426, names version 13", "HTTP 400, names version 13"))
async def bad_version(target: Target) -> Observation | str:
    """Is an unknown version of the protocol refused in an answer that names the known one?

    Sent: A handshake with `Sec-WebSocket-Version: 99`.
    """
    headers = _with(target, Sec_WebSocket_Version="99")
    try:
        response = await request(target, headers=headers)
    except NoAnswerError as error:
        return Observation(error.how, str(error))
    if response.status == 101:
        return "accepted"
    names = "13" in _tokens(response.header("Sec-WebSocket-Version"))
    return f"HTTP {response.status}, {'names version 13' if names else 'names no version'}"


@check("plain-get", "RFC 9110, 15.5.22", "HTTP 426")
async def plain_get(target: Target) -> Observation | str:
    """Is a plain GET of the endpoint answered with 426, which says that an upgrade is required?

    Sent: A GET with the Host header alone.
    """
    outcome = await _outcome(target, [("Host", target.netloc), *target.headers], urlsplit(target.url).path or "/")
    if outcome != "HTTP 426" and target.name == target.url and str(outcome).startswith(("HTTP 2", "HTTP 3", "HTTP 4")):
        raise UnsupportedError(f"it answers a plain GET with {outcome}, as it may")
    return outcome


@check("upgrade-header", "RFC 9110, 15.5.22", "each names websocket")
async def upgrade_header(target: Target) -> Observation | str:
    """Does each answer with 426 name the protocol to upgrade to, in its header Upgrade?

    Sent: A plain GET, and a handshake with `Sec-WebSocket-Version: 99`.
    """
    found: dict[str, bool] = {}
    plain = [("Host", target.netloc), *target.headers]
    for what, headers in {"a plain GET": plain, "a bad version": _with(target, Sec_WebSocket_Version="99")}.items():
        with suppress(NoAnswerError):
            response = await request(target, headers=headers)
            if response.status == 426:
                found[what] = "websocket" in _tokens(response.header("Upgrade"))
    if not found:
        raise UnsupportedError("it never answers with 426")
    missing = ", ".join(what for what, names in found.items() if not names)
    return Observation("426 without Upgrade", f"to {missing}") if missing else "each names websocket"


@check("post", "RFC 6455, 4.2.1", REFUSALS)
async def post(target: Target) -> Observation | str:
    """Is a handshake by POST refused?

    Sent: A handshake by POST, with `Content-Length: 0`.
    """
    return await _outcome(target, [*handshake(target), ("Content-Length", "0")], method="POST")


@check("head", "RFC 6455, 4.2.1", REFUSALS)
async def head(target: Target) -> Observation | str:
    """Is a handshake by HEAD refused?

    Sent: A handshake by HEAD.
    """
    return await _outcome(target, handshake(target), method="HEAD")


@check("wrong-path", "RFC 6455, 4.2.2", ("HTTP 404", "HTTP 403"))
async def wrong_path(target: Target) -> Observation | str:
    """Is a handshake refused for a path where there is nothing?

    Sent: A handshake for the endpoint's path with `/nothing/here` behind it.
    """
    path, question, query = target.resource.partition("?")
    outcome = await _outcome(target, handshake(target), f"{path.rstrip('/')}/nothing/here{question}{query}")
    if outcome == "accepted" and target.name == target.url:
        raise UnsupportedError("every path is an endpoint there")
    return outcome


@check("subprotocol", "RFC 6455, 4.2.2", "echo")
async def subprotocol(target: Target) -> Observation | str:
    """Does offering `chat, echo` select `echo`?

    Sent: A handshake with `Sec-WebSocket-Protocol: chat, echo`.
    """
    async with connect(target, headers=_with(target, Sec_WebSocket_Protocol="chat, echo"), greet=False) as ws:
        selected = ws.response.header("Sec-WebSocket-Protocol")
    if selected is None and target.name == target.url:
        raise UnsupportedError("it selects none of `chat, echo`")
    return selected or "none selected"


@check("subprotocol-unknown", "RFC 6455, 4.2.2", ("none selected", "HTTP 400"))
async def subprotocol_unknown(target: Target) -> Observation | str:
    """Is no subprotocol selected where only unknown ones are offered?

    Sent: A handshake with `Sec-WebSocket-Protocol: wall.unknown, wall.echoes`.
    """
    headers = _with(target, Sec_WebSocket_Protocol="wall.unknown, wall.echoes")
    return await _selection(target, headers, "Sec-WebSocket-Protocol")


@check("subprotocol-case", "RFC 6455, 4.1", ("none selected", "as offered", "HTTP 400"))
async def subprotocol_case(target: Target) -> Observation | str:
    """Is a subprotocol that is offered as `ECHO` not selected in other letters, at which a browser would end it all?

    Sent: A handshake with `Sec-WebSocket-Protocol: ECHO`.
    """
    found = await _selection(target, _with(target, Sec_WebSocket_Protocol="ECHO"), "Sec-WebSocket-Protocol")
    return "as offered" if found == Observation("one selected", "ECHO") else found


@check("subprotocol-unasked", "RFC 6455, 4.1", ("none selected", "HTTP 400"))
async def subprotocol_unasked(target: Target) -> Observation | str:
    """Is no subprotocol selected where none is offered?

    Sent: A handshake without Sec-WebSocket-Protocol.
    """
    return await _selection(target, _with(target, Sec_WebSocket_Protocol=None), "Sec-WebSocket-Protocol")


@check("extension-unknown", "RFC 6455, 9.1", "none selected")
async def extension_unknown(target: Target) -> Observation | str:
    """Is an unknown extension left out of the answer?

    Sent: A handshake with `Sec-WebSocket-Extensions: wall-unknown; depth=3`.
    """
    headers = _with(target, Sec_WebSocket_Extensions="wall-unknown; depth=3")
    return await _selection(target, headers, "Sec-WebSocket-Extensions")


def _with(target: Target, **changes: str | None) -> Headers:
    """The headers of a handshake with these changes; None takes a header away, and the user's cookies stay."""
    if changes.get("Cookie") is not None:
        theirs = (value for name, value in target.headers if name.lower() == "cookie")
        changes["Cookie"] = "; ".join([*theirs, str(changes["Cookie"])])
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    lower = {name.lower() for name in changed}
    kept = [(name, value) for name, value in handshake(target) if name.lower() not in lower]
    return kept + [(name, value) for name, value in changed.items() if value is not None]


async def _shake(target: Target, **changes: str | None) -> Observation | str:
    return await _outcome(target, _with(target, **changes))


async def _outcome(
    target: Target, headers: Headers, resource: str | None = None, *, method: str = "GET", version: str = "HTTP/1.1"
) -> Observation | str:
    asking = request(target, method=method, resource=resource, headers=headers, version=version)
    return await _answered(target, asking)


async def _answered(target: Target, asking: Awaitable[Response]) -> Observation | str:
    try:
        async with asyncio.timeout(PATIENCE + target.slack):
            response = await asking
    except TimeoutError:
        return "silence"
    except NoAnswerError as error:
        return Observation(error.how, str(error))
    return "accepted" if response.status == 101 else f"HTTP {response.status}"


async def _selection(target: Target, headers: Headers, name: str) -> Observation | str:
    response = await request(target, headers=headers)
    if response.status != 101:
        return f"HTTP {response.status}"
    selected = response.header(name)
    return Observation("one selected", selected) if selected else "none selected"


def _tokens(header: str | None) -> Iterable[str]:
    return {token.strip().lower() for token in (header or "").split(",")}

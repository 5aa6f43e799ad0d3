"""`echowall check` on endpoints that are not the lab's: right ones, wrong ones, and ones that are none."""

from __future__ import annotations

import asyncio
import base64
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
import trustme

from echowall.catalog.catalog import ROOT
from echowall.check.suite import ALL
from echowall.check.wire import accept_for
from echowall.results import store
from echowall.results.model import CheckRun
from tests.commands import BOUND, echowall
from tests.interruptible import interruptible
from tests.ports import free_port

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def check(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command, far from any lab. What it says is one line each, however long."""
    return echowall("check", *arguments, **environment)


@contextmanager
def listening(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server in a thread of its own; gives its port."""
    loop, stop, ports = asyncio.new_event_loop(), asyncio.Event(), queue.Queue[int]()

    underway = set()  # asyncio's own references to a task are weak

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        underway.add(asyncio.current_task())
        await handler(reader, writer)

    async def serve() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        ports.put(server.sockets[0].getsockname()[1])
        await stop.wait()
        server.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:  # cancels what is still underway
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ports.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@pytest.fixture(scope="module")
def reference() -> Iterator[int]:
    """The faultless echo server; gives its port."""
    command = [sys.executable, "-m", "tests.faulty"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.terminate()


def forward(port: int) -> Handler:
    """To another server on this machine."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await forward_between(reader, writer, *await asyncio.open_connection("127.0.0.1", port))

    return handle


async def forward_between(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    back: asyncio.StreamWriter,
) -> None:
    """What the client says goes there, and what comes from there goes back to it."""

    async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
        else:  # TLS cannot be half closed
            sink.close()

    try:
        await asyncio.gather(pipe(reader, back), pipe(there, writer))
    finally:
        for one in (writer, back):
            one.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await one.wait_closed()
            one.transport.abort()


def listening_in(port: int, heads: list[str]) -> Handler:
    """To another server on this machine, keeping the heads of the requests."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        with suppress(asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head.decode())
            back.write(head)
        await forward_between(reader, writer, there, back)

    return handle


def proxying(port: int, heads: list[str], credentials: str = "") -> Handler:
    """An HTTP proxy that connects whoever gives these credentials to that port, wherever they want to go."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        if credentials not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await forward_between(reader, writer, *await asyncio.open_connection("127.0.0.1", port))

    return handle


def answering(data: bytes, *, then_wait: bool = False) -> Handler:
    """Says the same to whoever asks."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            await writer.drain()
            if then_wait:
                await reader.read(-1)
        writer.close()

    return handle


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection and leaves it at that."""
    with suppress(OSError):
        await reader.read(-1)
    writer.close()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def refusing(status: str, *headers: str, body: str = "nope") -> Handler:
    """Answers every request with that."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return answering("\r\n".join([*lines, "", body]).encode())


def welcoming(then: bytes = b"") -> Handler:
    """Accepts every handshake, sends that and ends the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
            upgrade = ["HTTP/1.1 101", "Upgrade: websocket", "Connection: Upgrade"]
            writer.write("\r\n".join([*upgrade, f"Sec-WebSocket-Accept: {accept_for(key)}", "", ""]).encode() + then)
            await writer.drain()
        writer.close()

    return handle


REFUSALS = {
    "a redirect": (
        refusing("301 Moved Permanently", "Location: https://other.example/ws?a=1", "Server: nginx"),
        ["(Location: https://other.example/ws?a=1; Server: nginx)", "ask wss://other.example/ws?a=1 instead"],
    ),
    "a redirect to a path": (
        refusing("308 Permanent Redirect", "Location: /echo/"),
        ["/echo/ instead", "ask ws://127"],
    ),
    "a redirect to nonsense": (refusing("302 Found", "Location: http://[oops"), ["names is no URL"]),
    "what would steer a terminal": (
        refusing("403 \x1b[31mNo", "Server: \x1b]0;mine\x07", body="\x1b[2J"),
        ["HTTP 403 \\x1b[31mNo (Server: \\x1b]0;mine\\x07)", "\\x1b[2J"],
    ),
    "a redirect to nowhere": (refusing("302 Found"), ["elsewhere, and not where"]),
    "a bad request": (refusing("400 Bad Request"), ["does not pass `Upgrade` on", "--subprotocol"]),
    "Basic": (
        refusing("401 Unauthorized", "WWW-Authenticate: Basic realm=x"),
        ["Basic realm=x", "ws://USER:PASSWORD@"],
    ),
    "Bearer": (refusing("401 Unauthorized", "WWW-Authenticate: Bearer"), ["--header 'Authorization: Bearer …'"]),
    "forbidden": (
        refusing("403 Forbidden"),
        ["HTTP 403 Forbidden", '"nope"', "--header 'Origin: https://…'", "Cookie"],
    ),
    "nothing there": (
        refusing("404 Not Found", "Server: uvicorn"),
        ["Server: uvicorn", "a wrong path", "does not pass `Upgrade` on", "without a WebSocket library"],
    ),
    "an upgrade that was lost": (refusing("426 Upgrade Required"), ["lost its `Upgrade` on the way"]),
    "another version": (
        refusing("426 Upgrade Required", "Sec-WebSocket-Version: 8"),
        ["speaks version 8 of the protocol, and version 13"],
    ),
    "too many": (refusing("429 Too Many Requests", "Retry-After: 30"), ["--connections 1 --rate 1", "after 30 s"]),
    "a gateway": (refusing("502 Bad Gateway", "Server: nginx"), ["Server: nginx", "the server behind it is down"]),
    "a gateway that waited": (refusing("504 Gateway Time-out"), ["did not in time"]),
    "overload": (refusing("503 Service Unavailable"), ["down, starting or overloaded"]),
    "a page": (
        refusing("200 OK", "Content-Type: text/html", body="<html><title>Our\nshop</title>"),
        ['a page "Our shop"', "answers with a web page: the path may be wrong"],
    ),
    "a page in chunks": (
        answering(
            b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"d\r\n<title>Not he\r\n9\r\nre</title>\r\n0\r\n\r\n",
            then_wait=True,
        ),
        ['and a page "Not here"'],
    ),
    "a body that is cut": (
        answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nno token"),
        ['and "no token"'],
    ),
    "a close": (
        welcoming(b"\x88\x10\x03\xf0token required"),
        ['closed it with 1008 "token required"', "--header 'Authorization: …'"],
    ),
    "a close without a code": (welcoming(b"\x88\x00"), ["closed it without a code and gave no reason"]),
    "an end": (welcoming(), ["ended the connection without a close frame"]),
}

NONE_AT_ALL = {
    "has a status of 5,000 digits": (answering(b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n\r\n"), "is not HTTP"),
    "has a length of 5,000 digits": (
        answering(b"HTTP/1.1 403 No\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nnope"),
        "answered with HTTP 403",
    ),
    "speaks no HTTP": (answering(b"220 mail.example ESMTP\r\n\r\n"), "is not HTTP"),
    "hangs": (say_nothing, "did not answer within 10 s"),
    "hangs up": (hang_up, "hung up"),
}


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """What the command says of each of those endpoints, asked together."""
    with ExitStack() as servers:
        endpoints = REFUSALS | NONE_AT_ALL
        ports = {name: servers.enter_context(listening(handler)) for name, (handler, _) in endpoints.items()}
        urls = {name: f"ws://127.0.0.1:{port}/ws" for name, port in ports.items()}
        done = check(*urls.values())
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = dict(line.split(" ", 1) for line in done.stderr.splitlines())
    assert lines.keys() == set(urls.values())
    return {name: lines[url] for name, url in urls.items()}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_told_with_what_commonly_causes_it(name: str, told: dict[str, str]) -> None:
    for part in REFUSALS[name][1]:
        assert part in told[name]
    assert "is the path right?" not in told[name]
    assert "\x1b" not in told[name]


@pytest.mark.parametrize("name", NONE_AT_ALL)
def test_what_is_no_websocket_endpoint_is_told_in_a_sentence(name: str, told: dict[str, str]) -> None:
    assert NONE_AT_ALL[name][1] in told[name]


def test_credentials_that_were_refused_are_not_asked_for_again() -> None:
    with listening(refusing("401 Unauthorized", "WWW-Authenticate: Bearer")) as port:
        done = check(f"ws://127.0.0.1:{port}/ws", "--header", "Authorization: Bearer abcdefgh")

    assert "does not take the credentials that were given" in done.stderr


def test_a_port_without_tls_is_named_where_tls_was_asked(reference: int) -> None:
    async def bad_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    with listening(bad_request) as quick, listening(refusing("200 OK")) as patient:
        found = [check(f"wss://127.0.0.1:{port}/", "--insecure") for port in (quick, patient)]
        found.append(check(f"wss://127.0.0.1:{quick}/"))

    for done in found:
        assert done.returncode == 1
        assert "speaks plain HTTP, without TLS: ask ws:// there" in done.stderr
        assert "--insecure" not in done.stderr


@pytest.mark.parametrize(
    ("name", "days", "why"),
    [
        ("localhost", (-9, 9), "unable to get local issuer certificate; name its CA by --ca, or use --insecure"),
        ("localhost", (-9, -1), "certificate has expired; the certificate has to be renewed"),
        ("localhost", (1, 9), "certificate is not yet valid; the certificate is not valid yet, or the clock"),
        ("elsewhere.example", (-9, 9), "certificate is not valid for 'localhost'.; ask it by a name that is in"),
    ],
    ids=["untrusted", "expired", "of tomorrow", "of another name"],
)
def test_a_certificate_that_is_not_to_be_trusted_is_told(
    reference: int, tmp_path: Path, name: str, days: tuple[int, int], why: str
) -> None:
    authority, now = trustme.CA(), datetime.now(UTC)
    begins, ends = (now + timedelta(days=day) for day in days)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_before=begins, not_after=ends).configure_cert(context)
    trust = [] if "local issuer" in why else ["--ca", str(tmp_path / "ca.pem")]

    with listening(forward(reference), context) as port:
        done = check(f"wss://localhost:{port}/foobar/", "--only", "text", *trust)

    assert done.returncode == 1
    assert "localhost port " in done.stderr
    assert re.search(f"has no TLS that can be trusted: .*{why}", done.stderr), done.stderr


@pytest.mark.parametrize("says", [b"", b"\x15\x03\x01\x00\x02\x02\x16", b"HTTP/1.1 400 Bad Request\r\n\r\nTLS!"])
def test_a_port_with_tls_is_named_where_none_was_asked(reference: int, says: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def either(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As servers do: TLS to whoever speaks it, and these bytes to others."""
        first = await reader.read(1 << 16)
        if first[:1] != b"\x16":
            writer.write(says)
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", secure)
        back.write(first)
        await forward_between(reader, writer, there, back)

    with listening(forward(reference), context) as secure, listening(either) as port:
        done = check(f"ws://127.0.0.1:{port}/foobar/")

    assert done.returncode == 1
    assert "that port speaks TLS: ask wss:// there" in done.stderr


def test_where_nobody_listens_is_told_in_a_sentence() -> None:
    with listening(hang_up) as port:
        pass

    done = check(f"ws://127.0.0.1:{port}/")

    assert done.returncode == 1
    assert "is the server running there?" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_echo_is_told_in_a_sentence(tmp_path: Path) -> None:
    greeter = tmp_path / "greeter.py"
    greeter.write_text(
        "import asyncio\n"
        "from tests.faulty.server import Server, Session\n"
        "class Greeter(Session):\n"
        "    async def echo(self, opcode, data):\n"
        "        await super().echo(opcode, b'hello yourself')\n"
        "asyncio.run(Server(Greeter).serve())\n"
    )
    with subprocess.Popen(
        [sys.executable, str(greeter)], env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        url = f"ws://127.0.0.1:{process.stdout.readline().strip()}/foobar/"
        some = check(url, "--only", "text", "--only", "empty-message", "--only", "pong-payload")
        none = check(url, "--only", "text")
        process.terminate()

    assert some.returncode == 0, some.stderr
    told = 'answers a message with "hello yourself", which is no echo: 2 checks in need of an echo are left out'
    assert f"{url}: {told}" in some.stderr
    assert "1 answer, 0 not as expected" in some.stderr
    assert none.returncode == 1
    assert "which is no echo, and all that was to be asked needs an echo" in none.stderr


def test_a_right_endpoint_passes_and_the_results_are_written(reference: int, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "results.json"

    done = check(f"ws://127.0.0.1:{reference}/foobar/", "--group", "messages", "--json", str(file))

    assert done.returncode == 0, done.stderr
    run = store.read(file)
    assert isinstance(run, CheckRun)
    assert [target.url for target in run.targets] == [f"ws://127.0.0.1:{reference}/foobar/"]
    assert {result.verdict for result in run.targets[0].results} == {"pass"}
    assert [question.id for question in run.checks] == [result.check for result in run.targets[0].results]
    assert all(question.sends for question in run.checks)
    assert (run.engine, run.targets[0].mends, run.targets[0].versions) == (None, None, {})
    assert run.commit


def test_a_polite_client_asks_nothing_intrusive(reference: int) -> None:
    endurance = (f"ws://127.0.0.1:{reference}/foobar/", "--group", "endurance", "--idle", "1")

    asked, rudely = check(*endurance), check(*endurance, "--intrusive")

    assert " resets " not in asked.stdout
    assert "intrusive (--intrusive puts them)" in asked.stderr
    assert "about the server's process on this machine" in asked.stderr
    assert "--intrusive" not in rudely.stderr
    assert " resets " in rudely.stdout


def test_subprotocols_and_headers_are_sent(reference: int) -> None:
    url = f"ws://127.0.0.1:{reference}/foobar/"

    done = check(url, "--explain", "text", "--subprotocol", "echo", "--header", "X-Room: 回音壁")

    assert done.returncode == 0, done.stderr
    assert "pass, echo" in done.stdout


def test_the_headers_of_the_user_are_in_every_handshake_and_replace_its_own(reference: int) -> None:
    heads: list[str] = []
    given = ["Cookie: session=0123456789", "Host: other.example", "Origin: http://other.example", "User-Agent: me"]

    with listening(listening_in(reference, heads)) as port:
        done = check(
            f"ws://127.0.0.1:{port}/foobar/",
            *(argument for header in given for argument in ("--header", header)),
            *("--header", "Sec-WebSocket-Protocol: echo", "--subprotocol", "other", "--group", "messages"),
        )

    assert done.returncode == 0, done.stderr
    assert len(heads) > 10
    for head in heads:
        assert [head.count(f"\r\n{name}:") for name in ("Host", "Cookie", "Sec-WebSocket-Protocol")] == [1, 1, 1]
        assert all(f"\r\n{header}\r\n" in head for header in given)
        assert "\r\nSec-WebSocket-Protocol: other, echo\r\n" in head


def test_cookies_of_the_user_stay_where_a_check_adds_its_own(reference: int) -> None:
    heads: list[str] = []

    with listening(listening_in(reference, heads)) as port:
        url = f"ws://127.0.0.1:{port}/foobar/"
        done = check(url, "--only", "cookie-and-query", "--header", "Cookie: session=0123456789")

    assert done.returncode == 0, done.stderr
    assert heads[-1].count("\r\nCookie: session=0123456789; session=") == 1


def test_an_address_is_read_as_a_browser_reads_it(reference: int) -> None:
    heads: list[str] = []
    with listening(proxying(reference, heads)) as proxy, listening(listening_in(reference, heads)) as port:
        foreign = check("ws://☕.Bücher.example/foobar/", "--only", "text", "--proxy", f"http://127.0.0.1:{proxy}")
        encoded = check(f"ws://us%20er:p%40ss@127.0.0.1:{port}/a/../foobar/?q=ä b#end", "--only", "text")

    assert foreign.returncode == 0, foreign.stderr
    assert encoded.returncode == 0, encoded.stderr
    assert heads[0].startswith("CONNECT xn--53h.xn--bcher-kva.example:80 HTTP/1.1\r\n")
    assert heads[-1].startswith("GET /foobar/?q=%C3%A4%20b HTTP/1.1\r\n")
    assert f"\r\nAuthorization: Basic {base64.b64encode(b'us er:p@ss').decode()}\r\n" in heads[-1]
    assert f"\r\nHost: 127.0.0.1:{port}\r\n" in heads[-1]


def test_a_proxy_is_passed_where_the_user_or_the_environment_names_one(reference: int) -> None:
    url = f"ws://127.0.0.1:{reference}/foobar/"
    heads: list[str] = []

    def passed(*arguments: str, **environment: str) -> bool:
        heads.clear()
        done = check(url, "--only", "text", *arguments, **environment)
        assert done.returncode == 0, done.stderr
        assert all(head.startswith(f"CONNECT 127.0.0.1:{reference} HTTP/1.1\r\n") for head in heads)
        return bool(heads)

    with listening(proxying(reference, heads)) as port:
        proxy = f"http://127.0.0.1:{port}"
        assert passed("--proxy", proxy)
        assert passed(HTTP_PROXY=proxy)
        assert passed(ALL_PROXY=proxy)
        assert not passed(HTTPS_PROXY=proxy)
        assert not passed(HTTP_PROXY=proxy, NO_PROXY="127.0.0.1")
        assert not passed("--proxy", "none", HTTP_PROXY=proxy)


def test_a_proxy_that_refuses_says_what_it_wants(reference: int) -> None:
    url = f"ws://127.0.0.1:{reference}/foobar/"
    credentials = base64.b64encode(b"me:open sesame").decode()

    with listening(proxying(reference, [], credentials)) as port, listening(hang_up) as none:
        without = check(url, "--only", "text", "--proxy", f"127.0.0.1:{port}")
        given = check(url, "--only", "text", "--proxy", f"http://me:open%20sesame@127.0.0.1:{port}")
        nothing = check(url, "--only", "text", "--proxy", f"http://127.0.0.1:{none}")

    assert "HTTP 407 Proxy Authentication Required; give it a name and a password" in without.stderr
    assert "--proxy http://USER:PASSWORD@HOST:PORT" in without.stderr
    assert given.returncode == 0, given.stderr
    assert f"the proxy 127.0.0.1 port {none}" in nothing.stderr


def test_secrets_are_masked_in_everything_that_is_written(reference: int, tmp_path: Path) -> None:
    """The server says them back, in its body and in its headers."""
    secrets = ["p@ss-word", "q%2Fuery", "q/uery", "bear-er-er", "coo-kie", "api-key-1", "~s~", "bearer.subprotocol-1"]
    basic = base64.b64encode(b"me:p@ss-word").decode()
    given = ["--header", "Authorization: Bearer bear-er-er", "--header", "Cookie: a=coo-kie; b=~s~"]
    given += ["--header", "X-Api-Key: api-key-1", "--subprotocol", "bearer.subprotocol-1", "--subprotocol", "echo"]

    async def say_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        resource = head.split(b" ")[1]
        lines = [b"HTTP/1.1 302 Found", b"Location: " + resource, b"Set-Cookie: s=coo-kie2", b"Content-Length: %d"]
        body = head[-400:]
        writer.write(b"\r\n".join([*lines, b"", body]) % len(body))
        writer.close()

    file = tmp_path / "results.json"
    with listening(say_back) as port:
        refused = check(f"ws://me:p%40ss-word@127.0.0.1:{port}/?token=q%2Fuery", *given)
    url = f"ws://me:p%40ss-word@127.0.0.1:{reference}/foobar/?token=q%2Fuery"
    asked = check(url, *given, "--only", "text", "--json", str(file))
    explained = check(url, *given, "--explain", "cookie-and-query")
    by_name = check(url, "--explain", "text")
    malformed = check(url.replace("ws:", "http:"))
    greeter = tmp_path / "greeter.py"
    greeter.write_text(
        "import asyncio\n"
        "from tests.faulty.server import Server, Session\n"
        "class Greeter(Session):\n"
        "    def opened(self):\n"
        "        self.beside(self.send(1, b'you are bear-er-er'))\n"
        "asyncio.run(Server(Greeter).serve())\n"
    )
    with subprocess.Popen(
        [sys.executable, str(greeter)], env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        greeted = check(url.replace(str(reference), process.stdout.readline().strip()), *given, "--explain", "text")
        process.terminate()

    written = [file.read_text()]
    for done in (refused, asked, explained, by_name, malformed, greeted):
        written += [done.stdout, done.stderr]
    assert (asked.returncode, by_name.returncode, malformed.returncode) == (0, 0, 2), written
    assert "?token=***" in refused.stderr
    assert 'text "you are ***"' in greeted.stdout
    assert "?token=***" in explained.stdout
    assert f"127.0.0.1:{reference}/foobar/?token=***" in written[0]
    for text in written:
        found = [one for one in [*secrets, basic, "p%40ss-word"] if one in text]
        assert found == [], text
        assert [one for one in secrets if one.encode().hex(" ")[:17] in text] == []


def test_what_is_said_first_is_masked_in_everything_that_is_written(reference: int, tmp_path: Path) -> None:
    """The server says it back, as any echo does, also in pieces and escaped."""
    secrets = ["open-sesame-1", "caf\u00e9-token", "caf\\u00e9-token", "init-secret-9"]
    first = ["Bearer open-sesame-1", '{"type": "init", "payload": {"token": "caf\u00e9-token"}}', "init-secret-9"]
    talker = tmp_path / "talker.py"
    talker.write_text(
        "import asyncio, json\n"
        "from tests.faulty.server import Server, Session\n"
        "class Talker(Session):\n"
        "    async def echo(self, opcode, data):\n"
        "        await super().echo(opcode, json.dumps(data.decode('utf-8', 'replace')).encode())\n"
        "        await super().echo(opcode, 'I know caf\u00e9-token and open-sesame-1'.encode())\n"
        "        await super().echo(opcode, data[:1024])\n"
        "asyncio.run(Server(Talker).serve())\n"
    )
    file, xml = tmp_path / "results.json", tmp_path / "junit.xml"
    options = [argument for message in first for argument in ("--first", message)]
    with subprocess.Popen(
        [sys.executable, str(talker)], env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        url = f"ws://127.0.0.1:{process.stdout.readline().strip()}/foobar/"
        only = ["--only", "text", "--only", "unicode", "--json", str(file), "--junit", str(xml)]
        done = [check(url, *options, *only), check(url, *options, "--explain", "text")]
        process.terminate()
    url = f"ws://127.0.0.1:{reference}/foobar/"
    echoed = check(url, *options, "--explain", "text")
    wrapped = check(url, "--wrap", '{"token": "open-sesame-1", "text": "MESSAGE"}', "--explain", "text")

    assert (echoed.returncode, echoed.stdout.count("what --first says")) == (0, 3), echoed.stderr
    assert "greets each connection with 3 messages, which are set apart" in echoed.stderr
    written = [file.read_text(), xml.read_text()]
    assert (wrapped.returncode, wrapped.stdout.count('{"token": "***')) == (0, 4), wrapped.stdout
    for one in (*done, echoed, wrapped):
        written += [one.stdout, one.stderr]
    for text in written:
        assert [one for one in secrets if one in text] == [], text
        assert [one for one in secrets if one.encode().hex(" ")[:17] in text] == [], text


def test_a_certificate_of_the_client_is_shown_to_who_wants_one(reference: int, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = authority.issue_cert("client.example")
    client.private_key_pem.write_to_path(tmp_path / "key.pem")
    client.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    trust = ["--ca", str(tmp_path / "ca.pem"), "--only", "text"]
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")

    async def demand(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As OpenSSL does, with an alert; asyncio just hangs up."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        with suppress(ssl.SSLCertVerificationError, ssl.SSLError):
            while True:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(1 << 16))
        writer.write(outgoing.read())
        await reader.read(1 << 16)
        writer.close()

    with listening(demand) as port:
        alerted = check(f"wss://127.0.0.1:{port}/foobar/", *trust)
    with listening(forward(reference), context) as port:
        url = f"wss://127.0.0.1:{port}/foobar/"
        without = check(url, *trust)
        shown = check(url, *trust, "--cert", cert, "--key", key)
        keyless = check(url, *trust, "--cert", cert)

    assert "hung up, where the answer to a handshake was due; it may want a client's certificate" in without.stderr
    assert "ended TLS with TLSV13_ALERT_CERTIFICATE_REQUIRED" in alerted.stderr
    assert "it may want a client's certificate (--cert, --key)" in alerted.stderr
    assert shown.returncode == 0, shown.stderr
    assert keyless.returncode == 2
    assert "name a certificate and its private key" in said(keyless)


LIMITED = """
import asyncio, sys
from http import HTTPStatus
from tests.faulty.server import RefusalError, Server, Session

class Limited(Session):
    def admit(self, *request):
        if len(self.server.sessions) > int(sys.argv[1]):
            raise RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, "That is one too many.")
        super().admit(*request)

asyncio.run(Server(Limited).serve())
"""


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_connections_are_opened_at_once_than_an_endpoint_takes(tmp_path: Path, most: int) -> None:
    script = tmp_path / "limited.py"
    script.write_text(LIMITED)
    with subprocess.Popen(
        [sys.executable, str(script), str(most + 1)],  # the last one may still be ending
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        url = f"ws://127.0.0.1:{process.stdout.readline().strip()}/foobar/"
        only = [f"--group={group}" for group in ("fragmentation", "messages", "errors", "closing")]
        free = check(url, *only)
        polite = check(url, *only, "--connections", str(most))
        apart = check(url, "--only", "fragments-apart", "--connections", str(most), "--intrusive")
        process.terminate()

    assert free.returncode == 0, free.stderr
    assert f"{url}: limits connections: it turns clients away that come side by side" in free.stderr
    assert polite.returncode == 0, polite.stderr
    assert apart.returncode == 0, apart.stderr
    assert ("needs more than 1 connections at once" in apart.stdout) == (most == 1)


def test_no_more_connections_are_opened_a_second_than_the_user_says(reference: int) -> None:
    opened: list[float] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(time.monotonic())
        await forward(reference)(reader, writer)

    with listening(note) as port:
        done = check(f"ws://127.0.0.1:{port}/foobar/", "--group", "fragmentation", "--group", "errors", "--rate", "4")

    assert done.returncode == 0, done.stderr
    assert len(opened) > 10
    assert len(opened) <= 1 + 4 * (opened[-1] - opened[0]) * 1.1


def test_a_slow_link_is_no_silence_where_the_user_says_so(reference: int) -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Each answer comes 3.4 s late."""
        there, back = await asyncio.open_connection("127.0.0.1", reference)
        late = asyncio.StreamReader()

        async def delay() -> None:
            loop = asyncio.get_running_loop()
            while data := await there.read(1 << 16):
                loop.call_later(3.4, late.feed_data, data)
            loop.call_later(3.4, late.feed_eof)

        await asyncio.gather(delay(), forward_between(reader, writer, late, back))

    with listening(slowly) as port:
        url = f"ws://127.0.0.1:{port}/foobar/"
        quick = check(url, "--only", "text")
        patient = check(url, "--only", "text", "--only", "pong-payload", "--only", "close-code", "--timeout", "6")

    assert "answers no message within 3 s, and is slow (--timeout gives it longer)" in quick.stderr
    assert patient.returncode == 0, patient.stderr


NGINX = """daemon off; user root; pid nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header Host $http_host;
            proxy_read_timeout 2s;
        }}
    }}
}}
"""


@pytest.fixture
def impatient_nginx(reference: int, tmp_path: Path) -> Iterator[int]:
    """nginx before the faultless server, which ends what is idle for 2 s; gives its port."""
    port = free_port()
    (tmp_path / "nginx.conf").write_text(NGINX.format(port=port, upstream=reference))
    with subprocess.Popen(["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"]) as process:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
        process.terminate()


def test_what_ends_idle_connections_is_told_with_its_time(impatient_nginx: int) -> None:
    url = f"ws://127.0.0.1:{impatient_nginx}/foobar/"
    only = ("--only", "idle-kept", "--only", "http-1.0")

    short, long = check(url, *only, "--idle", "1"), check(url, *only, "--idle", "4")

    assert short.returncode == 0, short.stderr
    assert re.search(r"http-1\.0 +nginx answers, which may ask the server in HTTP/1\.1", short.stdout)
    assert long.returncode == 1
    assert "the other side ended it after 2 s without a close frame; the server had sent no ping" in long.stderr
    assert "nginx answered the handshake" in long.stderr


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What misuse was answered with, out of its frame."""
    return " ".join(done.stderr.replace("│", " ").split())


def test_every_frame_is_shown_where_one_asks_why(reference: int) -> None:
    done = check(f"ws://127.0.0.1:{reference}/foobar/", "--explain", "close-code")

    assert done.returncode == 0
    assert "RFC 6455" in done.stdout
    assert "→ close 3000" in done.stdout
    assert "← close 3000" in done.stdout
    for line in ("GET /foobar/ HTTP/1.1", "Upgrade: websocket", "HTTP/1.1 101 Switching Protocols"):
        assert f"\n              {line}" in done.stdout


def test_every_byte_of_a_frame_is_shown(reference: int) -> None:
    done = check(f"ws://127.0.0.1:{reference}/foobar/", "--explain", "fragments-ping")

    assert done.returncode == 0
    assert re.search(r"→ text .*not final.*\n {14}head 01 8. +mask ([0-9a-f]{2} ?){4}\n {14}0000  ", done.stdout)
    assert re.search(r"← text .*\n {14}head 81 12   no mask\n {14}0000  [0-9a-f ]{47}  \S", done.stdout)
    assert re.search(r"← pong .*\n {14}head 8a 04   no mask\n {14}0000  77 61 6c 6c ", done.stdout)


def test_a_refusal_is_shown_with_its_body(reference: int) -> None:
    done = check(f"ws://127.0.0.1:{reference}/foobar/", "--explain", "wrong-path")

    assert "\n              HTTP/1.1 404 Not Found\n" in done.stdout
    assert "\n              The echo is at /foobar/.\n" in done.stdout


def test_a_long_frame_is_shown_as_far_as_it_is_kept(reference: int) -> None:
    done = check(f"ws://127.0.0.1:{reference}/foobar/", "--explain", "large-message", COLUMNS="80")

    assert "0ff0  " in done.stdout
    assert "… only the first 4096 bytes are kept" in done.stdout
    dumped = [line for line in done.stdout.splitlines() if re.match(r" {14}[0-9a-f]{4}  ", line)]
    assert max(map(len, dumped)) < 90


def test_tls_needs_its_ca_and_says_so(reference: int, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with listening(forward(reference), context) as port:
        url = f"wss://127.0.0.1:{port}/foobar/"

        unknown = check(url, "--only", "text")
        named = check(url, "--ca", str(tmp_path / "ca.pem"), "--group", "messages", "--group", "closing")
        trusting = check(url, "--insecure", "--only", "text")

    assert unknown.returncode == 1
    assert "name its CA by --ca, or use --insecure" in unknown.stderr
    assert named.returncode == 0, named.stderr
    assert trusting.returncode == 0, trusting.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["http://127.0.0.1/"], "is no WebSocket URL"),
        (["ws://127.0.0.1:99999/"], "is no WebSocket URL"),
        (["nowhere"], "no service named 'nowhere'"),
        (["ws://127.0.0.1/", "--only", "nothing"], "no check 'nothing'"),
        (["ws://127.0.0.1/", "--group", "nothing"], "no group 'nothing'"),
        (["ws://127.0.0.1/", "--header", "no colon"], "write 'Name: value'"),
        (["ws://127.0.0.1/", "--header", "Na me: value"], "write 'Name: value'"),
        (["ws://127.0.0.1/", "--header", "Sec-WebSocket-Key: x"], "leave it out"),
        (["ws://127.0.0.1/", "--subprotocol", "a, b"], "write one name"),
        (["ws://127.0.0.1/", "--proxy", "socks5://127.0.0.1"], "only http:// is spoken here"),
        (["ws://127.0.0.1/", "--proxy", "http://"], "is no proxy"),
        (["ws://127.0.0.1/", "--key", "/nowhere.pem"], "name its file by --cert"),
        (["ws://127.0.0.1/", "--cert", "/nowhere.pem"], "--cert /nowhere.pem"),
        (["ws://127.0.0.1/", "--ca", "/nowhere.pem"], "--ca /nowhere.pem"),
        (["ws://127.0.0.1/", "--json", "/proc/nowhere/results.json"], "--json"),
        (["ws://127.0.0.1/", "--junit", "/proc/nowhere/junit.xml"], "--junit /proc/nowhere/junit.xml"),
        (["ws://127.0.0.1/", "--json", "-", "--markdown"], "--json - has standard output for itself"),
        (["ws://127.0.0.1/", "--timeout", "1"], "--timeout"),
        (["ws://127.0.0.1/", "--timeout", "inf"], "--timeout and --idle take a number"),
        (["ws://127.0.0.1/", "--idle", "nan"], "--idle"),
        (["ws://127.0.0.1/", "--idle", "0"], "--idle"),
        (["ws://127.0.0.1/", "--connections", "0"], "--connections"),
        (["ws://127.0.0.1/", "--rate", "nan"], "--rate"),
        (["ws://127.0.0.1/", "--jobs", "0"], "--jobs"),
        (["ws://127.0.0.1/", "--wrap", "no place"], "write MESSAGE where the message goes"),
        (["ws://127.0.0.1/", "--wrap", "MESSAGE MESSAGE"], "write MESSAGE once"),
        (["ws://127.0.0.1/", "--unwrap", "text"], "a template with MESSAGE in it, or a JSON Pointer as /text"),
        (["ws://127.0.0.1/", "--wrap", "MESSAGE", "--protocol", "socket.io"], "leave out --protocol, or these two"),
        (["ws://127.0.0.1/", "--protocol", "mqtt"], "--protocol"),
        (["ws://127.0.0.1/", "--save"], "--save keeps whole runs over the lab's services"),
        (["--save", "--only", "text"], "--save keeps whole runs over the lab's services"),
    ],
)
def test_misuse_is_told_in_a_sentence_and_ends_with_2(arguments: list[str], says: str) -> None:
    done = check(*arguments)

    assert done.returncode == 2
    assert says in said(done)
    assert "Traceback" not in done.stderr


def test_the_checks_are_listed_with_their_questions_one_a_line() -> None:
    done = check("--list", COLUMNS="40")
    some = check("--list", "--group", "closing")

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [check.id for check in ALL]
    for line, one in zip(lines, ALL, strict=True):
        assert f" {one.group} " in line
        assert line.endswith(f"{one.question} ({one.section})")
    assert {line.split()[1] for line in some.stdout.splitlines()} == {"closing"}


@pytest.mark.parametrize(
    ("number", "background"),
    [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM to a job in the background, which ignores Ctrl-C"],
)
def test_an_interrupted_run_keeps_and_prints_what_it_has(
    reference: int, tmp_path: Path, number: signal.Signals, background: bool
) -> None:
    file = tmp_path / "results.json"
    heads: list[str] = []
    with listening(listening_in(reference, heads)) as port:
        url = f"ws://127.0.0.1:{port}/foobar/"
        command = [sys.executable, "-m", "echowall", "check", url, "--idle", "20", "--json", str(file)]
        with interruptible(command, background=background) as process:
            deadline = time.monotonic() + BOUND
            while len(heads) < 100:  # by then some checks are answered; the run takes 20 s at least
                assert time.monotonic() < deadline, f"{len(heads)} handshakes came"
                time.sleep(0.1)
            process.send_signal(number)
            printed, told = process.communicate(timeout=BOUND)

    assert process.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    run = store.read(file)
    assert isinstance(run, CheckRun)
    assert run.interrupted
    answered = {result.check for result in run.targets[0].results}
    assert 0 < len(answered) < len(ALL)
    assert {question.id for question in run.checks} == answered
    assert all(f" {one} " in printed for one in answered)


def test_ci_gets_junit_xml_with_what_fails_and_why(reference: int, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "junit.xml"
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import asyncio\n"
        "from tests.faulty.server import Server, Session\n"
        "class Wrong(Session):\n"
        "    async def ping(self, payload):\n"
        "        await self.send(1, b'\\x00\\x1b<&')\n"
        "asyncio.run(Server(Wrong).serve())\n"
    )
    with (
        subprocess.Popen(
            [sys.executable, str(wrong)], env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        ) as process,
        listening(refusing("403 Forbidden", body="\x1b]0;no\x07")) as refuser,
    ):
        assert process.stdout
        faulty, right = (f"ws://127.0.0.1:{port}/foobar/" for port in (process.stdout.readline().strip(), reference))
        none = f"ws://127.0.0.1:{refuser}/"
        only = ["--only", "pong-payload", "--only", "text", "--only", "subprotocol"]
        done = check(faulty, right, none, *only, "--junit", str(file))
        process.terminate()

    assert done.returncode == 1
    suites = {suite.get("name"): suite for suite in ElementTree.parse(file).getroot()}  # noqa: S314  our own
    counts = {name: [suite.get(of) for of in ("tests", "failures", "errors")] for name, suite in suites.items()}
    assert counts == {faulty: ["3", "1", "0"], right: ["3", "0", "0"], none: ["1", "0", "1"]}
    failure = suites[faulty].find("testcase[@name='pong-payload']/failure")
    assert failure is not None
    assert "was due" in failure.get("message", "")
    error = suites[none].find("testcase/error")
    assert error is not None
    assert "HTTP 403 Forbidden" in error.get("message", "")


def test_the_exit_statuses_are_told() -> None:
    told = check("--help").stdout

    for line in ("0 all is as the contract", "1 something is not", "2 misuse", "130 the run was interrupted"):
        assert line in " ".join(told.split())


def test_results_go_to_standard_output_alone(reference: int) -> None:
    done = check(f"ws://127.0.0.1:{reference}/foobar/", "--only", "text", "--json", "-")

    run = msgspec.json.decode(done.stdout, type=CheckRun)
    assert [result.check for result in run.targets[0].results] == ["text"]
    assert not run.interrupted

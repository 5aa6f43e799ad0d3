"""The checks as a list: named well, and each with its place in the RFC."""

from __future__ import annotations

import asyncio
import re
import socket
import tomllib
from typing import Literal

import msgspec
import pytest

from echowall.catalog.catalog import Known
from echowall.catalog.lint import UNWRITTEN
from echowall.check import rendering
from echowall.check.registry import GROUPS, Check
from echowall.check.suite import ALL
from echowall.check.wire import Target, accept_for, connect, observe
from echowall.results.model import Examined, Result
from echowall.results.verdicts import Verdict


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_a_check_asks_one_question_and_says_where_it_is_answered(check: Check) -> None:
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", check.id)
    assert check.question.endswith("?")
    assert check.section
    assert check.expects
    assert check.group in GROUPS


def test_what_is_not_known_yet_is_printed_as_known_deviations_to_be_explained() -> None:
    def found(via: Literal["direct", "proxy"], **outcomes: str) -> Examined:
        results = [Result(check=name, verdict=Verdict.FAIL, outcome=outcome) for name, outcome in outcomes.items()]
        passed = Result(check="text", verdict=Verdict.PASS, outcome="echo")
        return Examined(name="new", url=via, via=via, results=[*results, passed])

    direct = found("direct", binary='an "echo"\\ as text\x7f', post="accepted", head="HTTP 500")
    proxied = found("proxy", binary='an "echo"\\ as text\x7f', head="HTTP 502")
    printed = rendering.toml([direct, proxied], {})

    known = [msgspec.convert(entry, Known) for entry in tomllib.loads(printed)["known"]]
    assert [(*one.checks, one.outcome, one.via) for one in known] == [
        ("binary", 'an "echo"\\ as text\x7f', None),
        ("post", "accepted", "direct"),
        ("head", "HTTP 500", "direct"),
        ("head", "HTTP 502", "proxy"),
    ]
    assert all(UNWRITTEN.search(one.reason) and UNWRITTEN.search(one.link) for one in known)


def test_a_ping_is_answered_without_waiting_for_a_server_that_waits_for_us_to_read() -> None:
    async def stubborn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        upgrade = (
            f"HTTP/1.1 101\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept_for(key)}"
        )
        writer.write(upgrade.encode() + b"\r\n\r\n" + b"\x89\x00" + b"\x81\x05hello")
        await finished.wait()
        writer.close()

    async def converse() -> str:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            port = listener.getsockname()[1]
            async with await asyncio.start_server(stubborn, sock=listener):
                async with connect(Target(url=f"ws://127.0.0.1:{port}/")) as ws:
                    saying = asyncio.create_task(ws.say("x" * 2**24))
                    await asyncio.sleep(0.1)
                    assert not saying.done()
                    async with asyncio.timeout(10):
                        answer = observe(await ws.hear(), "hello")
                    saying.cancel()
                finished.set()
        return answer

    finished = asyncio.Event()
    assert asyncio.run(converse()) == "echo"

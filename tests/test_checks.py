"""The checks as a list: named well, and each with its place in the RFC."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess

import msgspec
import pytest

from echowall.check import runner
from echowall.check.registry import CHECKS, GROUPS, Check, Experiment, Observation
from echowall.check.suite import ALL
from echowall.check.wire import Target, accept_for, connect, observe
from echowall.results.model import Result
from echowall.results.verdicts import Verdict
from tests.faulty.forked import serving


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_a_check_asks_one_question_and_says_where_it_is_answered(check: Check) -> None:
    assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", check.id)
    assert check.question.endswith("?")
    assert check.section
    assert check.expects
    assert check.group in GROUPS


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


def test_a_service_that_was_restarted_meanwhile_is_told(echo: int) -> None:
    """In its place another instance answers, whose process is not the one that the run began with."""
    with subprocess.Popen(["true"]) as before:
        pass
    found: list[Result] = []
    told: list[str] = []
    target = Target(url=f"ws://127.0.0.1:{echo}/foobar/", pid=before.pid, intrusive=True, revived=False)

    asyncio.run(
        runner.run(
            [target],
            [CHECKS["shutdown-close"]],
            lambda _, result, __: found.append(result),
            unexpected=lambda *_: False,
            tell=lambda _, what: told.append(what),
        )
    )

    [result] = found
    assert (result.verdict, result.outcome) == (Verdict.FAIL, "not running")
    assert f"process {before.pid}, which ran when the run began, had ended before; another instance" in result.detail
    assert told == [
        f"was restarted while it was asked: process {before.pid} has ended; "
        "its log says why, if nobody else has stopped or killed it"
    ]


def test_the_next_endpoint_begins_while_all_that_is_left_of_one_waits_on_clocks(echo: int) -> None:
    """Of two endpoints, examined one at a time, each has a question that waits, here until all quick ones were put."""
    quick: list[str] = []
    all_quick = asyncio.Event()

    async def ask_quickly(target: Target) -> str:
        quick.append(target.name)
        if len(quick) == 2:
            all_quick.set()
        return "right"

    async def wait(_: Target) -> str:
        async with asyncio.timeout(10):
            await all_quick.wait()
        return "right"

    async def ask_alone(target: Target) -> str:
        turns.append(target.name)
        await asyncio.sleep(0)
        assert turns[-1] == target.name, "two endpoints are examined at a time"
        return "right"

    def check(name: str, experiment: Experiment, *, waits: bool = False, alone: bool = False) -> Check:
        return msgspec.structs.replace(
            CHECKS["text"], id=name, expects=("right",), experiment=experiment, waits=waits, alone=alone
        )

    turns: list[str] = []
    found: list[tuple[str, str, str]] = []

    asyncio.run(
        runner.run(
            [Target(url=f"ws://127.0.0.1:{echo}/foobar/", name=name) for name in ("one", "other")],
            [check("quick", ask_quickly), check("waiting", wait, waits=True), check("alone", ask_alone, alone=True)],
            lambda target, result, _: found.append((target.name, result.check, result.outcome)),
            jobs=1,
            unexpected=lambda *_: False,
        )
    )

    assert quick == ["one", "other"]
    assert sorted(found) == [(name, id_, "right") for name in ("one", "other") for id_ in ("alone", "quick", "waiting")]


@pytest.mark.parametrize(
    ("manner", "told"),
    [
        ("Clients cut off that do not read for a second", "8 of 8 cut off"),
        ("Nothing read after the first message, and a kernel that may keep 64 MiB of each client", "0 MiB taken"),
    ],
    ids=["cut off", "left to the kernel"],
)
def test_a_service_has_not_taken_what_it_has_not_read(manner: str, told: str) -> None:
    with serving(manner) as server:
        url = f"ws://127.0.0.1:{server.port}/foobar/"
        target = Target(url=url, name="particular", pid=server.pid, intrusive=True)

        async def ask() -> Observation:
            return Observation.of(await CHECKS["slow-reader"].experiment(target))

        found = asyncio.run(ask())

    assert found.outcome == "bounded"
    assert told in found.detail.split(", ")

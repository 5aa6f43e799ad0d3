"""The room's two readers of Redis, against a real one: each hears what the other says, and nothing gets lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import room.asyncio
import room.blocking
from tests.ports import free_port


class RedisServer:
    """A Redis of the test's own, which keeps what it was told over its death."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)]
        self._command += ["--appendonly", "yes", "--appendfsync", "no", "--save", ""]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError("redis-server does not answer")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    assert shutil.which("redis-server"), "redis-server is missing: `make unit` installs it"
    server = RedisServer(tmp_path)
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{server.port}/0")
    server.start()
    yield server
    server.kill()


def said(nick: str, text: str) -> str:
    return json.dumps({"nick": nick, "text": text})


class Listener:
    """A visitor of either kind of room, whose texts and states are collected until the test ends."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.states: list[Any] = []

    def hear(self, message: str) -> None:
        told = json.loads(message)
        if "text" in told:
            self.texts.append(told["text"])
        else:
            self.states.append(told)

    def until(self, done: Callable[[Listener], bool], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not done(self):
            assert time.monotonic() < deadline, f"heard {self.texts} and {self.states}"
            time.sleep(0.02)


class AsyncioHouse:
    """A room on an event loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._room = self._call(self._make(name))
        self._running = asyncio.run_coroutine_threadsafe(self._room.run(), self._loop)
        self._tasks: list[Any] = []

    async def _make(self, name: str) -> room.asyncio.Room:
        return room.asyncio.Room(name)

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def enter(self, after: str = "") -> Listener:
        listener = Listener()

        async def listen() -> None:
            with self._room.visit(after) as visitor:
                async for message in visitor:
                    listener.hear(message)

        self._tasks.append(asyncio.run_coroutine_threadsafe(listen(), self._loop))
        return listener

    def say(self, message: str) -> str | None:
        return self._call(self._room.say(message))  # type: ignore[no-any-return]

    def close(self) -> None:
        for task in (*self._tasks, self._running):
            task.cancel()
        self._call(asyncio.sleep(1.5))  # on CPython 3.11 it may take the reader a second to see that
        unfinished = self._call(self._unfinished())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        assert unfinished == []

    async def _unfinished(self) -> list[str]:
        return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


class BlockingHouse:
    """A room in threads."""

    def __init__(self, name: str) -> None:
        self._room = room.blocking.Room(name)
        for work in self._room.read, self._room.count:
            threading.Thread(target=work, daemon=True).start()

    def enter(self, after: str = "") -> Listener:
        listener, bell = Listener(), threading.Event()
        bell.set()

        def listen() -> None:
            with self._room.enter(after, bell.set) as visitor:
                while bell.wait(10):
                    bell.clear()
                    while batch := visitor.untold():
                        for message in batch:
                            listener.hear(message)

        threading.Thread(target=listen, daemon=True).start()
        return listener

    def say(self, message: str) -> str | None:
        return self._room.say(message)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Its threads are daemons."""


HOUSES: dict[str, Callable[[str], Any]] = {"asyncio": AsyncioHouse, "blocking": BlockingHouse}


@pytest.fixture(params=HOUSES)
def house(request: pytest.FixtureRequest, redis: RedisServer) -> Iterator[Any]:
    house = HOUSES[request.param]("alpha")
    yield house
    house.close()


@pytest.fixture
def other(redis: RedisServer) -> BlockingHouse:
    return BlockingHouse("beta")


def test_what_one_process_says_every_process_hears_in_one_order(house: Any, other: BlockingHouse) -> None:
    here, there = house.enter(), other.enter()
    for listener in (here, there):
        listener.until(lambda one: {"live": True} in one.states)

    for number in range(50):
        assert (house, other)[number % 2].say(said("n", f"{number}")) is None

    for listener in (here, there):
        listener.until(lambda one: len(one.texts) == 50)
        assert listener.texts == [f"{number}" for number in range(50)]


def test_who_is_there_is_known_everywhere_within_three_seconds(house: Any, other: BlockingHouse) -> None:
    here = house.enter()
    other.enter()

    here.until(lambda one: {"online": {"alpha": 1, "beta": 1}} in one.states, seconds=3)


def test_what_is_said_wrongly_is_refused(house: Any) -> None:
    refusal = house.say("hello")

    assert "malformed" in json.loads(refusal)["error"]


def test_nothing_is_lost_while_redis_dies_and_comes_back(house: Any, redis: RedisServer) -> None:
    listener = house.enter()
    assert house.say(said("n", "before")) is None
    listener.until(lambda one: one.texts == ["before"] and {"live": True} in one.states)

    redis.kill()
    listener.until(lambda one: one.states[-1] == {"live": False} or {"live": False} in one.states)
    assert "Redis does not answer" in json.loads(house.say(said("n", "meanwhile")))["error"]
    redis.start()
    listener.until(lambda one: one.states.count({"live": True}) == 2)
    assert house.say(said("n", "after")) is None

    listener.until(lambda one: one.texts[-1] == "after")
    assert listener.texts == ["before", "after"]


def test_a_long_history_is_read_whole(house: Any, other: BlockingHouse) -> None:
    for number in range(1_200):
        assert other.say(said("n", f"{number}")) is None

    listener = house.enter("0-1")

    listener.until(lambda one: len(one.texts) == 1_200, seconds=20)
    assert listener.texts == [f"{number}" for number in range(1_200)]

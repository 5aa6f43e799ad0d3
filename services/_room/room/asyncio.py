"""The room on asyncio: tasks read Redis into the log, and `async for` gives each socket what it is still to be told."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

import room
from room import KEPT, PRESENCE, STREAM

#: No retries: to repeat an XADD whose answer was lost would say the same thing twice.
#: RESP2, because of https://github.com/redis/redis-py/issues/4252 (8.1.0).
_OPTIONS = {"decode_responses": True, "retry": None, "protocol": 2}
#: How many entries are read at once. Fewer than that are all there are.
_COUNT = 500


class Visitor(room.Visitor):
    """A socket in the room. `async for` waits for what it is to be told, and ends when the visitor is behind."""

    def __init__(self, of: "Room", after: str, drop: Callable[[], None]) -> None:
        self._news = asyncio.Event()
        self._batch: deque[Any] = deque()
        super().__init__(of, after, self._news.set, drop)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if not self._batch:
            await asyncio.sleep(0)  # a client that reads fast never makes its sender wait, and others want their turn
        while not self._batch:
            self._batch.extend(self.untold())
            if self.behind:
                raise StopAsyncIteration
            if not self._batch:
                await self._news.wait()
                self._news.clear()
        return self._batch.popleft()


class Room(room.Room):
    """The room as one process knows it, on one event loop."""

    def __init__(self, service: str, **codec: Callable[[Any], Any]) -> None:
        super().__init__(service, **codec)
        url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
        # Any, since its types do not know of decode_responses.
        self._redis: Any = Redis.from_pool(BlockingConnectionPool.from_url(url, **_OPTIONS))

    def visit(self, after: str, drop: Callable[[], None] = lambda: None) -> Visitor:
        """Let in a socket that has heard everything up to the message with the id `after`; "" for someone new.

        `drop` is called once, if the visitor falls behind: its socket has to be closed then, even though its client
        does not read, and so what sends to it may wait for ever.
        """
        return self._admit(Visitor(self, after, drop))

    async def say(self, message: Any) -> Any:
        """Put a client's message into the stream. Gives the answer to send where it is refused, else None."""
        try:
            await self._redis.xadd(STREAM, self.fields(self.decode(message)), maxlen=KEPT)
        except ValueError as error:
            return self.malformed(error)
        except RedisError:
            return self.unheard()

    async def run(self) -> None:
        """Keep the log and the state up to date until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                tasks.create_task(self._count())
        finally:
            await self._redis.aclose()

    async def _read(self) -> None:
        while not _cancelled():
            try:
                streams = dict(await self._redis.xread({STREAM: self.last}, count=_COUNT, block=1000))
            except RedisError:
                self.lost()
                await asyncio.sleep(0.5)
            else:
                entries = streams.get(STREAM, [])
                self.add(entries, complete=len(entries) < _COUNT)

    async def _count(self) -> None:
        while not _cancelled():
            try:
                await self._redis.set(self.presence, len(self.visitors), ex=5)
                keys = await self._redis.keys(PRESENCE + "*")
                self.meet(keys, await self._redis.mget(keys))
            except RedisError:
                pass  # _read() tells of it
            await asyncio.sleep(1)


def _cancelled() -> bool:
    """Whether this task is to end. On CPython 3.11 redis-py, by wait_for(), may swallow the CancelledError itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

"""The room in threads or greenlets: one reads Redis into the log, one counts who is there."""

import os
from collections.abc import Callable
from time import sleep
from typing import Any

from redis import BlockingConnectionPool, Redis, RedisError

import room
from room import KEPT, PRESENCE, STREAM

#: No retries: to repeat an XADD whose answer was lost would say the same thing twice. Seconds to wait for a connection.
_OPTIONS = {"decode_responses": True, "retry": None, "max_connections": 10, "timeout": 5}
#: How many entries are read at once. Fewer than that are all there are.
_COUNT = 500


class Room(room.Room):
    """The room as one process knows it."""

    def __init__(self, service: str, **codec: Callable[[Any], Any]) -> None:
        super().__init__(service, **codec)
        url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
        # Any, since its types do not know of decode_responses.
        self._redis: Any = Redis.from_pool(BlockingConnectionPool.from_url(url, **_OPTIONS))

    def say(self, message: Any) -> Any:
        """Put a client's message into the stream. Gives the answer to send where it is refused, else None."""
        try:
            self._redis.xadd(STREAM, self.fields(self.decode(message)), maxlen=KEPT)
        except ValueError as error:
            return self.malformed(error)
        except RedisError:
            return self.unheard()

    def read(self) -> None:
        """Keep the log up to date, for ever."""
        while True:
            try:
                streams = dict(self._redis.xread({STREAM: self.last}, count=_COUNT, block=1000))
            except RedisError:
                self.lost()
                sleep(0.5)
            else:
                entries = streams.get(STREAM, [])
                self.add(entries, complete=len(entries) < _COUNT)

    def count(self) -> None:
        """Keep the presence up to date, for ever."""
        while True:
            try:
                self._redis.set(self.presence, len(self.visitors), ex=5)
                keys = self._redis.keys(PRESENCE + "*")
                self.meet(keys, self._redis.mget(keys))
            except RedisError:
                pass  # read() tells of it
            sleep(1)

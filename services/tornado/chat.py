"""The chat room in Tornado: one task reads Redis into a log, and each socket has a task that sends from it."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from operator import itemgetter
from typing import Annotated

from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError
from tornado.locks import Condition
from tornado.websocket import WebSocketClosedError, WebSocketHandler

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"tornado:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log = []  # (order, text) of each message, as in Redis
state = {"live": False, "online": {}}
sockets, changed = set(), Condition()


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Chat(WebSocketHandler):
    def open(self):
        self.set_nodelay(True)
        after = self.get_query_argument("after", "", strip=False)
        self.position = order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None
        if after and not self.position:
            self.write_message({"error": f"after={after!a} is no message's id; these are the latest messages"})
        sockets.add(self)
        self.sender = asyncio.create_task(self.send())

    async def send(self):
        told = {"online": {}}
        with suppress(WebSocketClosedError):
            while True:
                change = changed.wait()
                if self.position is None and state["live"]:  # someone new gets the last 50
                    self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
                while self.position and (batch := since(self.position)):
                    for self.position, text in batch:
                        await self.write_message(text)  # a client that is slow holds up its own task only
                for what in state:
                    if told.get(what) != state[what]:
                        told[what] = state[what]
                        await self.write_message({what: state[what]})
                await change

    async def on_message(self, message):
        try:
            said = json.decode(message, type=Said)
            await redis.xadd("foobar", {"service": "tornado", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            await self.refuse(f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000")
        except RedisError:
            await self.refuse("Redis does not answer: unless your message appears, say it again later")

    async def refuse(self, why):
        with suppress(WebSocketClosedError):
            await self.write_message({"error": why})

    def on_close(self):
        sockets.discard(self)
        self.sender.cancel()


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def since(position):
    start = bisect(log, position, key=itemgetter(0))
    return log[start : start + 100]


async def read():
    last = "0-0"
    while True:
        try:
            entries = dict(await redis.xread({"foobar": last}, count=500, block=1000)).get("foobar", [])
            state["live"] |= len(entries) < 500  # there are no more
        except RedisError:
            state["live"], entries = False, await asyncio.sleep(0.5, [])
        for last, fields in entries:
            log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]})))
        if len(log) > 1.1 * KEPT:
            for client in [c for c in sockets if c.position and log[0][0] <= c.position < log[-KEPT][0]]:
                client.close(1013, f"more than {KEPT} messages behind")
            del log[:-KEPT]
        changed.notify_all()


async def count():
    with suppress(RedisError):  # read() tells of it
        await redis.set(ONLINE + ME, len(sockets), ex=5)
        online, keys = Counter(), await redis.keys(ONLINE + "*")
        for key, count in zip(keys, await redis.mget(keys)):
            online[key.split(":")[2]] += int(count or 0)
        state["online"] = +online  # without the zeros

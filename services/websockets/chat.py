"""The chat room in websockets: one task reads Redis into a log, and each connection has a task that sends from it."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from operator import itemgetter
from typing import Annotated
from urllib.parse import parse_qs

from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError
from websockets.exceptions import ConnectionClosed

KEPT = 10_000  # about how many messages the stream keeps; a connection that is further behind is closed
ONLINE, ME = "foobar:online:", f"websockets:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log, visitors = [], set()  # log: (order, text) of each message, as in Redis
state = {"live": False, "online": {}}


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


async def chat(websocket):
    visitor = Visitor(websocket)
    visitors.add(visitor)
    try:
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(visitor.send())
            with suppress(ConnectionClosed):
                async for message in websocket:
                    await visitor.say(message)
            sender.cancel()
    finally:
        visitors.discard(visitor)


class Visitor:
    def __init__(self, websocket):
        self.websocket, self.position, self.news = websocket, None, asyncio.Event()

    async def send(self):
        told = {"online": {}}
        after = parse_qs(self.websocket.request.path.partition("?")[2]).get("after", [""])[0]
        self.position = order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None
        with suppress(ConnectionClosed):
            if after and not self.position:
                await self.tell({"error": f"after={after!a} is no message's id; these are the latest messages"})
            while True:
                self.news.clear()
                if self.position is None and state["live"]:  # someone new gets the last 50
                    self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
                while self.position and (batch := since(self.position)):
                    for self.position, text in batch:
                        await self.websocket.send(text, text=True)  # a client that is slow holds up its own task only
                    await asyncio.sleep(0)  # and one that is fast, for which send() never waits, nobody either
                for what in [what for what in state if told.get(what) != state[what]]:
                    told[what] = state[what]
                    await self.tell({what: state[what]})
                await self.news.wait()

    async def say(self, message):
        try:
            said = json.decode(message, type=Said)
            await redis.xadd("foobar", {"service": "websockets", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            await self.tell({"error": f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000"})
        except RedisError:
            await self.tell({"error": "Redis does not answer: unless your message appears, say it again later"})

    async def tell(self, what):
        await self.websocket.send(json.encode(what), text=True)


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def since(position):
    return log[(start := bisect(log, position, key=itemgetter(0))) : start + 100]


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
            for visitor in [v for v in visitors if v.position and log[0][0] <= v.position < log[-KEPT][0]]:
                # This waits, without a limit, until the client has read what is under way to it.
                visitor.closing = asyncio.create_task(visitor.websocket.close(1013, f"{KEPT} messages behind"))
                asyncio.get_running_loop().call_later(5, visitor.websocket.transport.abort)
            del log[:-KEPT]
        for visitor in visitors:
            visitor.news.set()


async def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            await redis.set(ONLINE + ME, len(visitors), ex=5)
            online, keys = Counter(), await redis.keys(ONLINE + "*")
            for key, count in zip(keys, await redis.mget(keys)):
                online[key.split(":")[2]] += int(count or 0)
            state["online"] = +online  # without the zeros
        await asyncio.sleep(1)

"""The chat room in aiohttp: one task reads Redis into a log, and each socket has a task that sends from it."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"aiohttp:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log = []  # (order, text) of each message, as in Redis
state = {"live": False, "online": {}}
visitors = set()


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Chat(web.View):
    async def get(self):
        self.ws, self.news = web.WebSocketResponse(heartbeat=20), asyncio.Event()
        with suppress(ConnectionError):
            await self.ws.prepare(self.request)
            after = self.request.query.get("after", "")
            valid = re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after)
            self.position = max(order(after), before(KEPT + 100)) if valid else None
            if after and not valid:
                await self.ws.send_json({"error": f"after={after!a} is not the id of a message; these are the latest"})
            visitors.add(self)
            self.teller = asyncio.create_task(self.tell())
            try:
                while (message := await self.ws.receive()).type in (web.WSMsgType.TEXT, web.WSMsgType.BINARY):
                    await self.say(message.data)
            finally:
                visitors.discard(self)
                self.teller.cancel()
        return self.ws

    async def tell(self):
        told = {"online": {}}
        with suppress(ConnectionError):
            while True:
                self.news.clear()
                if self.position is None and state["live"]:  # someone new gets the last 50
                    self.position = before(50)
                while self.position and (batch := log[bisect(log, self.position, key=lambda entry: entry[0]) :][:100]):
                    for self.position, text in batch:
                        await self.ws.send_str(text)  # a client that is slow holds up its own task only
                for what in [what for what in state if told.get(what) != state[what]]:
                    told[what] = state[what]
                    await self.ws.send_json({what: state[what]})
                await self.news.wait()

    async def say(self, message):
        try:
            said = json.decode(message, type=Said)
            await redis.xadd("foobar", {"service": "aiohttp", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            await self.ws.send_json({"error": f"{str(error)[:99]}; a nick has 1 to 32 characters, a text 1 to 2000"})
        except RedisError:
            await self.ws.send_json({"error": "Redis does not answer; unless your message appears, say it again later"})

    async def drop(self):
        self.teller.cancel()
        if self.request.transport:  # to close it takes until the client has read what it was sent, which may be never
            asyncio.get_running_loop().call_later(5, self.request.transport.abort)
        await self.ws.close(code=1013, message=b"too many messages behind", drain=False)


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def before(count):  # the position from which on there are so many
    return (log[-count - 1 : -count] or [((0, 0), "")])[0][0]


async def read():
    last = "0-0"
    while True:
        try:
            entries = dict(await redis.xread({"foobar": last}, count=500, block=1000)).get("foobar", [])
            state["live"] |= len(entries) < 500  # there are no more
        except RedisError:
            state["live"], entries = False, await asyncio.sleep(0.5, [])
        for last, fields in entries:
            log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]}).decode()))
        if len(log) > 1.1 * KEPT:
            del log[: -KEPT - 500]  # which leaves someone who has just entered well within it
            for visitor in [v for v in visitors if v.position and v.position < log[0][0]]:
                visitor.dropping = asyncio.create_task(visitor.drop())
        for visitor in visitors:
            visitor.news.set()


async def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            await redis.set(ONLINE + ME, len(visitors), ex=5)
            online, keys = Counter(), await redis.keys(ONLINE + "*")
            for key, number in zip(keys, await redis.mget(keys)):
                online[key.split(":")[2]] += int(number or 0)
            state["online"] = +online  # without the zeros
        await asyncio.sleep(1)

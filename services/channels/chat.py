"""The chat room in Channels: one task reads Redis into a log, and each consumer has a task that sends from it.

Channels' own layer would lose some: channels_redis delivers at most once, 100 (capacity) in 60 s (expiry), with no ids.
"""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

KEPT = 10_000  # about how many messages the stream keeps; a consumer that is further behind is closed
ONLINE, ME = "foobar:online:", f"channels:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log = []  # (order, text) of each message, as in Redis
state = {"live": False, "online": {}}
consumers = set()


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Chat(AsyncWebsocketConsumer):
    async def __call__(self, scope, receive, send):
        self.news = asyncio.Event()
        self.sender = asyncio.create_task(self.tell())
        try:
            await super().__call__(scope, receive, send)
        finally:  # not in disconnect(), which is not called where Daphne cancels a consumer that is slow to finish
            consumers.discard(self)
            self.sender.cancel()

    async def connect(self):
        await self.accept()
        after = parse_qs(self.scope["query_string"].decode()).get("after", [""])[0]
        valid = re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after)
        self.position = max(order(after), before(KEPT + 100)) if valid else None
        if after and not valid:
            await self.error(f"after={after!a} is not the id of a message; these are the latest")
        consumers.add(self)
        self.news.set()

    async def tell(self):
        told = {"online": {}}
        while await self.news.wait():
            self.news.clear()
            if self.position is None and state["live"]:  # someone new gets the last 50
                self.position = before(50)
            while self.position and (batch := since(self.position)):
                for self.position, text in batch:
                    await self.send(text)  # a client that is slow holds up its own task only
            for what in state:
                if told.get(what) != state[what]:
                    told[what] = state[what]
                    await self.send(json.encode({what: state[what]}).decode())

    async def receive(self, text_data=None, bytes_data=None):
        try:
            said = json.decode(text_data or bytes_data or "", type=Said)
            await redis.xadd("foobar", {"service": "channels", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            await self.error(f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000")
        except RedisError:
            await self.error("Redis does not answer; unless your message appears, say it again later")

    async def error(self, text):
        await self.send(json.encode({"error": text}).decode())


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def before(count):  # the position from which on there are so many
    return (log[-count - 1 : -count] or [((0, 0), "")])[0][0]


def since(position):
    return log[bisect(log, position, key=lambda entry: entry[0]) :][:100]


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
            for consumer in [consumer for consumer in consumers if consumer.position and consumer.position < log[0][0]]:
                consumer.sender.cancel()
                await consumer.close(4013)  # Autobahn lets an application say 1000 or 3000 to 4999, not 1013
        for consumer in consumers:
            consumer.news.set()


async def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            await redis.set(ONLINE + ME, len(consumers), ex=5)
            online, keys = Counter(), await redis.keys(ONLINE + "*")
            for key, sockets in zip(keys, await redis.mget(keys)):
                online[key.split(":")[2]] += int(sockets or 0)
            state["online"] = +online  # without the zeros
        await asyncio.sleep(1)

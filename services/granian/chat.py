"""The chat room on RSGI: one task reads Redis into a log, and each socket has a task that sends from it."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qs

from granian.rsgi import ProtocolClosed, ProtocolError, WebsocketMessageType
from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"granian:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log, visitors = [], {}  # (order, text) of each message, as in Redis; of each visitor the task that sends to it
state = {"live": False, "online": {}}


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Visitor:
    def __init__(self, ws, position):
        self.ws, self.position, self.news = ws, position, asyncio.Event()

    async def send(self, what):
        await self.ws.send_str(json.encode(what).decode())

    async def hear(self):
        with suppress(ProtocolClosed, ProtocolError):
            while (message := await self.ws.receive()).kind != WebsocketMessageType.close:
                await self.say(message.data)

    async def say(self, message):
        try:
            said = json.decode(message, type=Said)
            await redis.xadd("foobar", {"service": "granian", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            await self.send({"error": f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000"})
        except RedisError:
            await self.send({"error": "Redis does not answer: unless your message appears, say it again later"})

    async def tell(self):
        told = {"online": {}}
        with suppress(ProtocolClosed, ProtocolError):
            while True:
                self.news.clear()
                if self.position is None and state["live"]:  # someone new gets the last 50
                    self.position = before(50)
                while self.position and (batch := log[bisect(log, self.position, key=lambda entry: entry[0]) :][:100]):
                    for self.position, text in batch:
                        await self.ws.send_str(text)  # a client that is slow holds up its own task only
                for what in state:
                    if told.get(what) != state[what]:
                        told[what] = state[what]
                        await self.send({what: state[what]})
                await self.news.wait()


async def enter(scope, proto):
    after = parse_qs(scope.query_string).get("after", [""])[0]
    valid = re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after)
    visitor = Visitor(await proto.accept(), max(order(after), before(KEPT + 100)) if valid else None)
    if after and not valid:
        await visitor.send({"error": f"after={after!a} is no message's id; these are the latest messages"})
    teller, hearer = asyncio.create_task(visitor.tell()), asyncio.create_task(visitor.hear())
    visitors[visitor] = teller
    await asyncio.wait([teller, hearer], return_when=asyncio.FIRST_COMPLETED)
    visitors.pop(visitor).cancel()
    hearer.cancel()
    # To return closes the socket, with no code, for RSGI has none. It is Granian who waits for the client to take it.


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
        last = entries[-1][0] if entries else last
        publish(entries)


def publish(entries):  # not in read(), for a variable there would keep the last visitor's connection from ending
    log.extend((order(id), json.encode({"id": id, **fields, "ts": order(id)[0]}).decode()) for id, fields in entries)
    if len(log) > 1.1 * KEPT:
        del log[: -KEPT - 500]  # which leaves someone who has just entered well within it
        for visitor, teller in visitors.items():
            if visitor.position and visitor.position < log[0][0]:
                teller.cancel()  # the one way out of a send to someone who does not read
    for visitor in visitors:
        visitor.news.set()


async def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            await redis.set(ONLINE + ME, len(visitors), ex=5)
            online, keys = Counter(), await redis.keys(ONLINE + "*")
            for key, sockets in zip(keys, await redis.mget(keys)):
                online[key.split(":")[2]] += int(sockets or 0)
            state["online"] = +online  # without the zeros
        await asyncio.sleep(1)

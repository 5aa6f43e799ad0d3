"""The chat room in Sanic: a blueprint, one task that reads Redis into a log, and one for each socket that sends it."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from typing import Annotated

from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError
from sanic import Blueprint
from sanic.exceptions import WebsocketClosed

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"sanic:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

room = Blueprint("chat")
log = []  # (order, text) of each message, as in Redis
state = {"live": False, "online": {}}
visitors = set()


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Visitor:
    def __init__(self, ws, position):
        self.ws, self.position, self.news = ws, position, asyncio.Event()

    async def tell(self):
        told = {"online": {}}
        with suppress(WebsocketClosed):
            while True:
                self.news.clear()
                if self.position is None and state["live"]:  # someone new gets the last 50
                    self.position = before(50)
                while self.position and (batch := log[bisect(log, self.position, key=lambda entry: entry[0]) :][:100]):
                    for self.position, text in batch:
                        await self.ws.send(text)  # a client that is slow holds up its own task only
                for what in [what for what in state if told.get(what) != state[what]]:
                    told[what] = state[what]
                    await self.ws.send(json.encode({what: state[what]}).decode())
                await self.news.wait()


@room.websocket("/chat/")
async def enter(request, ws):
    after = request.args.get("after", "")
    valid = re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after)
    if after and not valid:
        await refuse(ws, f"after={after!a} is not the id of a message; these are the latest")
    visitor = Visitor(ws, max(order(after), before(KEPT + 100)) if valid else None)
    visitors.add(visitor)
    teller = asyncio.create_task(visitor.tell())
    try:
        async for message in ws:
            await say(ws, message)
    finally:
        visitors.discard(visitor)
        teller.cancel()


async def say(ws, message):
    try:
        said = json.decode(message, type=Said)
        await redis.xadd("foobar", {"service": "sanic", "nick": said.nick, "text": said.text}, maxlen=KEPT)
    except ValueError as error:
        await refuse(ws, f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000")
    except RedisError:
        await refuse(ws, "Redis does not answer; unless your message appears, say it again later")


async def refuse(ws, why):
    await ws.send(json.encode({"error": why}).decode())


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
                visitors.discard(visitor)
                visitor.ws.end_connection(1013, "too slow")  # close() would wait until all before it is read
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

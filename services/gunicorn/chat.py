"""The chat room in bare ASGI: one task reads Redis into a log, and each socket has a task that sends from it."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qs

from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis, RedisError

KEPT = 10_000  # about how many messages the stream keeps; a visitor who is further behind is closed
ONLINE, ME = "foobar:online:", f"gunicorn:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log = []  # (order, text) of each message, as in Redis
state = {"live": False, "online": {}}
visitors = set()


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


async def chat(scope, receive, send):
    await send({"type": "websocket.accept"})
    after = parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])[0]
    visitor = Visitor(send, order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None)
    if after and not visitor.position:
        await visitor.refuse(f"after={after!a} is no message's id; these are the latest messages")
    visitors.add(visitor)
    try:
        async with visitor.stay, asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(visitor.tell())
            while (event := await receive())["type"] == "websocket.receive":
                await visitor.say(event.get("text") or event.get("bytes") or "")
            sender.cancel()
    except TimeoutError:
        await send({"type": "websocket.close", "code": 1013, "reason": f"more than {KEPT} messages behind"})
    finally:
        visitors.discard(visitor)


class Visitor:
    def __init__(self, send, position):
        self.send, self.position, self.news = send, position, asyncio.Event()
        self.stay = asyncio.timeout(None)  # for as long as they like, unless they fall behind

    async def tell(self):
        told = {"online": {}}
        with suppress(OSError):  # they have gone, as receive() will say
            while True:
                self.news.clear()
                if self.position is None and state["live"]:  # someone new gets the last 50
                    self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
                while self.position and (batch := since(self.position)):
                    for self.position, text in batch:
                        await self.send({"type": "websocket.send", "text": text})  # waits for who is slow
                    await asyncio.sleep(0)  # and never for who is fast: the others must have their turn
                for what in [what for what in state if told.get(what) != state[what]]:
                    told[what] = state[what]
                    await self.send({"type": "websocket.send", "text": json.encode({what: state[what]}).decode()})
                await self.news.wait()

    async def say(self, message):
        try:
            said = json.decode(message, type=Said)
            await redis.xadd("foobar", {"service": "gunicorn", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            await self.refuse(f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000")
        except RedisError:
            await self.refuse("Redis does not answer: unless your message appears, say it again later")

    async def refuse(self, why):
        with suppress(OSError):
            await self.send({"type": "websocket.send", "text": json.encode({"error": why}).decode()})


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def since(position):
    return log[(start := bisect(log, position, key=lambda entry: entry[0])) : start + 100]


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
            for visitor in [v for v in visitors if v.position and log[0][0] <= v.position < log[-KEPT][0]]:
                visitors.remove(visitor)
                visitor.stay.reschedule(0)  # that is: now
            del log[:-KEPT]
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

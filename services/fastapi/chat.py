"""The chat room in FastAPI: one task reads Redis into a log, and each socket has a task that sends from it."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from msgspec import Meta, Struct, json
from redis.asyncio import BlockingConnectionPool, Redis, RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"fastapi:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log = [((0, 0), "")]  # (order, text) of each message, as in Redis, after the last that is no longer kept
state = {"live": False, "online": {}}
sockets = set()  # of each, the Event that tells its task of news


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


@asynccontextmanager
async def lifespan(app):
    tasks = [asyncio.create_task(read()), asyncio.create_task(count())]
    yield
    for task in tasks:
        task.cancel()


router = APIRouter(lifespan=lifespan)


@router.websocket("/chat/")
async def chat(ws: WebSocket, after: str = ""):
    await ws.accept()
    valid, news = re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after), asyncio.Event()
    sender = asyncio.create_task(tell(ws, news, max(order(after), before(KEPT + 100)) if valid else None))
    sockets.add(news)
    news.set()
    with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: send() after a close by Uvicorn, or by tell()
        try:
            if after and not valid:
                await ws.send_json({"error": f"after={after!a} is no message's id; these are the latest messages"})
            while (message := await ws.receive())["type"] == "websocket.receive":
                if error := await say(message.get("text") or message.get("bytes") or ""):
                    await ws.send_json({"error": error})
        finally:
            sockets.discard(news)
            sender.cancel()


async def say(message):
    try:
        said = json.decode(message, type=Said)
        await redis.xadd("foobar", {"service": "fastapi", "nick": said.nick, "text": said.text}, maxlen=KEPT)
    except ValueError as error:
        return f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000"
    except RedisError:
        return "Redis does not answer: unless your message appears, say it again later"


async def tell(ws, news, position):
    told = {"online": {}}
    with suppress(WebSocketDisconnect, RuntimeError):
        while await news.wait():
            news.clear()
            position = position or (state["live"] and before(50))  # someone new gets the last 50
            while position and (batch := since(position)):
                if position < log[0][0]:
                    return await ws.close(1013, f"more than {KEPT} messages behind")
                for _, text in batch:
                    await ws.send_text(text)  # a client that is slow holds up its own task only
                position = batch[-1][0]
            for what in [what for what in state if told.get(what) != state[what]]:
                told[what] = state[what]
                await ws.send_json({what: told[what]})


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def before(count):  # the position from which on there are so many
    return log[max(0, len(log) - count - 1)][0]


def since(position):
    start = bisect(log, position, key=lambda entry: entry[0])
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
            log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]}).decode()))
        if len(log) > 1.1 * KEPT:
            del log[: -KEPT - 500]  # which leaves someone who has just entered well within it
        for news in sockets:
            news.set()


async def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            await redis.set(ONLINE + ME, len(sockets), ex=5)
            online, keys = Counter(), await redis.keys(ONLINE + "*")
            for key, count in zip(keys, await redis.mget(keys)):
                online[key.split(":")[2]] += int(count or 0)
            state["online"] = +online  # without the zeros
        await asyncio.sleep(1)

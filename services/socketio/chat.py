"""The chat room in Socket.IO: who has heard what was said before is in a room, and one task says there what is new."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from typing import Annotated, Literal
from urllib.parse import parse_qs

from msgspec import Meta, Struct, convert
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError
from socketio import AsyncServer

KEPT = 10_000  # about how many messages the stream keeps; a client that is further behind is disconnected
ONLINE, ME = "foobar:online:", f"socketio:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

# always_connect: who connects is told so before anything else. Events one after the other, each up to 8 MiB.
sio = AsyncServer(async_mode="asgi", always_connect=True, async_handlers=False, max_http_buffer_size=8 * 1024 * 1024)
# (order, message) of each message, as in Redis; and of each socket, by its sid, the task that lets it catch up
log, sockets, live, state = [], {}, asyncio.Event(), {"online": {}}


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


@sio.event
async def connect(sid, environ, auth):
    if sid not in sockets:  # python-socketio lets clients send events by this name, too, and by the next
        sockets[sid] = asyncio.create_task(catch_up(sid, parse_qs(environ["QUERY_STRING"]).get("after", [""])[0]))


@sio.event
async def disconnect(sid, reason):
    if sid in sockets:
        sockets.pop(sid).cancel()


async def catch_up(sid, after):
    position = order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None
    if after and not position:
        await sio.send({"error": f"after={after!a} is not the id of a message; these are the latest"}, to=sid)
    if not live.is_set():
        await sio.send({"live": False}, to=sid)
        await live.wait()
    queue = sio.eio.sockets[sio.manager.eio_sid_from_sid(sid, "/")].queue
    position = position or (log[-51:-50] or [((0, 0), {})])[0][0]  # someone new gets the last 50
    for _ in range(30):  # by another stack one may have heard already what this one has yet to read
        await asyncio.sleep(0.1 * (not log or log[-1][0] < position))
    while missed := log[bisect(log, position, key=lambda entry: entry[0]) :]:
        for _, message in missed:
            await sio.send(message, to=sid)
            if queue.qsize() > 100:
                await queue.join()  # until the client takes them
        if (position := missed[-1][0]) < log[0][0]:
            return await sio.disconnect(sid)
    # Neither this nor send() in read() waits before it sees who is in the room, so nothing falls between the two.
    await sio.enter_room(sid, "live")
    await sio.send(state, to=sid)
    await sio.send({"live": live.is_set()}, to=sid)


@sio.on("*")
async def event(name, sid, *data):
    try:
        _, said = convert((name, *data), tuple[Literal["message"], Said])
        await redis.xadd("foobar", {"service": "socketio", "nick": said.nick, "text": said.text}, maxlen=KEPT)
    except ValueError as error:
        await sio.send({"error": f"{str(error)[:99]}; a nick has 1 to 32 characters, a text 1 to 2000"}, to=sid)
    except RedisError:
        await sio.send({"error": "Redis does not answer; unless your message appears, say it again later"}, to=sid)


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


async def read():
    last = "0-0"
    while True:
        try:
            entries = dict(await redis.xread({"foobar": last}, count=500, block=1000)).get("foobar", [])
        except RedisError:
            if live.is_set():
                live.clear()
                await sio.send({"live": False}, room="live")
            await asyncio.sleep(0.5)
            continue
        for last, fields in entries:
            log.append((order(last), {"id": last, **fields, "ts": order(last)[0]}))
            await sio.send(log[-1][1], room="live")
        del log[: -KEPT - 1000]
        # Engine.IO's queues have no limit: https://github.com/miguelgrinberg/python-engineio/issues/133
        for sid, eio_sid in sio.manager.get_participants("/", "live"):
            client = sio.eio.sockets.get(eio_sid)
            if client and client.queue.qsize() > KEPT / 2:  # it takes out all at once, so as many may be underway
                await sio.disconnect(sid)
        if len(entries) < 500 and not live.is_set():  # there are no more
            live.set()
            await sio.send({"live": True}, room="live")


async def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            await redis.set(ONLINE + ME, len(sockets), ex=5)
            keys = await redis.keys(ONLINE + "*")
            counts = [Counter({key.split(":")[2]: int(count or 0)}) for key, count in zip(keys, await redis.mget(keys))]
            if state["online"] != (now := sum(counts, Counter())):  # without the zeros
                state["online"] = now
                await sio.send(state, room="live")
        await asyncio.sleep(1)

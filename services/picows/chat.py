"""The chat room in callbacks: one task reads Redis into a log, and each socket sends from it while it can."""

import asyncio
import os
import re
from bisect import bisect
from collections import Counter, deque
from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qs

from msgspec import Meta, Struct, json
from picows import WSCloseCode, WSMsgType
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"picows:{os.uname().nodename}"  # a key for each process: how many sockets it has
# No retries, for an XADD whose answer was lost; RESP2, for https://github.com/redis/redis-py/issues/4252 (8.1.0)
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None, protocol=2))

log, visitors = [], set()  # log: (order, text) of each message, as in Redis
state = {"live": False, "online": {}}


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Visitor:
    """What a WSListener does in the room, given whole messages, and told whether the transport's buffer is full."""

    def on_ws_connected(self, transport):
        super().on_ws_connected(transport)
        self.told, self.inbox = {"online": {}}, deque()
        after = parse_qs(transport.request.path.decode("latin-1").partition("?")[2]).get("after", [""])[0]
        self.position = order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None
        if after and not self.position:
            self.send({"error": f"after={after!a} is no message's id; these are the latest messages"})
        visitors.add(self)
        self.tell()

    def on_ws_disconnected(self, transport):
        super().on_ws_disconnected(transport)
        visitors.discard(self)

    def on_message(self, kind, message):
        self.inbox.append(message)
        if len(self.inbox) == 1:
            self.saying = asyncio.create_task(self.say())
        elif len(self.inbox) > 16:  # a client that speaks faster than Redis listens has to wait
            self.transport.underlying_transport.pause_reading()

    async def say(self):
        while self.inbox:
            try:
                said = json.decode(self.inbox[0], type=Said)
                await redis.xadd("foobar", {"service": "picows", "nick": said.nick, "text": said.text}, maxlen=KEPT)
            except ValueError as error:
                self.send({"error": f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000"})
            except RedisError:
                self.send({"error": "Redis does not answer: unless your message appears, say it again later"})
            self.inbox.popleft()
        if not self.full:
            self.transport.underlying_transport.resume_reading()

    def resume_writing(self):
        super().resume_writing()
        self.tell()

    def tell(self):
        if self.position is None and state["live"]:  # someone new gets the last 50
            self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
        while self.position and not self.full and (batch := since(self.position)):
            for self.position, text in batch:
                self.send_message(WSMsgType.TEXT, text)  # which calls pause_writing() by itself
        for what in [what for what in state if not self.full and self.told.get(what) != state[what]]:
            self.told[what] = state[what]
            self.send({what: state[what]})

    def send(self, what):
        self.send_message(WSMsgType.TEXT, json.encode(what))


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
            log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]})))
        if len(log) > 1.1 * KEPT:
            for visitor in [v for v in visitors if v.position and log[0][0] <= v.position < log[-KEPT][0]]:
                visitor.transport.send_close(WSCloseCode.TRY_AGAIN_LATER, f"more than {KEPT} messages behind")
                asyncio.get_running_loop().call_later(5, visitor.transport.disconnect, False)
            del log[:-KEPT]
        for visitor in visitors:
            visitor.tell()


async def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            await redis.set(ONLINE + ME, len(visitors), ex=5)
            online, keys = Counter(), await redis.keys(ONLINE + "*")
            for key, count in zip(keys, await redis.mget(keys)):
                online[key.split(":")[2]] += int(count or 0)
            state["online"] = +online  # without the zeros
        await asyncio.sleep(1)

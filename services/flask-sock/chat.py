"""The chat room in threads: one reads Redis into a log, and each socket has its own, which receives and sends."""

import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from socket import SHUT_RDWR
from threading import Timer
from time import sleep
from typing import Annotated

from flask import request
from msgspec import Meta, Struct, json
from redis import BlockingConnectionPool, Redis, RedisError
from wsproto.utilities import LocalProtocolError

KEPT = 10_000  # about how many messages the stream keeps; a visitor who is further behind is closed
ONLINE, ME = "foobar:online:", f"flask-sock:{os.uname().nodename}"  # a key for each process: how many sockets it has
options = {"decode_responses": True, "retry": None, "max_connections": 10, "timeout": 5}  # a retry might say it twice
redis = Redis.from_pool(BlockingConnectionPool.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1"), **options))

visitors, state = set(), {"live": False, "online": {}}
log = []  # (order, text) of each message; appended to or replaced, so that a thread may look where it is without a lock


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


def chat(ws):
    after = request.args.get("after", "")
    visitor = Visitor(ws, order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None)
    visitors.add(visitor)
    try:
        with suppress(OSError, LocalProtocolError):  # they left, or were cut off, while we were telling them
            if after and not visitor.position:
                visitor.tell({"error": f"after={after!a} is not the id of a message; these are the latest"})
            visitor.serve()
    finally:
        visitors.discard(visitor)
        ws.thread.join(1)  # it tells us that the client has closed before it answers that, and we would cut it short


class Visitor:
    def __init__(self, ws, position):
        self.ws, self.position = ws, position

    def tell(self, what):
        self.ws.send(json.encode(what).decode())

    def serve(self):
        told, message = {"online": {}}, None
        while True:
            now, known = dict(state), log  # the state first: who is told that all is live has been told all until then
            if self.position is None and now["live"]:  # someone new gets the last 50
                self.position = (known[-51:-50] or [((0, 0), "")])[0][0]
            batch = known[bisect(known, self.position, key=lambda entry: entry[0]) :][:100] if self.position else []
            if self not in visitors:  # read() lets go of us before it cuts the log short, so we look after the log
                return self.ws.close(1013, f"more than {KEPT} messages behind")
            for self.position, text in batch:
                self.ws.send(text)  # who is slow holds up their own thread only
            for what in [what for what in now if not batch and told.get(what) != now[what]]:
                told[what] = now[what]
                self.tell({what: now[what]})
            if not batch and message is None:
                self.ws.event.wait()  # simple-websocket sets it for a message and for the end, read() for news
            if (message := self.ws.receive(timeout=0)) is not None:
                self.say(message)

    def say(self, message):
        try:
            said = json.decode(message, type=Said)
            redis.xadd("foobar", {"service": "flask-sock", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            self.tell({"error": f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000"})
        except RedisError:
            self.tell({"error": "Redis does not answer; unless your message appears, say it again later"})


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def read():
    global log
    last = "0-0"
    while True:
        try:
            entries = dict(redis.xread({"foobar": last}, count=500, block=1000)).get("foobar", [])
        except RedisError:
            entries = sleep(0.5)  # None
        for last, fields in entries or []:
            log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]}).decode()))
        if len(log) > 1.1 * KEPT:
            behind = [v for v in list(visitors) if v.position and log[0][0] <= v.position < log[-KEPT][0]]
            visitors.difference_update(behind)
            Timer(5, cut, [behind]).start()  # or their threads might wait to write for ever
            log = log[-KEPT:]
        state["live"] = entries is not None and (state["live"] or len(entries) < 500)  # there are no more
        for visitor in list(visitors):
            visitor.ws.event.set()


def cut(behind):
    for visitor in behind:
        with suppress(OSError):  # they have gone by themselves
            visitor.ws.sock.shutdown(SHUT_RDWR)


def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            redis.set(ONLINE + ME, len(visitors), ex=5)
            online, keys = Counter(), redis.keys(ONLINE + "*")
            for key, sockets in zip(keys, redis.mget(keys)):
                online[key.split(":")[2]] += int(sockets or 0)
            state["online"] = +online  # without the zeros
        sleep(1)

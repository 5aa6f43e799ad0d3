"""The chat room in Flask-uWSGI-WebSocket: one greenlet reads Redis into a log, and each socket has one that sends."""

import os
import re
from bisect import bisect
from collections import Counter, deque
from contextlib import suppress
from socket import AF_INET, SHUT_RDWR, SOCK_STREAM, fromfd
from typing import Annotated

from flask import Request
from gevent import sleep, spawn
from gevent.event import Event
from msgspec import Meta, Struct, json
from redis import BlockingConnectionPool, Redis, RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is cut off
ONLINE, ME = "foobar:online:", f"flask-uwsgi:{os.uname().nodename}"  # a key for each process: how many sockets it has
# retry=None: to repeat an XADD whose answer was lost would say the same thing twice.
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None))

log = []  # (order, text) of each message, as in Redis
state, sockets = {"live": False, "online": {}}, set()


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Chat:
    def __init__(self, client):
        self.client, self.news, self.told, self.errors = client, Event(), {"online": {}}, deque(maxlen=KEPT)
        # The extension moves messages between the socket and these queues, which have no limit of their own.
        client.send_queue.maxsize = client.recv_queue.maxsize = 20
        after = Request(client.environ).args.get("after", "")
        self.position = order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None
        if after and not self.position:
            self.errors.append(f"after={after!a} is not the id of a message; these are the latest")

    def run(self):
        sockets.add(self)
        teller = spawn(self.tell)
        try:
            while (message := self.client.receive()) is not None:
                # b"" is queued for no message, b"\0" for a part of one. A client's own look the same, and are lost.
                if message not in (b"", b"\0"):
                    self.hear(message)
        finally:
            sockets.discard(self)
            teller.kill()

    def hear(self, message):
        """Errors are left to tell(): who waits until there is room in one queue must not hold up the other."""
        try:
            said = json.decode(message, type=Said)
            redis.xadd("foobar", {"service": "flask-uwsgi", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:
            self.errors.append(f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000")
        except RedisError:
            self.errors.append("Redis does not answer; unless your message appears, say it again later")
        self.news.set()
        if len(self.errors) == KEPT:
            cut_off(self.client)  # the extension sends nothing as long as there is something to receive

    def tell(self):
        while True:
            self.news.clear()
            while self.errors:
                self.client.send(json.encode({"error": self.errors.popleft()}))
            if self.position is None and state["live"]:  # someone new gets the last 50
                self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
            start = bisect(log, self.position, key=lambda entry: entry[0]) if self.position else len(log)
            batch = log[start : start + 100]
            for self.position, text in batch:
                self.client.send(text)  # waits while the queue is full, as it is behind a client that does not read
            for what in [what for what in state if not batch and self.told.get(what) != state[what]]:
                self.told[what] = state[what]
                self.client.send(json.encode({what: self.told[what]}))
            if not batch:
                self.news.wait()


def order(entry):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, entry.split("-")))


def cut_off(client):  # uWSGI waits in the middle of a frame, where no close frame can go
    with suppress(OSError), fromfd(client.fd, AF_INET, SOCK_STREAM) as connection:
        connection.shutdown(SHUT_RDWR)


def read():
    last = "0-0"
    while True:
        try:
            entries = dict(redis.xread({"foobar": last}, count=500, block=1000)).get("foobar", [])
            state["live"] |= len(entries) < 500  # there are no more
        except RedisError:
            state["live"], entries = False, sleep(0.5) or []
        for last, fields in entries:
            log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]})))
        if len(log) > 1.1 * KEPT:
            for chat in [chat for chat in sockets if chat.position and log[0][0] <= chat.position < log[-KEPT][0]]:
                cut_off(chat.client)
            del log[:-KEPT]
        for chat in sockets:
            chat.news.set()


def count():
    with suppress(RedisError):  # read() tells of it
        redis.set(ONLINE + ME, len(sockets), ex=5)
        online, keys = Counter(), redis.keys(ONLINE + "*")
        for key, count in zip(keys, redis.mget(keys), strict=True):
            online[key.split(":")[2]] += int(count or 0)
        state["online"] = +online  # without the zeros

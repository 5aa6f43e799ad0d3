"""The chat room in threads: one reads Redis into a log, and each socket has its own, which receives and sends."""

import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from select import select
from threading import Lock, Timer
from time import sleep
from typing import Annotated

from dwebsocket.decorators import require_websocket
from msgspec import Meta, Struct, json
from redis import BlockingConnectionPool, Redis, RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"django:{os.uname().nodename}"  # a key for each process: how many sockets it has
options = {"decode_responses": True, "retry": None, "max_connections": 10, "timeout": 5}  # a retry might say it twice
redis = Redis.from_pool(BlockingConnectionPool.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1"), **options))

lock, log, state, clients = Lock(), [], {"live": False, "online": {}}, set()  # log: (order, text) of each message


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


@require_websocket
def chat(request):
    client, after = Client(request.websocket.protocol), request.GET.get("after", "")
    if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after):
        client.position = order(after)
    elif after:
        client.ws.write(json.encode({"error": f"after={after!a} is not the id of a message; these are the latest"}))
    clients.add(client)
    try:
        client.serve()
    finally:
        with lock:
            clients.discard(client)
            os.close(client.bell)  # no one rings it any more: the number may be another's by then


class Client:
    def __init__(self, ws):
        self.ws, self.position, self.code, self.told = ws, None, None, {"online": {}}  # code: to close it with
        self.bell = os.eventfd(0)  # rung when there may be news: a thread can wait for it and its socket at once

    def serve(self):
        while not (self.code or self.ws.is_closed()):
            now = dict(state)  # first: who is told that all is live has been told all that is in the log by now
            if self.position is None and now["live"]:  # someone new gets the last 50
                self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
            with lock:
                start = bisect(log, self.position, key=lambda entry: entry[0]) if self.position else len(log)
                batch = [] if self.code else log[start : start + 100]
                self.position = batch[-1][0] if batch else self.position
            for _, text in batch:
                self.ws.write(text)  # a client that is slow holds up its own thread only
            for what in now:
                if not batch and self.told.get(what) != now[what]:
                    self.told[what] = now[what]
                    self.ws.write(json.encode({what: now[what]}))
            ready, _, _ = select([self.ws.sock, self.bell], [], [], 0 if batch else 1)
            if self.bell in ready:
                os.eventfd_read(self.bell)
            if self.ws.sock in ready and not self.ws.is_closed():
                self.receive()
        self.ws.close(self.code)

    def receive(self):
        try:
            opcode, message = self.ws.read()
            if opcode in (self.ws.OPCODE_TEXT, self.ws.OPCODE_BINARY):
                said = json.decode(message, type=Said)
                redis.xadd("foobar", {"service": "django", "nick": said.nick, "text": said.text}, maxlen=KEPT)
        except ValueError as error:  # dwebsocket's too: it does not know a fragment, nor a pong
            self.ws.write(json.encode({"error": f"{str(error)[:99]}; a nick has 1 to 32 characters, a text 1 to 2000"}))
        except RedisError:
            self.ws.write(json.encode({"error": "Redis does not answer; unless your message appears, say it again"}))


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def read():
    last = "0-0"
    while True:
        try:
            entries = dict(redis.xread({"foobar": last}, count=500, block=1000)).get("foobar", [])
        except RedisError:
            entries = sleep(0.5)  # None
        with lock:
            for last, fields in entries or []:
                log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]})))
            if len(log) > 1.1 * KEPT:
                for client in [c for c in list(clients) if c.position and log[0][0] <= c.position < log[-KEPT][0]]:
                    client.code = 1013
                    Timer(5, client.ws._abort).start()  # or its thread might wait to write for ever
                del log[:-KEPT]
            state["live"] = entries is not None and (state["live"] or len(entries) < 500)  # there are no more
            for client in list(clients):
                os.eventfd_write(client.bell, 1)


def count():
    while True:
        with suppress(RedisError):  # read() tells of it
            redis.set(ONLINE + ME, len(clients), ex=5)
            online, keys = Counter(), redis.keys(ONLINE + "*")
            for key, count in zip(keys, redis.mget(keys)):
                online[key.split(":")[2]] += int(count or 0)
            state["online"] = +online  # without the zeros
        sleep(1)

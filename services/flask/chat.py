"""The chat room in greenlets: one reads Redis into a log, and each socket has one that receives and one that sends."""

import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from typing import Annotated

from flask import Blueprint, abort, request
from gevent import Greenlet, event, pool, sleep, socket, spawn_later
from geventwebsocket import WebSocketError
from msgspec import Meta, Struct, json
from redis import BlockingConnectionPool, Redis, RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is closed
ONLINE, ME = "foobar:online:", f"flask:{os.uname().nodename}"  # a key for each process: how many sockets it has
# retry=None: to repeat an XADD whose answer was lost would say the same thing twice.
options = {"decode_responses": True, "retry": None, "max_connections": 10, "timeout": 5}
redis = Redis.from_pool(BlockingConnectionPool.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1"), **options))

room = Blueprint("room", __name__)
log, state, senders = [], {"live": False, "online": {}}, pool.Group()  # log: (order, text) of each message


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


@room.get("/chat/", websocket=True)
def chat():
    ws, after = request.environ.get("wsgi.websocket") or abort(400), request.args.get("after", "")
    sender = Sender(ws, order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None)
    senders.start(sender)
    try:
        if after and not sender.position:
            sender.tell({"error": f"after={after!a} is not the id of a message; these are the latest"})
        while (message := ws.receive()) is not None:
            try:
                said = json.decode(message, type=Said)
                redis.xadd("foobar", {"service": "flask", "nick": said.nick, "text": said.text}, maxlen=KEPT)
            except ValueError as error:
                sender.tell({"error": f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000"})
            except RedisError:
                sender.tell({"error": "Redis does not answer; unless your message appears, say it again later"})
    except WebSocketError:
        pass  # the client left while we were answering
    finally:
        sender.kill()
    return ""


class Sender(Greenlet):
    def __init__(self, ws, position):
        super().__init__()
        self.ws, self.position, self.news, self.socket = ws, position, event.Event(), ws.handler.socket

    def tell(self, what):
        self.ws.send(json.encode(what).decode())

    def _run(self):
        told = {"online": {}}
        with suppress(WebSocketError):
            while self in senders:
                self.news.clear()
                if self.position is None and state["live"]:  # someone new gets the last 50
                    self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
                while self.position and self in senders and (batch := since(self.position)):
                    for self.position, text in batch:
                        self.ws.send(text)  # a client that is slow holds up its own greenlet only
                    sleep(0)  # one that is fast would never make us wait, and let no other greenlet run
                for what in [what for what in state if told.get(what) != state[what]]:
                    told[what] = state[what]
                    self.tell({what: state[what]})
                self.news.wait()
            self.ws.send_frame((1013).to_bytes(2), self.ws.OPCODE_CLOSE)  # ws.close(1013) would lose the code
            self.ws.closed = True

    def cut(self):
        with suppress(OSError):  # it has gone by itself
            self.socket.shutdown(socket.SHUT_RDWR)


def order(id):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, id.split("-")))


def since(position):
    start = bisect(log, position, key=lambda entry: entry[0])
    return log[start : start + 100]


def read():
    last = "0-0"
    while True:
        try:
            entries = dict(redis.xread({"foobar": last}, count=500, block=1000)).get("foobar", [])
            state["live"] |= len(entries) < 500  # there are no more
        except RedisError:
            state["live"], entries = False, []
            sleep(0.5)
        for last, fields in entries:
            log.append((order(last), json.encode({"id": last, **fields, "ts": order(last)[0]}).decode()))
        if len(log) > 1.1 * KEPT:
            for sender in [s for s in senders if s.position and log[0][0] <= s.position < log[-KEPT][0]]:
                senders.discard(sender)  # so it says 1013 if it comes to the end of the frame that it is in
                spawn_later(5, sender.cut)
            del log[:-KEPT]
        for sender in senders:
            sender.news.set()


def count():
    with suppress(RedisError):  # read() tells of it
        redis.set(ONLINE + ME, len(senders), ex=5)
        online, keys = Counter(), redis.keys(ONLINE + "*")
        for key, count in zip(keys, redis.mget(keys)):
            online[key.split(":")[2]] += int(count or 0)
        state["online"] = +online  # without the zeros

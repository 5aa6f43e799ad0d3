"""The chat room in raw uWSGI: one greenlet reads Redis into a log, and each socket's greenlet sends from it."""

import os
import re
from bisect import bisect
from collections import Counter
from contextlib import suppress
from socket import AF_INET, SHUT_RDWR, SOCK_STREAM, fromfd
from typing import Annotated
from urllib.parse import parse_qs

import uwsgi
from gevent import get_hub, sleep
from gevent.event import Event
from msgspec import Meta, Struct, json
from redis import BlockingConnectionPool, Redis, RedisError

KEPT = 10_000  # about how many messages the stream keeps; a socket that is further behind is cut off
ONLINE, ME = "foobar:online:", f"uwsgi:{os.uname().nodename}"  # a key for each process: how many sockets it has
# retry=None: to repeat an XADD whose answer was lost would say the same thing twice.
url = os.environ.get("REDIS_URL", "redis://127.0.0.1")
redis = Redis.from_pool(BlockingConnectionPool.from_url(url, decode_responses=True, retry=None))

log = []  # (order, text) of each message, as in Redis
state, sockets = {"live": False, "online": {}}, set()


class Said(Struct, forbid_unknown_fields=True):
    nick: Annotated[str, Meta(max_length=32, pattern=r"\S")]
    text: Annotated[str, Meta(max_length=2000, pattern=r"\S")]


class Chat:
    def __init__(self, environ):
        self.fd, self.news, self.told = uwsgi.connection_fd(), Event(), {"online": {}}
        after = parse_qs(environ["QUERY_STRING"]).get("after", [""])[0]
        self.position = order(after) if re.fullmatch("[0-9]{1,19}-[0-9]{1,19}", after) else None
        if after and not self.position:
            send({"error": f"after={after!a} is not the id of a message; these are the latest"})

    def run(self):
        """uWSGI's calls work in the greenlet of their request alone, so that one waits for all there is to do."""
        readable = get_hub().loop.io(self.fd, 1)
        sockets.add(self)
        try:
            while True:
                self.news.clear()
                if any([self.tell(), self.hear()]):
                    sleep(0)  # for the others: a call of uWSGI lets them run only where it has to wait
                else:
                    readable.start(self.news.set)
                    self.news.wait()
                    readable.stop()
        finally:
            sockets.discard(self)
            readable.close()

    def tell(self):
        if self.position is None and state["live"]:  # someone new gets the last 50
            self.position = (log[-51:-50] or [((0, 0), "")])[0][0]
        start = bisect(log, self.position, key=lambda entry: entry[0]) if self.position else len(log)
        batch = log[start : start + 100]
        for self.position, text in batch:
            uwsgi.websocket_send(text)  # waits for a client that is slow, up to 30 s for one that reads nothing
        for what in [what for what in state if not batch and self.told.get(what) != state[what]]:
            self.told[what] = state[what]
            send({what: self.told[what]})
        return batch

    def hear(self):
        message = uwsgi.websocket_recv_nb()
        # b"" is no message yet, b"\0" a part of one. A client's own b"" or b"\0" looks the same, and gets no answer.
        if message not in (b"", b"\0"):
            try:
                said = json.decode(message, type=Said)
                redis.xadd("foobar", {"service": "uwsgi", "nick": said.nick, "text": said.text}, maxlen=KEPT)
            except ValueError as error:
                send({"error": f"{str(error)[:99]}; send a nick of 1 to 32 characters and a text of 1 to 2000"})
            except RedisError:
                send({"error": "Redis does not answer; unless your message appears, say it again later"})
        return message


def send(news):
    uwsgi.websocket_send(json.encode(news))


def order(entry):  # as numbers: "1795349703791-10" comes after "1795349703791-9"
    return tuple(map(int, entry.split("-")))


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
            for client in [c for c in sockets if c.position and log[0][0] <= c.position < log[-KEPT][0]]:
                # It waits in the middle of a frame, where no close frame can go.
                with suppress(OSError), fromfd(client.fd, AF_INET, SOCK_STREAM) as connection:
                    connection.shutdown(SHUT_RDWR)
            del log[:-KEPT]
        for client in sockets:
            client.news.set()


def count():
    with suppress(RedisError):  # read() tells of it
        redis.set(ONLINE + ME, len(sockets), ex=5)
        online, keys = Counter(), redis.keys(ONLINE + "*")
        for key, count in zip(keys, redis.mget(keys), strict=True):
            online[key.split(":")[2]] += int(count or 0)
        state["online"] = +online  # without the zeros

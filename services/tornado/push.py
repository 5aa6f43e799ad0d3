"""The room by plain HTTP in Tornado: coroutines that wait until there is news, or until their client has gone."""

import asyncio
from contextlib import suppress

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from chat import room
from room.push import STREAMING, BadRequestError, Listener, Poll


class Waiting(RequestHandler):
    def prepare(self):
        self.news = asyncio.Event()

    async def wait(self, seconds):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()
        if self.request.connection.stream.closed():
            raise StreamClosedError

    def on_connection_close(self):
        self.news.set()  # so that nobody waits for a client that has gone

    def parameter(self, name):
        return self.get_query_argument(name, "", strip=False)

    def answer(self, answer):
        self.set_status(answer.status)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.finish(answer.body or None)


class PollRoom(Waiting):
    async def get(self):
        try:
            poll = Poll(
                room,
                self.news.set,
                after=self.parameter("after"),
                wait=self.parameter("wait"),
                tags=self.request.headers.get("If-None-Match", ""),
            )
        except BadRequestError as error:
            return self.answer(error.answer)
        with poll, suppress(StreamClosedError):
            while not (answer := poll.answer()):
                await self.wait(poll.left())
            self.answer(answer)


class RoomEvents(Waiting):
    async def get(self):
        after, last = self.parameter("after"), self.request.headers.get("Last-Event-ID", "")
        try:
            listener = Listener(room, self.news.set, after=after, last_event_id=last)
        except BadRequestError as error:
            return self.answer(error.answer)
        listener.drop = self.request.connection.stream.close  # its client does not read, and so flush() would not end
        for name, value in STREAMING.items():
            self.set_header(name, value)
        with listener, suppress(StreamClosedError):
            while not listener.behind:
                if text := listener.text():
                    self.write(text)
                    await self.flush()  # waits for a client that is slow
                    await asyncio.sleep(0)  # one that is fast would never make it wait
                else:
                    await self.wait(listener.left())


handlers = [("/chat/poll", PollRoom), ("/chat/events", RoomEvents)]

"""The chat room in Tornado: callbacks for what a client says, and a task for what it is told."""

import asyncio
from contextlib import suppress

from tornado.websocket import WebSocketClosedError, WebSocketHandler

from room import TOO_SLOW
from room.asyncio import Room

room = Room("tornado")


class Chat(WebSocketHandler):
    def open(self):
        self.set_nodelay(True)
        self.visitor = room.visit(self.get_query_argument("after", "", strip=False), self.drop)
        self.teller = asyncio.create_task(self.tell())

    async def tell(self):
        with suppress(WebSocketClosedError):
            async for message in self.visitor:
                await self.write_message(message)  # waits for a client that is slow

    async def on_message(self, message):
        if refusal := await room.say(message):
            with suppress(WebSocketClosedError):
                await self.write_message(refusal)

    def drop(self):
        self.close(1013, TOO_SLOW)

    def on_close(self):
        self.visitor.leave()
        self.teller.cancel()

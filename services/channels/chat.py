"""The chat room in Channels: a consumer, and a task that sends what its client is told.

Channels' own layer would lose some: channels_redis delivers at most once, 100 (capacity) in 60 s (expiry), with no ids.
"""

import asyncio
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer

from room.asyncio import Room

room = Room("channels")
closing = set()  # the loop itself refers to its tasks only weakly


class Chat(AsyncWebsocketConsumer):
    async def __call__(self, scope, receive, send):
        after = parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])[0]
        self.teller = None
        # Not in connect() and disconnect(): Daphne cancels a consumer that is slow to finish.
        with room.visit(after, self.drop) as self.visitor:
            try:
                await super().__call__(scope, receive, send)
            finally:
                if self.teller:
                    self.teller.cancel()

    async def connect(self):
        await self.accept()
        self.teller = asyncio.create_task(self.tell())

    async def tell(self):
        async for message in self.visitor:
            await self.send(message)  # waits for a client that is slow

    async def receive(self, text_data=None, bytes_data=None):
        if refusal := await room.say(text_data or bytes_data or ""):
            await self.send(refusal)

    def drop(self):
        self.teller.cancel()
        task = asyncio.create_task(self.close(4013))  # Autobahn takes 1000 and 3000 to 4999 from an application
        closing.add(task)
        task.add_done_callback(closing.discard)

"""The chat room in @TITLE@: events from the client, and a task that sends what it is told."""

import asyncio
from contextlib import suppress
from urllib.parse import parse_qs

from room import TOO_SLOW
from room.asyncio import Room

room = Room("@NAME@")


async def chat(scope, receive, send):
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    with room.visit(parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])[0]) as visitor:
        teller = asyncio.create_task(tell(send, visitor))
        try:
            await hear(receive, send)
        finally:
            teller.cancel()


async def hear(receive, send):
    with suppress(OSError):  # the client has gone
        while (event := await receive())["type"] == "websocket.receive":
            if refusal := await room.say(event.get("text") or event.get("bytes") or ""):
                await send({"type": "websocket.send", "text": refusal})


async def tell(send, visitor):
    with suppress(OSError):
        async for message in visitor:
            await send({"type": "websocket.send", "text": message})  # waits for a client that is slow
        await send({"type": "websocket.close", "code": 1013, "reason": TOO_SLOW})

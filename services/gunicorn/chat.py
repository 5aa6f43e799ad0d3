"""The chat room in bare ASGI: events from the client, and a task that sends what it is told."""

import asyncio
from contextlib import suppress
from urllib.parse import parse_qs

from room import TOO_SLOW
from room.asyncio import Room

room = Room("gunicorn")


async def chat(scope, receive, send):
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    after = parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])[0]
    try:
        async with asyncio.timeout(None) as stay:
            with room.visit(after, lambda: stay.reschedule(0)) as visitor:  # that is: now
                teller = asyncio.create_task(tell(send, visitor))
                try:
                    while (event := await receive())["type"] == "websocket.receive":
                        if refusal := await room.say(event.get("text") or event.get("bytes") or ""):
                            await send({"type": "websocket.send", "text": refusal})
                finally:
                    teller.cancel()
    except TimeoutError:
        await send({"type": "websocket.close", "code": 1013, "reason": TOO_SLOW})


async def tell(send, visitor):
    with suppress(OSError):  # the client has gone, as receive() will say
        async for message in visitor:
            await send({"type": "websocket.send", "text": message})  # waits for a client that is slow

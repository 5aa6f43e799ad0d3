"""The chat room in websockets: one coroutine reads what a client says, and a task sends what it is told."""

import asyncio
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed

from room import TOO_SLOW
from room.asyncio import Room

room = Room("websockets")


async def chat(websocket):
    after = parse_qs(urlsplit(websocket.request.path).query).get("after", [""])[0]
    with room.visit(after, lambda: drop(websocket)) as visitor:
        teller = asyncio.create_task(tell(websocket, visitor))
        try:
            with suppress(ConnectionClosed):
                async for message in websocket:
                    if refusal := await room.say(message):
                        await websocket.send(refusal)
        finally:
            teller.cancel()


async def tell(websocket, visitor):
    with suppress(ConnectionClosed):
        async for message in visitor:
            await websocket.send(message)  # waits for a client that is slow
        await websocket.close(1013, TOO_SLOW)


def drop(websocket):
    """End a connection whose close frame would wait, without a limit, behind what the client does not read."""
    asyncio.get_running_loop().call_later(5, websocket.transport.abort)

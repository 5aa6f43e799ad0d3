"""The chat room in aiohttp: a handler reads what a client says, and a task sends what it is told."""

import asyncio
from contextlib import suppress

from aiohttp import WSMsgType, web

from room import TOO_SLOW
from room.asyncio import Room

room = Room("aiohttp")
closing = set()  # the loop itself refers to its tasks only weakly


async def chat(request):
    ws = web.WebSocketResponse(heartbeat=20)
    await ws.prepare(request)
    with room.visit(request.query.get("after", ""), lambda: drop(ws, request.transport, teller)) as visitor:
        teller = asyncio.create_task(tell(ws, visitor))
        try:
            async for message in ws:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) and (refusal := await room.say(message.data)):
                    await ws.send_str(refusal)
        finally:
            teller.cancel()
    return ws


async def tell(ws, visitor):
    with suppress(ConnectionError):
        async for message in visitor:
            await ws.send_str(message)  # waits for a client that is slow


def drop(ws, transport, teller):
    """Close with 1013 what may have a message under way that the client does not read."""
    teller.cancel()
    if transport:
        asyncio.get_running_loop().call_later(5, transport.abort)
    task = asyncio.create_task(ws.close(code=1013, message=TOO_SLOW.encode(), drain=False))
    closing.add(task)
    task.add_done_callback(closing.discard)

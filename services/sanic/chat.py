"""The chat room in Sanic: a blueprint with one handler, whose task sends what its client is told."""

import asyncio
from contextlib import suppress

from sanic import Blueprint
from sanic.exceptions import WebsocketClosed

from room import TOO_SLOW
from room.asyncio import Room

room = Room("sanic")
blueprint = Blueprint("chat")


@blueprint.websocket("/chat/")
async def chat(request, ws):
    # Unlike close(), end_connection() does not wait for a client that does not read.
    with room.visit(request.args.get("after", ""), lambda: ws.end_connection(1013, TOO_SLOW)) as visitor:
        teller = asyncio.create_task(tell(ws, visitor))
        try:
            async for message in ws:
                if refusal := await room.say(message):
                    await ws.send(refusal)
        finally:
            teller.cancel()


async def tell(ws, visitor):
    with suppress(WebsocketClosed):
        async for message in visitor:
            await ws.send(message)  # waits for a client that is slow

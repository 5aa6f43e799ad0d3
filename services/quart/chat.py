"""The chat room in Quart: a blueprint with one handler, which sends, and its task, which receives."""

import asyncio

from quart import Blueprint, websocket

from room import TOO_SLOW
from room.asyncio import Room

room = Room("quart")
blueprint = Blueprint("room", __name__)


@blueprint.while_app_serving
async def read():
    reading = asyncio.create_task(room.run())
    yield
    reading.cancel()


@blueprint.websocket("/chat/")
async def chat():
    await websocket.accept()
    listener = asyncio.create_task(listen())
    try:
        with room.visit(websocket.args.get("after", "")) as visitor:
            async for message in visitor:
                await websocket.send(message)  # waits for a client that is slow; Hypercorn's keepalive ends that
        await websocket.close(1013, TOO_SLOW)
    finally:  # Quart cancels the handler when its client has left
        listener.cancel()


async def listen():
    while True:
        # Quart gives None for an empty binary message.
        if refusal := await room.say(await websocket.receive() or ""):
            await websocket.send(refusal)

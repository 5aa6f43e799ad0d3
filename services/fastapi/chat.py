"""The chat room in FastAPI: a router with one endpoint, whose task sends what its client is told."""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from room import TOO_SLOW
from room.asyncio import Room

room = Room("fastapi")


@asynccontextmanager
async def lifespan(app):
    reading = asyncio.create_task(room.run())
    yield
    reading.cancel()


router = APIRouter(lifespan=lifespan)


@router.websocket("/chat/")
async def chat(websocket: WebSocket, after: str = ""):
    await websocket.accept()
    with room.visit(after) as visitor:
        teller = asyncio.create_task(tell(websocket, visitor))
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                if refusal := await room.say(message.get("text") or message.get("bytes") or ""):
                    await websocket.send_text(refusal)
        finally:
            teller.cancel()


async def tell(websocket, visitor):
    with suppress(WebSocketDisconnect):
        async for message in visitor:
            await websocket.send_text(message)  # waits for a client that is slow; Uvicorn's keepalive ends that
        await websocket.close(1013, TOO_SLOW)

"""The echo in Quart, Flask's API on asyncio, on Hypercorn, which has the protocol from wsproto."""

import asyncio
import os

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, websocket

app = Quart(__name__)


@app.websocket("/foobar/")
async def echo():
    await websocket.accept(subprotocol="echo" if "echo" in websocket.requested_subprotocols else None)
    while True:  # until Quart cancels it, because the client has left
        await websocket.send(await websocket.receive())


if __name__ == "__main__":
    bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"
    asyncio.run(serve(app, Config.from_mapping(bind=bind, websocket_ping_interval=20)))

"""The echo in websockets, on the library's own asyncio server."""

import asyncio
import os
from contextlib import suppress

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def echo(websocket):
    with suppress(ConnectionClosed):
        async for message in websocket:
            await websocket.send(message)  # waits for a client that does not read, and so reads no more from it


def select_subprotocol(connection, offered):
    # subprotocols=["echo"] would refuse a client that offers none.
    return "echo" if "echo" in offered else None


async def main():
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    async with serve(echo, host, port, select_subprotocol=select_subprotocol) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

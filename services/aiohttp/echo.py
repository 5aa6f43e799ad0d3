"""The echo in aiohttp, whose server and WebSocket engine are its own: a handler is one coroutine for each socket."""

import os

from aiohttp import WSMsgType, web


async def echo(request):
    ws = web.WebSocketResponse(heartbeat=20, protocols=["echo"])
    await ws.prepare(request)
    async for message in ws:
        # Sending waits while the client does not read, and then the next message is not read either.
        if message.type == WSMsgType.TEXT:
            await ws.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await ws.send_bytes(message.data)
    return ws


if __name__ == "__main__":
    app = web.Application()
    app.add_routes([web.get("/foobar/", echo)])
    web.run_app(app, host=os.environ.get("HOST", "0.0.0.0"), port=int(os.environ.get("PORT", "8000")))

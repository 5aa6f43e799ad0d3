"""The echo in Sanic, on its own server and uvloop, with the frames of the websockets library."""

import os

from sanic import Sanic

app = Sanic("EchoWall", configure_logging=False)


@app.websocket("/foobar/")
async def echo(request, ws):
    async for message in ws:
        # Sending waits while the client does not read. By and by Sanic stops reading, too; but what came in faster
        # than it was taken here has been read, and there is no limit to that.
        await ws.send(message)


if __name__ == "__main__":
    app.run(os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000")), single_process=True)

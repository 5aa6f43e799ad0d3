"""The service in picows: the echo, the room and /about, and a farewell at SIGTERM."""

import asyncio
import json
import logging
import os
import platform
import signal
from importlib.metadata import version

import uvloop
from picows import WSCloseCode, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

import chat
import echo
import mends

MENDED = os.environ.get("MENDS") != "off"
ABOUT = {
    "service": "picows",
    "versions": {"python": platform.python_version(), "picows": version("picows"), "uvloop": version("uvloop")},
}


class Open:
    """Knows the transports of the sockets that are open."""

    transports = set()

    def on_ws_connected(self, transport):
        super().on_ws_connected(transport)
        self.transports.add(transport)

    def on_ws_disconnected(self, transport):
        super().on_ws_disconnected(transport)
        self.transports.discard(transport)


class Echo(Open, mends.Echo if MENDED else echo.Echo):
    pass


class Chat(Open, chat.Chat):
    pass


LISTENERS = {"/foobar/": Echo, "/chat/": Chat}


def accept(request):
    path = request.path.decode("latin-1").partition("?")[0]
    if path == "/about":
        answer = WSUpgradeResponse.create_ok_response(json.dumps(ABOUT).encode(), {"Content-Type": "application/json"})
        return WSUpgradeResponseWithListener(answer, None)
    if path not in LISTENERS:
        return None  # which picows answers with 404
    if request.headers.get("Sec-WebSocket-Version") != "13":
        needed = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        refusal = WSUpgradeResponse.create_error_response(426, b"This is a WebSocket.\n", needed)
        return WSUpgradeResponseWithListener(refusal, None)
    accepted = echo.accept(request)
    return WSUpgradeResponseWithListener(accepted.response, LISTENERS[path]())


async def main():
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    options = echo.PINGS | (mends.TRANSPORTS if MENDED else {})
    server = await ws_create_server(accept, host, port, max_frame_size=mends.LIMIT, **options)
    reading = asyncio.create_task(chat.room.run())
    logging.info("listening on %s:%d", host, port)

    stop = asyncio.Event()
    for signum in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()

    server.close()
    reading.cancel()
    for transport in Open.transports:
        transport.send_close(WSCloseCode.GOING_AWAY)
    if ends := [asyncio.create_task(transport.wait_disconnected()) for transport in Open.transports]:
        await asyncio.wait(ends, timeout=2)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("picows").setLevel(logging.WARNING)  # it has two lines for each connection
    uvloop.run(main())

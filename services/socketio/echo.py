"""The echo in Socket.IO: events over Engine.IO, which polls over HTTP until it has a WebSocket."""

import socketio
from engineio.payload import Payload

# A burst over polling arrives as one request. Past 16 packets Engine.IO would answer "OK" and drop them all:
# https://github.com/miguelgrinberg/python-engineio/issues/142
Payload.max_decode_packets = 1000

sio = socketio.AsyncServer(
    async_mode="asgi",
    async_handlers=False,  # one event after the other: by default each runs in a task of its own
    # Room for 1 MiB in which JSON had to write each byte as six (\u0001); the default is 1 MB.
    max_http_buffer_size=8 * 1024 * 1024,
)


@sio.event
async def message(sid, *payload):
    await sio.emit("message", payload, to=sid)


app = socketio.ASGIApp(sio, socketio_path="/foobar/")

"""The chat room in Socket.IO: events from the client, and a task for each that sends it what is new.

To send into one of Socket.IO's own rooms waits for nobody, and Engine.IO's queues have no limit: a client that reads
nothing would fill the memory (https://github.com/miguelgrinberg/python-engineio/issues/133).
"""

import asyncio
from urllib.parse import parse_qs

from msgspec import convert
from socketio import AsyncServer

from room import Said
from room.asyncio import Room

# always_connect: who connects is told so before anything else. Events one after the other, each up to 8 MiB.
sio = AsyncServer(async_mode="asgi", always_connect=True, async_handlers=False, max_http_buffer_size=8 * 1024 * 1024)
room = Room("socketio", encode=lambda told: told, decode=lambda said: convert(said, Said))
tellers = {}  # by sid
closing = set()  # the loop itself refers to its tasks only weakly


@sio.event
async def connect(sid, environ, auth):
    if sid not in tellers:  # python-socketio lets clients send events by this name, too, and by the next
        after = parse_qs(environ["QUERY_STRING"]).get("after", [""])[0]
        tellers[sid] = asyncio.create_task(tell(sid, after))


@sio.event
async def disconnect(sid, reason):
    if sid in tellers:
        tellers.pop(sid).cancel()


async def tell(sid, after):
    queue = sio.eio.sockets[sio.manager.eio_sid_from_sid(sid, "/")].queue
    with room.visit(after, lambda: drop(sid)) as visitor:
        async for message in visitor:
            await sio.send(message, to=sid)
            if queue.qsize() > 100:
                await queue.join()  # until the client takes them


@sio.on("*")
async def event(name, sid, *data):
    said = data[0] if name == "message" and len(data) == 1 else None
    if refusal := await room.say(said):
        await sio.send(refusal, to=sid)


def drop(sid):
    task = asyncio.create_task(sio.disconnect(sid))
    closing.add(task)
    task.add_done_callback(closing.discard)

"""The chat room on RSGI: of a task that receives and one that sends, the first to end ends the socket."""

import asyncio
from contextlib import suppress
from urllib.parse import parse_qs

from granian.rsgi import ProtocolClosed, ProtocolError, WebsocketMessageType

from room.asyncio import Room

room = Room("granian")


async def chat(scope, protocol):
    after = parse_qs(scope.query_string).get("after", [""])[0]
    ws = await protocol.accept()
    listener = asyncio.create_task(listen(ws))
    # To cancel its task is the one way out of a send to a client that does not read.
    with room.visit(after, lambda: teller.cancel()) as visitor:
        teller = asyncio.create_task(tell(ws, visitor))
        await asyncio.wait([teller, listener], return_when=asyncio.FIRST_COMPLETED)
    teller.cancel()
    listener.cancel()
    # To return closes the socket, with no code, for RSGI has none. The connection ends once nothing has `ws` any more.


async def listen(ws):
    with suppress(ProtocolClosed, ProtocolError):
        while (message := await ws.receive()).kind != WebsocketMessageType.close:
            if refusal := await room.say(message.data):
                await ws.send_str(refusal)


async def tell(ws, visitor):
    with suppress(ProtocolClosed, ProtocolError):
        async for message in visitor:
            await ws.send_str(message)  # waits for a client that is slow

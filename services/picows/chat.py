"""The chat room in picows: callbacks only; a socket is sent what is new while its transport takes it."""

import asyncio
from collections import deque
from urllib.parse import parse_qs

from picows import WSCloseCode, WSMsgType

from mends import Messages
from room import TOO_SLOW, to_json
from room.asyncio import Room

room = Room("picows", encode=lambda told: to_json(told).encode())


class Chat(Messages):
    def on_ws_connected(self, transport):
        super().on_ws_connected(transport)
        self.inbox = deque()
        after = parse_qs(transport.request.path.decode("latin-1").partition("?")[2]).get("after", [""])[0]
        self.visitor = room.enter(after, self.tell, self.drop)
        self.tell()

    def on_ws_disconnected(self, transport):
        super().on_ws_disconnected(transport)
        self.visitor.leave()

    def on_message(self, kind, message):
        self.inbox.append(message)
        if len(self.inbox) == 1:
            self.saying = asyncio.create_task(self.say())
        elif len(self.inbox) > 16:  # a client that speaks faster than Redis listens has to wait
            self.transport.underlying_transport.pause_reading()

    async def say(self):
        while self.inbox:
            if refusal := await room.say(self.inbox[0]):
                self.send_message(WSMsgType.TEXT, refusal)
            self.inbox.popleft()
        if not self.full:
            self.transport.underlying_transport.resume_reading()

    def resume_writing(self):
        super().resume_writing()
        self.tell()

    def tell(self):
        while not self.full and (batch := self.visitor.untold()):
            for message in batch:
                self.send_message(WSMsgType.TEXT, message)  # which calls pause_writing() by itself

    def drop(self):
        self.transport.send_close(WSCloseCode.TRY_AGAIN_LATER, TOO_SLOW.encode())
        asyncio.get_running_loop().call_later(5, self.transport.disconnect, False)

"""What Quart gets wrong, and the service keeps from its clients."""

from quart.wrappers import Websocket


class EmptyBinary(Websocket):
    """empty-binary: Quart makes None of an empty binary message, and raises TypeError when that is sent back."""

    async def receive(self):
        message = await super().receive()
        return b"" if message is None else message

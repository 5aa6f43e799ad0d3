"""What websockets gets wrong, and the service keeps from its clients."""


def released(handler):
    """memory-released: what a client sent and its handler did not take goes with the handler.

    The parts of a connection refer to one another. So they stay, with what they have read ahead, 17 large messages or
    thousands of small ones, until Python's garbage collector comes to them, which may be hundreds of connections later.
    """

    async def handle(websocket):
        try:
            await handler(websocket)
        finally:
            websocket.recv_messages.frames.queue.clear()

    return handle

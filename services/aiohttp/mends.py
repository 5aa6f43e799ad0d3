"""What aiohttp gets wrong, and the service keeps from its clients."""

from aiohttp import web

SOCKET = web.RequestKey("socket", web.WebSocketResponse)


async def remember(request, response):
    """memory-released: know the socket of a request."""
    if isinstance(response, web.WebSocketResponse):
        request[SOCKET] = response


@web.middleware
async def released(request, handler):
    """memory-released: what a client sent and its handler did not take goes with the handler.

    aiohttp closes the socket of a handler that returns. Where the client has broken off and sending raises an error,
    the timer of the next ping keeps the socket, and with it what was read ahead.
    """
    try:
        return await handler(request)
    except BaseException:
        if (ws := request.get(SOCKET)) and ws._reader:  # there is none where the client left before the answer
            ws._cancel_heartbeat()
            ws._reader._buffer.clear()
            ws._parser = None
        raise

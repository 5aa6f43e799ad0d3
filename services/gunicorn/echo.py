"""The echo in ASGI with no framework: the bare protocol, as gunicorn's own worker speaks it."""


async def echo(scope, receive, send):
    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": "echo" if "echo" in scope["subprotocols"] else None})
    while (event := await receive())["type"] == "websocket.receive":
        # send() waits for a client that does not read, and receive() then takes no more from it.
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        raise ValueError(f"this answers no {scope['type']}")  # gunicorn then does without lifespan
    await echo(scope, receive, send)

"""The echo in FastAPI, which is Starlette's WebSocket on Uvicorn, which has uvloop and the frames of websockets."""

from fastapi import FastAPI, WebSocket

app = FastAPI(openapi_url=None)  # OpenAPI knows no WebSockets, and its page of documentation loads from a CDN


@app.websocket("/foobar/")
async def echo(websocket: WebSocket):
    await websocket.accept("echo" if "echo" in websocket.scope["subprotocols"] else None)
    # receive_text() would raise KeyError for a binary message. Uvicorn reads no more until a message has been
    # received, and sending waits while the client does not read.
    while (message := await websocket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])

"""The echo in @TITLE@, on Uvicorn, which has uvloop and the frames of websockets."""


async def app(scope, receive, send):
    # Accept the handshake, with the subprotocol `echo` where scope["subprotocols"] has it; then send each message back
    # as it came, text as text and binary as binary, until the client goes. A framework's application may stand in place
    # of this function: app = Application(), with its own handler at /foobar/.
    raise NotImplementedError("fill in the echo")

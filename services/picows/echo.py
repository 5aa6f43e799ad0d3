"""The echo in picows on uvloop: callbacks that get frames. Making messages of them is the application's part."""

import os

import uvloop
from picows import WSListener, WSMsgType, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

PINGS = {"enable_auto_ping": True, "auto_ping_idle_timeout": 20, "auto_ping_reply_timeout": 20}  # seconds


class Echo(WSListener):
    def on_ws_frame(self, transport, frame):
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type != WSMsgType.PONG:  # what answers a ping of ours; theirs picows answers itself
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), frame.fin)


def accept(request):
    offered = request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
    headers = {"Sec-WebSocket-Protocol": "echo"} if "echo" in offered else None
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(headers), Echo())


async def main():
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
    server = await ws_create_server(accept, host, port, **PINGS)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())

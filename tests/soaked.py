"""An echo server for tests of `echowall soak`, with the fault that its argument names. It prints its port."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

FAULT = sys.argv[1]
_KEPT: list[Any] = []


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        message = frame.get_payload_as_bytes()
        _KEPT.append(None)
        if FAULT == "keeps memory":
            _KEPT.append(b"x" * 20_000)
        elif FAULT == "keeps descriptors":
            _KEPT.append(Path("/dev/null").open())  # noqa: SIM115
        elif FAULT == "alters" and len(_KEPT) % 50 == 0:
            message = message.upper()[::-1]
        elif FAULT == "loses" and len(_KEPT) % 50 == 0:
            return
        elif FAULT == "closes" and len(_KEPT) == 50:
            transport.send_close(WSCloseCode.OK)
        transport.send(WSMsgType.TEXT, message)


async def main() -> None:
    server = await ws_create_server(lambda _: Echo(), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

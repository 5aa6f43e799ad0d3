"""What Granian has no setting for, and the service makes up for."""

#: many-sockets: how many sockets a process has at a time. Its container has 512 MiB (services/base.yaml), of which it
#: takes 95 by itself, and 160 KiB for each socket, whether anything comes by it or not. It is 285 KiB once 60 KiB have
#: come back by it, for what is written has a buffer, too. So 1,000 sockets make it 250 MiB, or 375. The rest is for
#: larger messages, and for what the allocator keeps of those who have gone.
MAX_SOCKETS = 1000


class ManySockets:
    """many-sockets: a handler of sockets that refuses with 503 those for whom there is no memory.

    tungstenite reads into a buffer of 128 KiB, and writes zeros over all of it before it first waits for a message.
    Granian hands it no configuration. Nor does --backpressure limit sockets: for it a connection ends with the 101.
    https://github.com/emmett-framework/granian/blob/v2.8.7/src/rsgi/http.rs#L77
    """

    open = 0  # by all handlers together

    def __init__(self, handler):
        self.handler = handler

    async def __call__(self, scope, protocol):
        if ManySockets.open >= MAX_SOCKETS:
            protocol.close(503)
            return
        ManySockets.open += 1
        try:
            await self.handler(scope, protocol)
        finally:
            ManySockets.open -= 1

"""`python -m tests.faulty.fuzz SEED`: the echo server, with its bytes mutated on their way; it prints its port."""

from __future__ import annotations

import asyncio
import random
import sys

from tests.faulty.server import Server, Session

#: Bytes that mean something in HTTP, in frames and in DEFLATE.
TELLING = (0x00, 0x01, 0x0A, 0x0D, 0x20, 0x3A, 0x3B, 0x7E, 0x7F, 0x80, 0x81, 0x88, 0x89, 0xC1, 0xFE, 0xFF)
random_ = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0)  # noqa: S311


def mutate(data: bytes) -> bytes:
    """The same with one to three bytes, or runs of bytes, changed, added or taken away."""
    found = bytearray(data)
    for _ in range(random_.randint(1, 3)):
        # The beginning is where a head, a length or an opcode stands.
        at = (
            random_.randrange(min(len(found), 300) + 1) if random_.random() < 0.8 else random_.randrange(len(found) + 1)
        )
        match random_.randrange(6):
            case 0:
                found[at : at + 1] = bytes([random_.randrange(256)])
            case 1:
                found[at : at + 1] = bytes([random_.choice(TELLING)])
            case 2:
                found[at:at] = bytes(random_.choices(TELLING, k=random_.randint(1, 8)))
            case 3:
                del found[at : at + random_.randint(1, 16)]
            case 4:
                found[at:at] = found[at : at + random_.randint(1, 64)]
            case 5:
                del found[at:]
    return bytes(found)


class Mutated(Session):
    """One write in four is mutated."""

    async def write(self, data: bytes) -> None:
        await super().write(mutate(data) if random_.random() < 0.25 else data)


if __name__ == "__main__":
    asyncio.run(Server(Mutated).serve())

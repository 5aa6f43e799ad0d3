"""Does the endpoint withstand what clients do to it, and what does it cost?"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from echowall.check.registry import Observation, UnsupportedError, checks_of
from echowall.check.suite import measure
from echowall.check.suite.common import SOON, brief, close_of, pid_of
from echowall.check.suite.honesty import CONTRACT, settled
from echowall.check.suite.messages import LONGEST, weigh
from echowall.check.wire import (
    PATIENCE,
    Connection,
    Ended,
    Heard,
    Message,
    NoAnswerError,
    RefusedError,
    Target,
    UnreachableError,
    connect,
    dialled,
    frames,
    handshake,
    http,
    intermediary,
    request,
)
from echowall.check.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV2, TEXT

check = checks_of("endurance")

KIB, MIB = 1 << 10, 1 << 20
BUSY = 0.2
"""CPU seconds a second. A service that uses more than that with nothing to do is busy for nothing."""
BREACHES = {
    "opcode 0x3": frames.encode(0x3, b"wall"),
    "text that is not UTF-8": frames.encode(TEXT, b"wall \xff"),
    "an unmasked text": frames.encode(TEXT, b"wall", masked=False),
    "a text with RSV2": frames.encode(TEXT, b"wall", rsv=RSV2),
    "a ping that is not final": frames.encode(PING, b"wall", fin=False),
    "a continuation of nothing": frames.encode(CONTINUATION, b"wall"),
    "half a close code": frames.encode(CLOSE, b"\x03"),
}
"""What no client may send. Each ends its own connection at most."""
TEXT_64K = "wall" * (16 * KIB)
SLOW = 8
"""Clients that do not read. What a server takes from one before it stops may be little beside what else it does."""
LEAVING, ROUNDS, LEFT = 12, 7, 30 * MIB
"""Clients at a time that send, do not read and leave; how often they come; and how much memory they may leave behind in
all. Twice as many may come as the check is asked again, and a container of 512 MiB has to hold what they leave."""
#: What ends connections on which nothing was sent for so many seconds, unless it was configured otherwise.
IDLE_CUTS = {
    30: "Google Cloud's load balancer",
    55: "Heroku's router",
    60: "nginx (proxy_read_timeout) or AWS's Application Load Balancer",
    100: "Cloudflare",
    240: "Azure's load balancer",
    600: "AWS's API Gateway or CloudFront",
}


@check("resets", "RFC 6455, 7.1.7", "served", echo=True, intrusive=True, alone=True)
async def resets(target: Target) -> Observation | str:
    """Are the other clients still served after 50 clients broke their TCP connections?

    Sent: 50 connections broken by RST: at rest, with an echo due, in the middle of a frame.
    """
    async with settled(target) as bystander:
        listening = asyncio.create_task(bystander.hear(60))  # which answers pings
        try:
            for number in range(50):
                if (outcome := await _break(target, number)) != "echo":
                    return Observation(outcome, f"a client after {number} resets")
        finally:
            listening.cancel()
            await asyncio.wait([listening])  # two may not read at the same time
        if (outcome := await _echo(bystander)) != "echo":
            return Observation(outcome, "a client that was there before")
    return "served"


@check("resets-released", "RFC 6455, 7.1.1", "let go", intrusive=True, alone=True, waits=True, local=True)
async def resets_released(target: Target) -> Observation | str:
    """Does the service close the sockets of 50 clients that broke their TCP connections, and then rest?

    Sent: 50 connections, ten at a time, broken by RST while the service is held for a moment (SIGSTOP), so that it
    finds data and reset together.
    """
    pid = pid_of(target)
    async with settled(target):
        before = len(measure.sockets(pid))
    for _ in range(5):
        await _break_together(target, pid)
    await _until(lambda: len(measure.sockets(pid)) <= before, PATIENCE)
    kept = len(measure.sockets(pid)) - before
    if kept >= 10:
        return Observation("kept", f"{kept} sockets more than before, {PATIENCE:g} s later")
    used = await _load(pid, 1.0)
    return Observation("busy" if used > BUSY else "let go", f"{used:.0%} of a core")


@check("descriptors", CONTRACT, "let go", intrusive=True, alone=True, waits=True, local=True)
async def descriptors(target: Target) -> Observation | str:
    """Does the service close every file that it opened for 50 clients that came, spoke and closed?

    Sent: 50 connections that say a text and close.
    """
    pid = pid_of(target)
    async with settled(target):
        before = measure.descriptors(pid)
    for _ in range(50):
        async with connect(target) as ws:
            await _echo(ws)
            await ws.close()
            await ws.hear(1.0)
    if await _until(lambda: measure.descriptors(pid) <= before + 10, PATIENCE):
        return "let go"
    return Observation("kept", f"{measure.descriptors(pid) - before} more than before, {PATIENCE:g} s later")


@check("idle-sockets", CONTRACT, "at rest", intrusive=True, alone=True, waits=True, local=True)
async def idle_sockets(target: Target) -> Observation | str:
    """Does a service with 200 idle sockets use next to no CPU time?

    Sent: 200 connections that say a text and then nothing.
    """
    pid, most = pid_of(target), 200
    async with settled(target), AsyncExitStack() as stack:
        before = measure.memory(pid)
        clients: list[asyncio.Task[Heard]] = []
        began = time.monotonic()
        for number in range(most):
            if time.monotonic() - began > LONGEST:
                break
            try:
                async with asyncio.timeout(PATIENCE + target.slack):
                    ws = await stack.enter_async_context(settled(target))
            except (RefusedError, UnreachableError) as error:
                return Observation("refused", f"after {number} sockets: {error}")
            except TimeoutError:
                return Observation("refused", f"after {number} sockets: no answer within {PATIENCE:g} s")
            clients.append(asyncio.create_task(ws.hear(60.0)))  # so that each answers its pings
            stack.callback(clients[-1].cancel)
        count = len(clients)
        each = (measure.memory(pid) - before) / count
        used = await _load(pid, 3.0)
        ended = sum(client.done() and not isinstance(client.result(), Message) for client in clients)
    few = "" if count == most else f", with {count} sockets only, as each takes long to open"
    detail = f"{used:.1%} of a core, {each / KIB:.1f} KiB a socket{few}"
    if used > BUSY:
        return Observation("busy", detail)
    return Observation("cut off" if ended else "at rest", f"{ended} of {count}, {detail}" if ended else detail)


@check("slow-reader", CONTRACT, "bounded", intrusive=True, alone=True, waits=True, local=True)
async def slow_reader(target: Target) -> Observation | str:
    """Does the service hold less than 8 MiB for each client that sends and does not read?

    Sent: Up to 32 MiB of texts from each of 8 clients that read none of the echoes.
    """
    pid, most = pid_of(target), SLOW * 8 * MIB
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(settled(target, receive_buffer=4 * KIB)) for _ in range(SLOW)]
        before, deadline = measure.memory(pid), time.monotonic() + 10

        def grown() -> int:
            return measure.memory(pid) - before

        def goes_on() -> bool:
            return grown() < most and time.monotonic() < deadline

        sent = await asyncio.gather(*(_stuff(ws, 32 * MIB, 1.5, goes_on) for ws in clients))
        memory = grown()
        ended = sum(ws.gone for ws in clients)
        # What the service took and the kernel does not hold is in its memory, perhaps in memory that it had before.
        taken = sum(count for ws, count in zip(clients, sent, strict=True) if not ws.gone)
        taken = max(0, taken - measure.queued(pid, {ws.port for ws in clients}))
    detail = f"{taken / MIB:.0f} MiB taken, {memory / MIB:.0f} MiB more memory"
    detail += f", {ended} of {SLOW} cut off" if ended else ""
    return Observation("memory grows" if max(memory, taken) >= most else "bounded", detail)


@check("memory-released", CONTRACT, "given back", intrusive=True, alone=True, waits=True, local=True, seconds=60)
async def memory_released(target: Target) -> Observation | str:
    """Is the memory of clients given back that send, do not read, and break off?

    Sent: Seven times, up to 8 MiB of texts from each of 12 clients at once, which read none of the echoes; then RST.

    What the first 12 need, the others may need again. For these memory has to grow by less than 30 MiB.
    """
    pid = pid_of(target)
    after: list[int] = []
    for _ in range(ROUNDS):
        async with settled(target):
            before = measure.sockets(pid)
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(settled(target, receive_buffer=4 * KIB)) for _ in range(LEAVING)]
            await asyncio.gather(*(_stuff(ws, 8 * MIB, 0.7) for ws in clients))
            for ws in clients:
                ws.reset()
        if not await _until(lambda: measure.sockets(pid) <= before, PATIENCE):  # noqa: B023  it has ended by then
            return Observation("kept", "sockets of clients that broke off")
        await asyncio.sleep(0.7)  # for what is done afterwards
        after.append(measure.memory(pid))
        grown = after[-1] - after[0]
        if grown >= LEFT:
            break
    detail = f"{grown / MIB:+.0f} MiB by {LEAVING * (len(after) - 1)} clients, after {after[0] / MIB:.0f} MiB"
    return Observation("memory grows" if grown >= LEFT else "given back", detail)


@check("half-message", CONTRACT, "served", alone=True, echo=True)
async def half_message(target: Target) -> Observation | str:
    """Are others served while half of a client's message has come, and does the message come back in the end?

    Sent: Half of a text of 64 KiB, another client's text, and the second half.
    """
    async with settled(target) as slow, settled(target) as other:
        data = frames.encode(TEXT, slow.wrap(TEXT_64K.encode()))
        await slow.write(data[: len(data) // 2], "the first half of a message of 64 KiB")
        if (outcome := await _echo(other)) != "echo":
            return _others(outcome)
        await slow.write(data[len(data) // 2 :], "its second half")
        outcome = brief(await slow.reaction(TEXT_64K))
        return "served" if outcome == "echo" else Observation("the message is lost", outcome)


@check("half-handshake", CONTRACT, "served", alone=True, echo=True)
async def half_handshake(target: Target) -> Observation | str:
    """Are others served while half of a client's handshake has come, and is it accepted in the end?

    Sent: Half of a handshake, another client's text, and the second half.
    """
    headers = handshake(target)
    head = http.head("GET", target.resource, headers)
    cut = head.index(b"\r\n") + 4  # within the name of the first header
    async with dialled(target) as stream:
        await stream.write_head(head[:cut], "the first half of a handshake")
        try:
            async with asyncio.timeout(PATIENCE + target.slack), settled(target) as other:
                outcome = await _echo(other)
        except TimeoutError:
            outcome = "silence"
        if outcome != "echo":
            return _others(outcome)
        await stream.write_head(head[cut:], "its second half")
        try:
            response = await http.answer(stream, "GET", headers)
        except NoAnswerError as error:
            return Observation("the handshake is lost", error.how)
        return "served" if response.status == 101 else Observation("the handshake is lost", response.status_line)


@check("bystander", CONTRACT, "served", alone=True, echo=True)
async def bystander(target: Target) -> Observation | str:
    """Is a client that was there before served after others broke the protocol, were refused, or spoke no HTTP?

    Sent: A text on one connection, between breaches of the protocol, a handshake without a key and bytes that are
    no HTTP on others.
    """
    async with settled(target) as ws:
        listening = asyncio.create_task(ws.hear(60))  # which answers pings
        try:
            await asyncio.gather(
                *(_breach(target, *breach) for breach in BREACHES.items()), _be_refused(target), _speak_no_http(target)
            )
        finally:
            listening.cancel()
            await asyncio.wait([listening])  # two may not read at the same time
        target.transcript.breaches.clear()  # what came back of each breach is what the checks of group `errors` ask
        outcome = await _echo(ws)
    return "served" if outcome == "echo" else Observation(outcome, "a client that was there before")


async def _breach(target: Target, what: str, data: bytes) -> None:
    with suppress(RefusedError, UnreachableError):
        async with connect(target) as ws:
            await ws.write(data, what)
            await ws.hear(SOON)


async def _be_refused(target: Target) -> None:
    headers = [(name, value) for name, value in handshake(target) if name.lower() != "sec-websocket-key"]
    with suppress(UnreachableError, TimeoutError):
        async with asyncio.timeout(SOON):
            await request(target, headers=headers)


async def _speak_no_http(target: Target) -> None:
    with suppress(UnreachableError, TimeoutError, OSError):
        async with asyncio.timeout(SOON), dialled(target) as stream:
            await stream.write(b"\x16\x03\x01 wall \xff\r\n\r\n", "what is no HTTP")
            while await stream.read():
                pass


@check("flood-neighbour", CONTRACT, "served", echo=True, intrusive=True, alone=True, waits=True)
async def flood_neighbour(target: Target) -> Observation | str:
    """Is a client answered within 3 s each time while another sends as much as the service takes?

    Sent: 500 messages at a time from one client, and ten texts from another.
    """
    worst, outcome = 0.0, "echo"
    async with settled(target) as flood, settled(target) as other:
        flooding = asyncio.create_task(_flood(flood))
        try:
            for _ in range(10):
                await asyncio.sleep(0.1)
                began = time.monotonic()
                outcome = await _echo(other, PATIENCE)
                worst = max(worst, time.monotonic() - began)
                if outcome != "echo":
                    break
        finally:
            flooding.cancel()
            with suppress(asyncio.CancelledError):
                await flooding
    if outcome != "echo":
        return _others(outcome)
    return Observation("served", f"{worst * 1000:.0f} ms at worst")


@check("stalled-neighbour", CONTRACT, "served", echo=True, intrusive=True, alone=True, waits=True)
async def stalled_neighbour(target: Target) -> Observation | str:
    """Are the other clients served while one does not read its echoes?

    Sent: Up to 24 MiB from a client that reads nothing, and a text from another.
    """
    async with settled(target) as other, settled(target, receive_buffer=4 * KIB) as stalled:
        message = frames.encode(TEXT, stalled.wrap(TEXT_64K.encode()))
        for _ in range(24 * MIB // len(message)):  # the kernels, and a proxy on the way, hold less
            if not await _offer(stalled, message, 0.5):
                break
        outcome = await _echo(other)
        return "served" if outcome == "echo" else _others(outcome)


# Before the next one, which takes threads for good from a service that keeps them: no 50 clients at once might be left.
@check("close-released", CONTRACT, "let go", intrusive=True, alone=True, waits=True, local=True, seconds=60)
async def close_released(target: Target) -> Observation | str:
    """Does the service let go of clients that close, go on sending, and break the TCP connection at the answer?

    Sent: Five times, on 50 connections at once, a close and 128 KiB after it; RST as soon as anything comes back.
    """
    pid = pid_of(target)
    async with settled(target):
        before = len(measure.sockets(pid))
    data = frames.encode(CLOSE, frames.close_payload(1000)) + frames.encode(BINARY, bytes(128 * KIB))
    for _ in range(5):
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(settled(target)) for _ in range(50)]
            await asyncio.gather(*(_close_and_reset(ws, data) for ws in clients))
    if await _until(lambda: len(measure.sockets(pid)) <= before, PATIENCE):
        return "let go"
    return Observation("kept", f"{len(measure.sockets(pid)) - before} sockets more than before, {PATIENCE:g} s later")


@check("limit-released", CONTRACT, "let go", intrusive=True, alone=True, waits=True, local=True, seconds=60)
async def limit_released(target: Target) -> Observation | str:
    """Does the service let go of the sockets and threads of 20 clients whose messages were over its limit?

    Sent: 20 messages of one byte over the limit, each on a connection of its own.
    """
    pid = pid_of(target)
    if target.max_message is None:
        raise UnsupportedError("the service declares no limit")
    async with settled(target):
        sockets, threads = measure.sockets(pid), measure.threads(pid)
    for _ in range(20):
        await weigh(target, target.max_message + 1)
    return await _let_go(pid, sockets, threads)


@check("early-released", CONTRACT, "let go", intrusive=True, alone=True, waits=True, local=True)
async def early_released(target: Target) -> Observation | str:
    """Does the service let go of the sockets and threads of 20 clients that sent a text with their handshake, and left?

    Sent: 20 handshakes, each with a text right behind it, before the answer; then the end of the connection (FIN).
    """
    pid = pid_of(target)
    async with settled(target):
        sockets, threads = measure.sockets(pid), measure.threads(pid)
    for _ in range(20):
        async with dialled(target) as stream:
            head = http.head("GET", target.resource, handshake(target))
            await stream.write(head + frames.encode(TEXT, b"wall"), "a handshake and a text")
            await stream.finish()
            with suppress(TimeoutError):
                async with asyncio.timeout(SOON):
                    while await stream.read():
                        pass
    return await _let_go(pid, sockets, threads)


async def _let_go(pid: int, sockets: set[str], threads: int) -> Observation | str:
    """Whether the service soon has no other sockets than these and no more threads, but for two: a pool of threads may
    have grown. Sockets that end meanwhile hide none that are kept."""

    def kept() -> int:
        return max(len(measure.sockets(pid) - sockets), measure.threads(pid) - threads)

    if await _until(lambda: kept() <= 2, PATIENCE):
        return "let go"
    return Observation("kept", f"{kept()} sockets or threads that were not there before, {PATIENCE:g} s later")


@check("vanished", "RFC 6455, 5.5.2", ("let go", "tries to reach it"), waits=True, local=True)
async def vanished(target: Target) -> Observation | str:
    """Does the service notice within 22 s that a client vanished without a word?

    Sent: A text; then the client's kernel drops all that comes.

    The client's kernel drops everything that comes, as if its machine had lost power. A server that never sends
    anything keeps such a socket for ever. One that sent a ping learns of it by TCP, if not by the missing pong.
    """
    pid = pid_of(target)
    async with settled(target) as ws:
        await asyncio.sleep(0.3)  # for the last receipt
        ours = measure.unacknowledged(pid, ws.port).keys() & measure.sockets(pid)
        if not ours:
            raise UnsupportedError("there is a proxy in between, and the connection that it holds is not the client's")
        ws.vanish()
        began, tried = time.monotonic(), False
        while (passed := time.monotonic() - began) < 22:
            if not measure.running(pid):
                return "the service ended"
            if not ours & measure.sockets(pid):
                return Observation("let go", f"after {passed:.0f} s")
            waiting = measure.unacknowledged(pid, ws.port)
            tried = tried or any(waiting.get(inode) for inode in ours)
            await asyncio.sleep(0.5)
    return "tries to reach it" if tried else "not noticed"


@check("idle-kept", "RFC 6455, 5.5.2", "kept", waits=True, idle=True)
async def idle_kept(target: Target) -> Observation | str:
    """Is an idle client, which answers pings and says nothing for the time of --idle, kept?

    Sent: Nothing but a pong for each ping, for the time of `--idle`.

    If not, the other side ended the connection: the server, or something between it and the client.
    """
    async with connect(target) as ws:
        began, pings, last = time.monotonic(), 0, 0.0
        while (left := began + target.idle - time.monotonic()) > 0:
            found = await ws.frame(left)
            passed = time.monotonic() - began
            if isinstance(found, Ended):
                if found.how == "silence":
                    break
                return Observation("cut off", _cut(ws, passed, passed - last, pings, "without a close frame"))
            if found.opcode == CLOSE:
                how = f"by {frames.describe(found)}"
                return Observation(close_of(found), _cut(ws, passed, passed - last, pings, how))
            last = passed
            if found.opcode == PING:
                pings += 1
                await ws.send(PONG, found.payload)
            elif (reply := ws.codec.reply(Message(found.opcode, found.payload))) is not None:
                pings += 1
                await ws.send(TEXT, reply)
    return Observation("kept", f"for {target.idle:g} s, in which the server sent {_pings(pings)}")


@check("shutdown-close", "RFC 6455, 7.4.1", ("close 1001", "close 1012"), ends=True, local=True)
async def shutdown_close(target: Target) -> Observation | str:
    """Are open sockets closed with 1001 or 1012 at SIGTERM, and does the process end within 5 s?

    Sent: A text, and SIGTERM to the service.
    """
    pid = pid_of(target)
    async with settled(target) as ws:
        began = time.monotonic()
        try:
            os.kill(pid, signal.SIGTERM)
        except PermissionError:
            raise UnsupportedError("the service may not be signalled; it takes its user, or root") from None
        except ProcessLookupError:
            return Observation(
                "not running",
                f"process {pid}, which ran when the run began, had ended before; another instance answers in its place",
            )
        outcome = await ws.reaction(within=4.0)
        if outcome.startswith("close"):
            await ws.close()
            await ws.hear(1.0)
    if not await _until(lambda: not measure.running(pid), began + 5 - time.monotonic()):
        return Observation("no exit within 5 s", outcome)
    return Observation(outcome, f"ended after {time.monotonic() - began:.1f} s")


def _cut(ws: Connection, after: float, quiet: float, pings: int, how: str) -> str:
    """When and how the other side ended an idle connection, and what commonly does that."""
    parts = [f"the other side ended it after {after:.0f} s {how}; the server had sent {_pings(pings)}"]
    if proxy := intermediary(ws.response):
        parts.append(f"{proxy} answered the handshake")
    if common := next((what for seconds, what in IDLE_CUTS.items() if abs(quiet - seconds) <= 2), None):
        parts.append(f"by default {common} ends what is idle for {quiet:.0f} s: a server that pings more often is kept")
    return "; ".join(parts)


def _pings(count: int) -> str:
    return {0: "no ping", 1: "1 ping"}.get(count, f"{count} pings")


async def _break(target: Target, number: int) -> str:
    """Open a connection and reset it: in turn at rest, with an echo due, and in the middle of a frame.

    Gives what became of a first message, or `refused` where there was no connection.
    """
    try:
        async with asyncio.timeout(PATIENCE + target.slack), connect(target) as ws:
            outcome = await _echo(ws)
            await _speak(ws, number)
            ws.reset()
    except (RefusedError, UnreachableError):
        return "refused"
    except TimeoutError:
        return "silence"
    return outcome


async def _speak(ws: Connection, number: int) -> None:
    """Say in turn nothing, a message, and half a frame."""
    if number % 3 == 1:
        await ws.say(TEXT_64K)
    elif number % 3 == 2:
        await ws.send(TEXT, b"half of", length=100)


async def _break_together(target: Target, pid: int) -> None:
    """Open 10 connections, and reset them while the service is held, so that it finds what they sent and the reset
    together, as one does that was busy."""
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(10):
            with suppress(RefusedError, UnreachableError):
                clients.append(await stack.enter_async_context(settled(target)))
        with measure.held(pid):
            for number, ws in enumerate(clients):
                await _speak(ws, number)
                ws.reset()
            await asyncio.sleep(0)  # in which the resets go out


async def _close_and_reset(ws: Connection, data: bytes) -> None:
    await ws.write(data, "a close and 128 KiB after it")
    await ws.frame()
    ws.reset()


async def _echo(ws: Connection, within: float = PATIENCE) -> str:
    await ws.say("Are you served?")
    return brief(await ws.reaction("Are you served?", within))


async def _until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until it is done, for so many seconds at most; gives whether it is."""
    for _ in range(max(1, int(seconds / 0.1))):
        if done():
            return True
        await asyncio.sleep(0.1)
    return done()


async def _offer(ws: Connection, data: bytes, within: float) -> bool:
    """Whether that much is taken in that time."""
    try:
        async with asyncio.timeout(within):
            await ws.write(data, "64 KiB of text")
    except TimeoutError:
        return False
    return True


async def _stuff(ws: Connection, most: int, patience: float, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Send texts and read nothing, until the server takes no more for so many seconds; gives how many bytes it took."""
    message = frames.encode(TEXT, ws.wrap(TEXT_64K.encode()))
    sent = 0
    while sent < most and goes_on():
        for _ in range(16):
            if not await _offer(ws, message, patience) or ws.gone:
                return sent
            sent += len(message)
    return sent


async def _flood(ws: Connection) -> None:
    """Send as fast as echoes come, never more than two batches ahead, so that little is left to do at the end."""
    batch = b"".join(frames.encode(TEXT, ws.wrap(b"flood" * 20)) for _ in range(500))
    size = len(batch) - 4 * 500  # an echo has no mask
    await ws.write(batch, "500 messages")
    going = True
    while going:
        await ws.write(batch, "500 more")
        going = await ws.discard(size)


async def _load(pid: int, seconds: float) -> float:
    """CPU seconds a second, measured for so many seconds."""
    before, began = measure.cpu(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return (measure.cpu(pid) - before) / (time.monotonic() - began)


def _others(outcome: str) -> Observation:
    return Observation("others wait" if outcome == "silence" else outcome, "another client")

"""A thousand long polls at once, more than a stack may have threads: each is answered, and the service stays well."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import httpx
import pytest

from e2e.support import push, raw_http, websocket
from e2e.support.room import Enter
from echowall.catalog.catalog import Service

HELD = 1_000
#: At least so many are told the message. Others may be refused in words: a service takes only so many at once.
TOLD = 200
#: More connections a second than this a busy service may be slow to accept, and then the proxy refuses them.
OPENED_IN_A_SECOND = 150
#: For how many seconds each poll may wait, and after how many more it must have been answered.
WAIT, BOUND = 20, 40


@pytest.mark.push("long-poll")
def test_a_thousand_held_long_polls_are_answered_and_the_service_is_well(
    http: httpx.Client, base_url: str, enter: Enter, service: Service, mark: str
) -> None:
    speaker = enter(service)
    speaker.history()
    cursor = push.poll(http, f"{base_url}/{service.name}").news.after

    async def hold() -> list[str]:
        polls: list[asyncio.Task[str]] = []
        async with asyncio.timeout(WAIT + BOUND), asyncio.TaskGroup() as tasks:
            for _ in range(HELD):
                polls.append(tasks.create_task(_poll(base_url, service, cursor)))
                await asyncio.sleep(1 / OPENED_IN_A_SECOND)
            await asyncio.to_thread(speaker.say, mark, "are you all there?")
        return [poll.result() for poll in polls]

    answers = [json.loads(body) for body in asyncio.run(hold())]

    assert all(answer.get("messages") or answer.get("error") for answer in answers)
    assert sum("messages" in answer for answer in answers) >= TOLD
    assert [message.text for message in speaker.hear(mark)] == ["are you all there?"]
    assert raw_http.request(base_url, f"/{service.name}/about").status == 200
    with websocket.connect(base_url, service) as client:
        assert client.echo("still there?") == "still there?"


async def _poll(base_url: str, service: Service, after: str) -> str:
    """The body of the answer."""
    url = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    target = f"/{service.name}/chat/poll?after={after}&wait={WAIT}"
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer.partition("\r\n\r\n")[2]

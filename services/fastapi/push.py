"""The room by plain HTTP in FastAPI: endpoints that wait for news, and a response that is an asynchronous generator."""

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.sse import EventSourceResponse

from chat import room
from room.push import STREAMING, BadRequestError, Listener, Poll

router = APIRouter()


@router.get("/chat/poll")
async def poll(after: str = "", wait: str = "", if_none_match: Annotated[str, Header()] = ""):
    news = asyncio.Event()
    with Poll(room, news.set, after=after, wait=wait, tags=if_none_match) as poll:
        while not (answer := poll.answer()):
            await told(news, poll.left())
    return Response(*answer)


@router.get("/chat/events")
async def events(after: str = "", last_event_id: Annotated[str, Header()] = ""):
    news = asyncio.Event()
    listener = Listener(room, news.set, after=after, last_event_id=last_event_id)
    return EventSourceResponse(tell(listener, news), headers=STREAMING)  # which ends it when the client has gone


async def tell(listener, news):
    listener.drop = asyncio.current_task().cancel  # its client does not read, and so nothing else would end it
    with listener:
        while not listener.behind:
            if text := listener.text():
                yield text  # waits for a client that is slow
                await asyncio.sleep(0)  # one that is fast would never make it wait
            else:
                await told(news, listener.left())


async def told(news, seconds):
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
    news.clear()


async def bad_request(request: Request, error: BadRequestError):
    return Response(*error.answer)

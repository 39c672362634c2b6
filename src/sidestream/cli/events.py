"""The CLI's one reader of an answer's events, a stream of server-sent events."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx2

type Event = dict[str, Any]

_MAX_EVENT_BYTES: Final = 16_000_000


class EventError(httpx2.TransportError):
    """An event of the stream is no JSON object."""


def events(response: httpx2.Response) -> Iterator[Event]:
    """Give the events of a response as they come. Raises `httpx2.HTTPError`."""
    for _number, event in numbered(response):
        yield event


def numbered(response: httpx2.Response) -> Iterator[tuple[int, Event]]:
    """Give the same with their numbers, 0 for those that have none."""
    for event in httpx2.EventSource(response, _MAX_EVENT_BYTES):
        yield int(event.id) if event.id.isdecimal() else 0, _event(event)


async def events_async(response: httpx2.Response) -> AsyncIterator[Event]:
    """Give the same of an asynchronous response."""
    async for event in httpx2.EventSource(response, _MAX_EVENT_BYTES):
        yield _event(event)


def _event(event: httpx2.ServerSentEvent) -> Event:
    try:
        document = event.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise EventError("an event is no JSON object")
    return document

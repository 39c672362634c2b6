"""The events of one run, each once and in order, through breaks of the line.

A stream whose run has ended says so in its last line. One that ends without it, breaks or falls
silent is taken up again after the last number that was seen.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from typing import Final

import httpx2

from sidestream.cli.events import Event, EventError, numbered
from sidestream.cli.tail import Tail
from sidestream.headers import RUN_ID

_TRIES: Final = 8
_PAUSE_S: Final = 0.4
_MAX_PAUSE_S: Final = 8.0


def run_events(client: httpx2.Client, first: httpx2.Response) -> Iterator[Event]:
    """Give the events of the run that a response is a stream of.

    Raises `httpx2.HTTPError` when the line does not come back, and `httpx2.HTTPStatusError`, of
    these, when the run is not to be had any more.
    """
    path = f"/api/chatkit/runs/{first.headers[RUN_ID]}/events"
    stream: AbstractContextManager[httpx2.Response] = nullcontext(first)
    last = misses = 0
    while True:
        before = last
        try:
            with stream as response:
                response.raise_for_status()
                tail = Tail(response)
                for number, event in numbered(response):
                    if (number or last + 1) > last:
                        last = number or last + 1
                        yield event
                if tail.has_ended:
                    return
                raise httpx2.ReadError("The stream ended before its run.")
        except httpx2.HTTPError as error:
            misses = misses + 1 if last == before else 1
            if misses == _TRIES or not _may_pass(error):
                raise
            pause_s = max(_wished_s(error), min(_PAUSE_S * 2 ** (misses - 1), _MAX_PAUSE_S))
        time.sleep(pause_s)
        stream = client.stream("GET", path, params={"after": last})


def _may_pass(error: httpx2.HTTPError) -> bool:
    if isinstance(error, httpx2.HTTPStatusError):
        response = error.response
        return response.is_server_error or response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return not isinstance(error, EventError)


def _wished_s(error: httpx2.HTTPError) -> int:
    """How long an answer says to wait, in seconds."""
    if not isinstance(error, httpx2.HTTPStatusError):
        return 0
    wished = error.response.headers.get("retry-after", "")
    return int(wished) if wished.isdecimal() else 0

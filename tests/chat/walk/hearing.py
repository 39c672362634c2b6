"""Hearing: a run as its client gets it, event by event, through breaks of the line.

It does what a page does. A request that was not acknowledged is sent again under its key; a stream
that broke is taken up after the last event that came; and the run is over when the API says so.
"""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

import httpx2
from chatkit.types import ErrorEvent, ThreadStreamEvent

from sidestream.store.ids import new_id
from tests.chat.client import Answer, Client, Document, Stream

BOUND_S: Final = 40.0
"""How long anything may take, whatever breaks meanwhile."""
_PAUSE_S: Final = 0.1
_LAMBDA_FAILED: Final = b"Internal Server Error"


@dataclass(slots=True)
class Heard:
    """What a client has heard of one run. `leave_after` so many events it goes away, once."""

    key: str = field(default_factory=lambda: new_id("key"))
    leave_after: int | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    run_id: str = ""
    thread_id: str = ""
    frames: list[ThreadStreamEvent] = field(default_factory=list)
    ended: bool = False
    """Whether the stream has said that there is no more."""
    status: str = ""
    """How the run ended, as the API says."""
    refused: Document | None = None
    """The problem, when the request was refused for good."""

    @property
    def errors(self) -> list[ErrorEvent]:
        """The error events."""
        return [frame for frame in self.frames if isinstance(frame, ErrorEvent)]


class Patient(Client):
    """Somebody who asks again when told to try later, as long as it takes."""

    async def send(
        self,
        request: Document,
        *,
        idempotency_key: str | None = None,
        path: str = "/api/chatkit",
    ) -> Answer:
        async with asyncio.timeout(BOUND_S):
            while True:
                try:
                    answer = await super().send(request, idempotency_key=idempotency_key, path=path)
                except httpx2.HTTPError:
                    await asyncio.sleep(_PAUSE_S)
                    continue
                if answer.status == httpx2.codes.OK or not retryable(answer):
                    return answer
                await asyncio.sleep(_PAUSE_S)

    async def deliver(self, request: Document, heard: Heard) -> Heard:
        """Send a request that begins a run, and hear all of that run."""
        async with asyncio.timeout(BOUND_S):
            while not heard.run_id and heard.refused is None:
                await self._listen(self._sending(request, heard), heard)
            if heard.refused is None:
                await self.follow(heard)
            return heard

    async def again(self, request: Document, heard: Heard) -> Document:
        """Send a request a second time, to be refused. Gives the problem."""
        async with self._sending(request, heard) as response:
            body = await response.aread()
        return Answer(response.status_code, response.headers, body).problem

    async def follow(self, heard: Heard) -> None:
        """Hear the rest of a run, to the line that says that it has ended."""
        while not heard.ended and heard.refused is None:
            await self.take_up(heard)
        while heard.status in ("", "running"):
            await self._ask_status(heard)

    async def take_up(self, heard: Heard) -> None:
        """Hear a run after what has been heard of it, as long as the line holds."""
        path = f"/api/chatkit/runs/{heard.run_id}/events"
        await self._listen(
            self.http.stream("GET", path, params={"after": len(heard.frames)}), heard
        )

    def _sending(
        self, request: Document, heard: Heard
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        headers = {"idempotency-key": heard.key}
        return self.http.stream("POST", "/api/chatkit", json=request, headers=headers)

    async def _ask_status(self, heard: Heard) -> None:
        """Ask how a run has ended. One that could not be saved lasts as long as its lease."""
        try:
            answer = await self.request("GET", f"/api/chatkit/threads/{heard.thread_id}/run")
        except httpx2.HTTPError:
            return
        if answer.status == httpx2.codes.OK:
            run = answer.json()
            heard.status = run["status"] if run["run_id"] == heard.run_id else "overtaken"
        elif answer.status == httpx2.codes.NOT_FOUND:
            heard.status = "deleted"
        elif not retryable(answer):
            heard.status = str(answer.problem["code"])
        if heard.status in ("", "running"):
            await asyncio.sleep(_PAUSE_S)

    async def _listen(
        self, answering: AbstractAsyncContextManager[httpx2.Response], heard: Heard
    ) -> None:
        """Hear what one response has to say, as long as it lasts."""
        try:
            async with answering as response:
                if response.status_code == httpx2.codes.OK:
                    await _hear(Stream(response), heard)
                    return
                answer = Answer(response.status_code, response.headers, await response.aread())
                if not retryable(answer):
                    heard.refused = answer.problem
        except httpx2.HTTPError:
            pass
        await asyncio.sleep(_PAUSE_S)


async def _hear(stream: Stream, heard: Heard) -> None:
    heard.run_id, heard.thread_id = stream.run_id, stream.thread_id
    heard.began.set()
    async for frame in stream:
        number, expected = stream.lines.numbers[-1], len(heard.frames) + 1
        assert number == expected, f"event {number} comes for {expected}"
        heard.frames.append(frame)
        if heard.leave_after is not None and len(heard.frames) >= heard.leave_after:
            heard.leave_after = None
            heard.left.set()
            return
    heard.ended = stream.lines.ended


def retryable(answer: Answer) -> bool:
    """Whether a refusal says that it may be tried again. Every one has to be a problem with a code,
    but for Lambda's own, and none may be one that nobody foresaw."""
    if answer.status == httpx2.codes.BAD_GATEWAY and answer.body == _LAMBDA_FAILED:
        return True
    problem = answer.problem
    assert problem["code"] != "internal", problem
    return bool(problem["retryable"])


def comparable_events(frames: list[ThreadStreamEvent]) -> list[str]:
    """Events as JSON, to be compared."""
    return [
        json.dumps(frame.model_dump(mode="json", exclude_none=True), sort_keys=True)
        for frame in frames
    ]

"""A ChatKit client for tests: every request it makes is checked against the protocol, and every
frame it reads.

What it reads has to be well formed to the last byte: a stream that ends in the middle of a frame, a
frame that is no `ThreadStreamEvent`, a number that is not the next, or anything after the line that
says the stream has ended, fails the test that reads it.
"""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx2
import jwt
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ChatKitReq,
    ErrorEvent,
    Page,
    Thread,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from pydantic import TypeAdapter

RUN_ID_HEADER: Final = "x-sidestream-run-id"
THREAD_ID_HEADER: Final = "x-sidestream-thread-id"
PROBLEM_TYPE: Final = "application/problem+json"
BEAT: Final = b":"
END: Final = b": end"

_REQUEST: Final[TypeAdapter[ChatKitReq]] = TypeAdapter(ChatKitReq)
_EVENT: Final[TypeAdapter[ThreadStreamEvent]] = TypeAdapter(ThreadStreamEvent)
TIMEOUT_S: Final = 120.0
# Nothing here speaks TLS, and a context of its own would cost each client 20 ms.
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

type Document = dict[str, Any]


def message(text: str, **changes: Any) -> Document:
    """The `input` of a request: one text, or with changes what they say."""
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "inference_options": {}, **changes}


def create_request(text: str, **changes: Any) -> Document:
    """A `threads.create`."""
    return {"type": "threads.create", "params": {"input": message(text, **changes)}}


def add_request(thread_id: str, text: str, **changes: Any) -> Document:
    """A `threads.add_user_message`."""
    params = {"thread_id": thread_id, "input": message(text, **changes)}
    return {"type": "threads.add_user_message", "params": params}


def thread_request(kind: str, thread_id: str, /, **params: Any) -> Document:
    """Any request about a thread."""
    return {"type": kind, "params": {"thread_id": thread_id, **params}}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response. `frames` are the events of a stream, `numbers` their ids, `ended` tells
    whether it said that there are no more; `body` is all of it, as it came."""

    status: int
    headers: httpx2.Headers
    body: bytes
    frames: tuple[ThreadStreamEvent, ...] = ()
    numbers: tuple[int, ...] = ()
    ended: bool = False

    @property
    def run_id(self) -> str:
        """The run that wrote the stream."""
        return str(self.headers[RUN_ID_HEADER])

    @property
    def thread_id(self) -> str:
        """The stream's thread."""
        assert self.status == httpx2.codes.OK, self.body
        return str(self.headers[THREAD_ID_HEADER])

    @property
    def text(self) -> str:
        """The assistant's messages as they were saved, one per line."""
        assert self.status == httpx2.codes.OK, self.body
        return "\n".join(words(item) for item in self.done(AssistantMessageItem))

    @property
    def deltas(self) -> list[str]:
        """The pieces in which the text arrived."""
        return [delta for frame in self.frames if (delta := delta_of(frame)) is not None]

    @property
    def errors(self) -> list[ErrorEvent]:
        """The error events."""
        return [frame for frame in self.frames if isinstance(frame, ErrorEvent)]

    def done[T](self, kind: type[T]) -> list[T]:
        """The items of a kind that were saved."""
        return [
            frame.item
            for frame in self.frames
            if isinstance(frame, ThreadItemDoneEvent) and isinstance(frame.item, kind)
        ]

    def json(self) -> Any:
        """The JSON of an answer that is no stream."""
        return json.loads(self.body)

    @property
    def problem(self) -> Document:
        """The problem document (RFC 9457) of a refusal, checked for all that each of them has."""
        assert self.headers["content-type"] == PROBLEM_TYPE, self.body
        document: Document = self.json()
        assert document["status"] == self.status
        assert document["request_id"] == self.headers["x-request-id"]
        assert document["type"] == f"urn:sidestream:problem:{document['code']}"
        assert document["title"]
        assert document["detail"]
        assert isinstance(document["retryable"], bool)
        return document


class Lines:
    """The lines of a stream, read strictly. `numbers` are the ids of its events so far, `beats`
    counts the comments that only say that it lives."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.beats = 0
        self.ended = False
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[ThreadStreamEvent]:
        """Give the events that are whole with these bytes."""
        self._rest += data
        while self._rest:
            assert not self.ended, f"the stream goes on after its end: {self._rest!r}"
            comment = self._rest.startswith(b":")
            block, found, rest = self._rest.partition(b"\n" if comment else b"\n\n")
            if not found:
                return
            self._rest = rest
            if comment:
                assert block in (BEAT, END), block
                self.ended = block == END
                self.beats += block == BEAT
            else:
                yield self._event(block)

    def close(self) -> None:
        """Check that nothing is left, at the end of the bytes."""
        assert self._rest == b"", f"the stream ends within a frame: {self._rest!r}"

    def _event(self, block: bytes) -> ThreadStreamEvent:
        head, _, data = block.partition(b"\n")
        number = int(head.removeprefix(b"id: "))
        assert not self.numbers or number == self.numbers[-1] + 1, (self.numbers[-1], block)
        self.numbers.append(number)
        return event_of(data)


class Stream:
    """A stream that is being read: an async iterator of its events."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.body = bytearray()
        self.lines = Lines()
        self._response = response
        self._frames = self._read()

    @property
    def run_id(self) -> str:
        """The run that writes the stream."""
        return str(self.headers[RUN_ID_HEADER])

    @property
    def thread_id(self) -> str:
        """The stream's thread."""
        return str(self.headers[THREAD_ID_HEADER])

    def __aiter__(self) -> AsyncIterator[ThreadStreamEvent]:
        return self._frames

    async def until(self, wanted: Callable[[ThreadStreamEvent], object]) -> ThreadStreamEvent:
        """Read on to the first event for which `wanted` is true, and give it."""
        async for frame in self._frames:
            if wanted(frame):
                return frame
        raise AssertionError("the stream ended before the event came")

    async def rest(self) -> list[ThreadStreamEvent]:
        """Read to the end."""
        return [frame async for frame in self._frames]

    async def _read(self) -> AsyncIterator[ThreadStreamEvent]:
        async for data in self._response.aiter_bytes():
            self.body += data
            for frame in self.lines.feed(data):
                yield frame
        self.lines.close()

    def answer(self, frames: Iterable[ThreadStreamEvent]) -> Answer:
        """The whole, which was read to the end and gave these events."""
        numbers, ended = tuple(self.lines.numbers), self.lines.ended
        body = bytes(self.body)
        return Answer(self.status, self.headers, body, tuple(frames), numbers, ended)


class Client:
    """Somebody who talks to the chat. An async context manager, which closes its connections."""

    def __init__(self, base_url: str, token: str, *, language: str = "en") -> None:
        self.token = token
        self.http = httpx2.AsyncClient(
            base_url=base_url,
            headers={"authorization": f"Bearer {token}", "accept-language": language},
            timeout=TIMEOUT_S,
            verify=NO_TLS,
        )

    @property
    def user_id(self) -> str:
        """The subject of the token."""
        return str(jwt.decode(self.token, options={"verify_signature": False})["sub"])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def create(self, text: str, *, idempotency_key: str | None = None) -> Answer:
        """Start a thread with a message, and read the whole answer."""
        return await self.send(create_request(text), idempotency_key=idempotency_key)

    async def add(self, thread_id: str, text: str, *, idempotency_key: str | None = None) -> Answer:
        """Add a message to a thread, and read the whole answer."""
        return await self.send(add_request(thread_id, text), idempotency_key=idempotency_key)

    async def send(
        self,
        request: Document,
        *,
        idempotency_key: str | None = None,
        path: str = "/api/chatkit",
    ) -> Answer:
        """Send a request that the protocol knows, and read the whole answer."""
        async with self.stream(request, idempotency_key=idempotency_key, path=path) as stream:
            if stream.headers["content-type"].startswith("text/event-stream"):
                return stream.answer(await stream.rest())
            return Answer(stream.status, stream.headers, await stream._response.aread())

    @asynccontextmanager
    async def stream(
        self,
        request: Document,
        *,
        idempotency_key: str | None = None,
        path: str = "/api/chatkit",
    ) -> AsyncIterator[Stream]:
        """Send a request and give the answer to be read as it comes: `async for frame in stream`.

        Leaving the block early closes the connection.
        """
        _REQUEST.validate_python(request)
        headers = {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        async with self.http.stream("POST", path, json=request, headers=headers) as response:
            yield Stream(response)

    async def post(
        self,
        body: bytes | Document,
        *,
        path: str = "/api/chatkit",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Post anything, well formed or not."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.http.post(path, content=content, headers=headers)
        return _answer(answer)

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """Send any other request."""
        return _answer(await self.http.request(method, path, **options))

    async def get(self, thread_id: str) -> Thread:
        """The thread with its first page of items."""
        answer = await self.send(thread_request("threads.get_by_id", thread_id))
        assert answer.status == httpx2.codes.OK, answer.body
        return Thread.model_validate_json(answer.body)

    async def items(self, thread_id: str, *, limit: int = 10) -> list[ThreadItem]:
        """All items of a thread, oldest first, page by page of up to `limit`."""
        adapter = TypeAdapter(Page[ThreadItem])
        found: list[ThreadItem] = []
        after: str | None = None
        while True:
            params = {"limit": limit, "order": "asc"} | ({"after": after} if after else {})
            answer = await self.send(thread_request("items.list", thread_id, **params))
            assert answer.status == httpx2.codes.OK, answer.body
            page = adapter.validate_json(answer.body)
            found += page.data
            if not page.has_more:
                return found
            after = page.after

    async def threads(self) -> list[Thread]:
        """All threads of the person, the newest activity first, page by page."""
        adapter = TypeAdapter(Page[Thread])
        found: list[Thread] = []
        after: str | None = None
        while True:
            params = {"limit": 10, "order": "desc"} | ({"after": after} if after else {})
            answer = await self.send({"type": "threads.list", "params": params})
            assert answer.status == httpx2.codes.OK, answer.body
            page = adapter.validate_json(answer.body)
            found += page.data
            if not page.has_more:
                return found
            after = page.after

    async def replay(self, run_id: str, after: int = 0) -> Answer:
        """The events of a run from the store, after a number."""
        path = f"/api/chatkit/runs/{run_id}/events"
        return await self.request("GET", path, params={"after": after})


def event_of(line: bytes) -> ThreadStreamEvent:
    """Decode the line `data: <json>` of a frame."""
    assert line.startswith(b"data: "), line
    assert b"\n" not in line, line
    event: ThreadStreamEvent = _EVENT.validate_json(line.removeprefix(b"data: "))
    return event


def delta_of(frame: ThreadStreamEvent) -> str | None:
    """The piece of text that an event brings, if it does."""
    update = frame.update if isinstance(frame, ThreadItemUpdatedEvent) else None
    return update.delta if isinstance(update, AssistantMessageContentPartTextDelta) else None


def words(item: AssistantMessageItem) -> str:
    """The text of an assistant's message."""
    return "".join(part.text for part in item.content)


def _answer(response: httpx2.Response) -> Answer:
    plain = response.request.url.path.endswith("/chat")
    if plain or not response.headers.get("content-type", "").startswith("text/event-stream"):
        return Answer(response.status_code, response.headers, response.content)
    stream = Stream(response)
    stream.body += response.content
    # A response to HEAD has no body but a line feed: Lambda may hang on one without bytes.
    frames = [] if response.content == b"\n" else list(stream.lines.feed(response.content))
    stream.lines.close()
    return stream.answer(frames)

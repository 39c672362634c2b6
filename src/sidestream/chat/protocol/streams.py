"""How a run is sent to a client: as ChatKit events, or as the plain stream for scripts.

A reader that leaves does not end the run: the response keeps following, so that on Lambda the
environment is not frozen before the run is saved. A stream says that it lives, by comments, and
that it has ended: a reader tells a silent one from a dead one, and a whole one from one that was
cut.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final

import anyio
from chatkit.types import AssistantMessageItem
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sidestream.chat.context import ToolRecord
from sidestream.chat.incomplete import FIELD, reason_of
from sidestream.chat.protocol.frames import Frame, LeftOff
from sidestream.streaming.lines import one_line

SSE_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}


BEAT: Final = b":\n"
"""A comment, sent when there is nothing else to send.

It ends with its line. A blank line after it would be nothing to a parser that keeps to the standard
(WHATWG HTML section 9.2.6), and an event without data to some that do not.
"""
END: Final = b": end\n"
"""The last line of a stream whose run has ended. One that ends without it is to be resumed."""


class EventStream(Response):
    """A response that writes each chunk of bytes as it comes, a comment after every `beat_s` in
    which none came, and then waits for `until`."""

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        *,
        beat_s: float,
        headers: dict[str, str] | None = None,
        until: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(headers={**SSE_HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._chunks = chunks
        self._beat_s = beat_s
        self._until = until

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the response. A client that has gone (ASGI: `send` raises OSError) is no error."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            await send(start)
            body = _Body(send, self._beat_s)
            beats = asyncio.create_task(body.beats(), name="beats")
            try:
                async for chunk in self._chunks:
                    await body.send(chunk)
            finally:
                beats.cancel()
                await asyncio.gather(beats, return_exceptions=True)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            pass
        finally:
            if self._until is not None:
                with anyio.CancelScope(shield=True):
                    await self._until()


class _Body:
    """The body of a response, which is never silent for longer than `beat_s`."""

    def __init__(self, send: Send, beat_s: float) -> None:
        self._send = send
        self._beat_s = beat_s
        self._sending = asyncio.Lock()
        self._sent_at = time.monotonic()

    async def send(self, chunk: bytes) -> None:
        async with self._sending:
            await self._put(chunk)

    async def beats(self) -> None:
        """Send the comments, until this is cancelled or the client has gone."""
        with contextlib.suppress(OSError):
            while True:
                await asyncio.sleep(self._sent_at + self._beat_s - time.monotonic())
                async with self._sending:
                    if time.monotonic() - self._sent_at >= self._beat_s:
                        await self._put(BEAT)

    async def _put(self, chunk: bytes) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._sent_at = time.monotonic()


async def chatkit_chunks(
    entries: AsyncIterator[Frame | ToolRecord], *, at_once: bool = False
) -> AsyncIterator[bytes]:
    """Give the frames of a run as server-sent events, and the end when it has ended.

    `at_once` is for one who follows it: the next event of a run may be long in coming, and Firefox
    hands over a response with its first byte.
    """
    if at_once:
        yield BEAT
    try:
        async for entry in entries:
            if isinstance(entry, Frame):
                yield entry.sse()
    except LeftOff:
        return
    yield END


async def plain_chunks(
    entries: AsyncIterator[Frame | ToolRecord],
    thread_id: str,
    ttft_ms: Callable[[], float | None],
) -> AsyncIterator[bytes]:
    """Give a run as the plain stream: words, tool calls, errors, and `done` when it has ended,
    which names the reason when the answer is not whole."""
    incomplete: dict[str, str] = {}
    try:
        async for entry in entries:
            if isinstance(entry, ToolRecord):
                yield _event(_tool(entry), name="mcp_tool")
                continue
            event = json.loads(entry.payload)
            if reason := _incomplete(event):
                incomplete = {FIELD: reason}
            if plain := _plain(event):
                yield _event(plain)
    except LeftOff:
        return
    yield _event({"type": "done", "thread_id": thread_id, "ttft_ms": ttft_ms(), **incomplete})


def _incomplete(event: dict[str, Any]) -> str | None:
    match event:
        case {
            "type": "thread.item.done" | "thread.item.replaced",
            "item": {"type": "assistant_message"} as item,
        }:
            return reason_of(AssistantMessageItem.model_validate(item))
    return None


def _plain(event: dict[str, Any]) -> dict[str, Any] | None:
    match event:
        case {
            "type": "thread.item.updated",
            "update": {
                "type": "assistant_message.content_part.text_delta",
                "delta": delta,
            },
        }:
            return {"type": "chunk", "content": delta}
        case {"type": "thread.item.done", "item": {"type": "structured_input", "inputs": inputs}}:
            lines = [line for part in inputs for line in _question(part)]
            return {"type": "chunk", "content": "\n".join(lines)}
        case {"type": "notice", "message": message}:
            return {"type": "chunk", "content": f"\n{message}"}
        case {"type": "error"}:
            return {
                "type": "error",
                "message": event.get("message"),
                "retryable": event.get("allow_retry", False),
            }
    return None


def _question(part: dict[str, Any]) -> Iterator[str]:
    """A question and its options, for people: it is answered where there are cards."""
    yield part["question"]
    if hint := part.get("description"):
        yield hint
    yield from (f"- {option['value']}" for option in part.get("options", ()))


def _tool(record: ToolRecord) -> dict[str, Any]:
    try:
        result = json.loads(record.output)
    except ValueError:
        result = record.output
    done = "held" if record.waits else "completed"
    return {
        "name": record.name,
        "status": "failed" if record.failed else done,
        "arguments": record.arguments,
        "result": result,
    }


def _event(data: dict[str, Any], *, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}data: {one_line(body)}\n\n".encode()

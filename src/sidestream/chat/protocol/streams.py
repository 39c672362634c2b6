"""How a run is sent to a client: as ChatKit events, or as the plain stream for scripts.

A reader that leaves does not end the run: the response keeps following, so that on Lambda the
environment is not frozen before the run is saved.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sidestream.chat.context import ToolRecord
from sidestream.chat.protocol.frames import Frame
from sidestream.streaming.lines import one_line

SSE_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}


class EventStream(Response):
    """A response that writes each chunk of bytes as it comes, and then waits for `until`."""

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        *,
        headers: dict[str, str] | None = None,
        until: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(headers={**SSE_HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._chunks = chunks
        self._until = until

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the response. A client that has gone (ASGI: `send` raises OSError) is no error."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            await send(start)
            async for chunk in self._chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            pass
        finally:
            if self._until is not None:
                with anyio.CancelScope(shield=True):
                    await self._until()


async def chatkit_chunks(
    entries: AsyncIterator[Frame | ToolRecord], *, with_id: bool = False
) -> AsyncIterator[bytes]:
    """Give the frames of a run as server-sent events; with ids, to one who follows it.

    The next event of a run may be long in coming, and Firefox hands over a response with its first
    byte: a follower gets a comment at once.
    """
    if with_id:
        yield b":\n\n"
    async for entry in entries:
        if isinstance(entry, Frame):
            yield entry.sse(with_id=with_id)


async def plain_chunks(
    entries: AsyncIterator[Frame | ToolRecord],
    thread_id: str,
    ttft_ms: Callable[[], float | None],
) -> AsyncIterator[bytes]:
    """Give a run as the plain stream: words, tool calls, errors, and a last `done`."""
    async for entry in entries:
        if isinstance(entry, ToolRecord):
            yield _event(_tool(entry), name="mcp_tool")
        elif plain := _plain(json.loads(entry.payload)):
            yield _event(plain)
    yield _event({"type": "done", "thread_id": thread_id, "ttft_ms": ttft_ms()})


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

"""A provider of models whose answers are written out, for either API, over real HTTP.

An imitation: the shapes are those of OpenAI's reference and of public reports of what other
providers send instead.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.asgi_server import serve

type Document = dict[str, Any]
type Reply = Callable[[Document], Response]

WORDS = [f"word{number}" for number in range(14)]
CALLS = [
    {
        "index": number,
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": "get_weather", "arguments": json.dumps({"city": city})},
    }
    for number, city in enumerate(("Lahore", "Oslo"))
]
USAGE = {"prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 70}
DONE = "data: [DONE]\n\n"


class Provider:
    """Answers each request with `reply`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Document] = []
        self.paths: list[str] = []
        self.reply: Reply = good

    async def answer(self, request: Request) -> Response:
        """Serve any path."""
        self.requests.append(await request.json())
        self.paths.append(request.url.path)
        return self.reply(self.requests[-1])


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Run one."""
    serving = Provider()
    app = Starlette(routes=[Route("/{path:path}", serving.answer, methods=["POST"])])
    async with serve(app) as url:
        serving.url = f"{url}/v1"
        yield serving


def stream(*pieces: str | Document) -> Response:
    """Server-sent events, each piece on its own: documents become events."""

    async def sent() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece if isinstance(piece, str) else event(piece)
            await asyncio.sleep(0.005)

    return StreamingResponse(sent(), media_type="text/event-stream")


def event(document: Document) -> str:
    """One event."""
    return f"data: {json.dumps(document)}\n\n"


def chunk(delta: Document | None = None, finish: str | None = None, **more: Any) -> Document:
    """A chunk of a chat completion."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [choice], **more}


def counted(usage: Any = USAGE) -> Document:
    """The chunk that counts tokens."""
    return {**chunk(), "choices": [], "usage": usage}


def calling(*calls: Document, finish: str | None = "tool_calls") -> Response:
    """An answer that calls."""
    deltas = [chunk({"tool_calls": [call]}) for call in calls or CALLS]
    return stream(*deltas, chunk(finish=finish), counted(), DONE)


def saying(words: list[str], finish: str | None = "stop") -> Response:
    """An answer in words."""
    deltas = [chunk({"content": f"{word} "}) for word in words]
    return stream(*deltas, chunk(finish=finish), counted(), DONE)


def refusing(status: int, code: str = "", message: str = "", **headers: str) -> Response:
    """A refusal, in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers or None)


def has_results(asked: Document) -> bool:
    """Whether a request brings the results of calls."""
    said = asked.get("messages") or asked["input"]
    return any(
        part.get("role") == "tool" or part.get("type") == "function_call_output" for part in said
    )


def good(asked: Document) -> Response:
    """What a provider answers that does all as the reference says."""
    if "input" in asked:
        return _good_response(asked)
    if asked.get("tools") and not has_results(asked):
        return calling()
    return saying(WORDS)


def _good_response(asked: Document) -> Response:
    if asked.get("tools") and not has_results(asked):
        items = [
            {
                "type": "function_call",
                "id": f"fc_{call['index']}",
                "call_id": call["id"],
                **call["function"],  # type: ignore[dict-item]
            }
            for call in CALLS
        ]
        made: list[Document] = [
            {"type": "response.output_item.done", "output_index": place, "item": item}
            for place, item in enumerate(items)
        ]
    else:
        made = [{"type": "response.output_text.delta", "delta": f"{word} "} for word in WORDS]
    usage = {"input_tokens": 50, "output_tokens": 20, "total_tokens": 70}
    end = {"type": "response.completed", "response": {"status": "completed", "usage": usage}}
    return stream({"type": "response.created", "response": {}}, *made, end)

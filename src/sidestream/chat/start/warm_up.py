"""One scripted run while the function starts, so that the first real one is not the slow one.

The first run of a process imports what the SDKs import late and builds pydantic's schemas, a fifth
of a second in all. Here it happens in Lambda's init phase, or before the snapshot. The run takes
the real path, from the request's JSON over the agent and the OpenAI client to the frames; only the
two servers it would talk to are canned answers in this module.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

import anyio.lowlevel
import httpx2
from chatkit.types import (
    ErrorEvent,
    Page,
    Thread,
    ThreadCreatedEvent,
    ThreadMetadata,
    ThreadsCreateReq,
    UserMessageItem,
)
from openai import AsyncOpenAI

from sidestream.chat.context import RunContext, RunState
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.model.agent import build_agent
from sidestream.chat.model.provider import build_provider
from sidestream.chat.protocol.frames import Frame, encode
from sidestream.chat.protocol.requests import parse, parse_plain
from sidestream.chat.runs.respond import Responder
from sidestream.chat.tools.calls import Toolbox
from sidestream.chat.tools.cards import Cards
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.chat.tools.server import McpClient, ToolResult
from sidestream.chat.tools.sources import DomainTools
from sidestream.config import ChatSettings
from sidestream.domain import Domain
from sidestream.tls import tls_context

_REQUEST: Final = {
    "type": "threads.create",
    "params": {
        "input": {
            "content": [{"type": "input_text", "text": "What is there?"}],
            "attachments": [],
            "inference_options": {},
        }
    },
}
_RESPONSE: Final[dict[str, Any]] = {
    "id": "resp_0",
    "object": "response",
    "created_at": 0,
    "model": "none",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "status": "in_progress",
}
_USAGE: Final = {
    "input_tokens": 1,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2,
}


async def warm_up(settings: ChatSettings, domain: Domain) -> None:
    """Play one run with a tool call, without a socket. Raises what goes wrong in it."""
    # The HTTP client connects with anyio, whose asyncio part is imported when it is first used.
    await anyio.lowlevel.checkpoint()
    request = parse(json.dumps(_REQUEST).encode(), settings, frozenset())
    parse_plain(b'{"message": "hello"}', settings)
    assert isinstance(request, ThreadsCreateReq)
    now = datetime.now(UTC)
    thread = ThreadMetadata(id="thr_warm_up", created_at=now)
    message = UserMessageItem(
        id="msg_warm_up",
        thread_id=thread.id,
        created_at=now,
        content=request.params.input.content,
        inference_options=request.params.input.inference_options,
        attachments=[],
    )
    tools = Toolbox(ToolRegistry(domain, [DomainTools(domain, _CannedTools())]), settings)
    async with AsyncOpenAI(
        api_key="none",
        base_url="http://none.invalid/v1",
        http_client=httpx2.AsyncClient(
            transport=httpx2.MockTransport(_Model(_reading_tool(domain)).answer),
            verify=tls_context(),
        ),
        max_retries=0,
    ) as client:
        responder = Responder(
            tools,
            Cards(domain),
            build_agent(tools, settings),
            build_provider(client, settings),
            AttachmentFiles(settings),
            settings,
        )
        context = RunContext(
            user_id="warm-up", run_id="run_warm_up", run=RunState(history=(message,))
        )
        Frame(
            1, encode(ThreadCreatedEvent(thread=Thread(id=thread.id, created_at=now, items=Page())))
        ).sse()
        async for event in responder.respond(thread, message, context):
            if isinstance(event, ErrorEvent):
                raise RuntimeError(f"the warm-up run failed: {event.message}")
            Frame(2, encode(event)).sse()


class _CannedTools(McpClient):
    """A tool server with an empty list."""

    def __init__(self) -> None:
        """Open nothing."""

    async def call(self, *_args: Any, **_options: Any) -> ToolResult:
        """Answer any call."""
        return ToolResult("{}", failed=False, content={"data": [], "has_more": False})


def _reading_tool(domain: Domain) -> str:
    """A tool that is called at once, where the domain has one."""
    names = [policy.name for policy in domain.policies.values() if policy.reads]
    return next(iter(names or domain.policies))


class _Model:
    """Answers as a model would: a call of a tool first, words once it has the tool's result."""

    def __init__(self, tool: str) -> None:
        self._tool = tool

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of either API."""
        asked = json.loads(request.content)
        if request.url.path.endswith("/chat/completions"):
            called = any(message.get("role") == "tool" for message in asked["messages"])
            events = _completion_events(None if called else self._tool)
        else:
            called = any(item.get("type") == "function_call_output" for item in asked["input"])
            events = _response_events(None if called else self._tool)
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)


def _response_events(tool: str | None) -> list[dict[str, Any]]:
    where = {"output_index": 0, "item_id": "item_0"}
    middle: list[dict[str, Any]]
    if tool is None:
        part = {"type": "output_text", "text": "Nothing.", "annotations": []}
        item: dict[str, Any] = {"id": "item_0", "type": "message", "role": "assistant"}
        item |= {"content": [part], "status": "completed"}
        opened = {**item, "content": [], "status": "in_progress"}
        text = {**where, "content_index": 0}
        middle = [
            {"type": "response.content_part.added", **text, "part": {**part, "text": ""}},
            {"type": "response.output_text.delta", **text, "delta": "Nothing.", "logprobs": []},
            {"type": "response.output_text.done", **text, "text": "Nothing.", "logprobs": []},
            {"type": "response.content_part.done", **text, "part": part},
        ]
    else:
        item = {"id": "item_0", "type": "function_call", "call_id": "call_0", "name": tool}
        item |= {"arguments": "{}", "status": "completed"}
        opened = {**item, "arguments": "", "status": "in_progress"}
        prefix = "response.function_call_arguments"
        middle = [
            {"type": f"{prefix}.delta", **where, "delta": "{}"},
            {"type": f"{prefix}.done", **where, "arguments": "{}", "name": tool},
        ]
    done = {**_RESPONSE, "status": "completed", "output": [item], "usage": _USAGE}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _RESPONSE},
        {"type": "response.output_item.added", "output_index": 0, "item": opened},
        *middle,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": done},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _completion_events(tool: str | None) -> list[dict[str, Any]]:
    function = {"name": tool, "arguments": "{}"}
    call = {"index": 0, "id": "call_0", "type": "function", "function": function}
    delta: dict[str, Any] = {"tool_calls": [call]} if tool else {"content": "Nothing."}
    chunk: dict[str, Any] = {
        "id": "chat_0",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "none",
    }
    return [
        {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", **delta}}]},
        {
            **chunk,
            "choices": [
                {"index": 0, "delta": {}, "finish_reason": "tool_calls" if tool else "stop"}
            ],
        },
        {
            **chunk,
            "choices": [],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        },
    ]

"""The Chat Completions protocol: reads `POST /v1/chat/completions`, and writes its answer.

Fields are those of `openai.types.chat` 3.52. A stream ends with `[DONE]`, after a chunk with the
usage when `stream_options.include_usage` asks for it.
"""

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal
from uuid import uuid4

from sidestream.local.model.conversation import (
    Conversation,
    Exchange,
    Message,
    Step,
    Tool,
    ToolRequest,
)
from sidestream.local.model.delivery import Delivery, frame
from sidestream.local.model.errors import ApiError
from sidestream.local.model.usage import estimate_tokens
from sidestream.local.model.wire import read_arguments, read_content, read_message, read_output


def read_request(body: Mapping[str, Any]) -> Conversation:
    """The conversation in a request body. Raises ApiError 400 as OpenAI would."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, Mapping) for m in messages):
        message = "Missing required parameter: 'messages'."
        raise ApiError(400, message, code="missing_required_parameter", param="messages")
    outputs = _outputs(messages)
    instructions: list[str] = []
    read: list[Message | Exchange] = []
    for message in messages:
        role, text = message.get("role"), read_content(message.get("content"))
        if role in ("system", "developer"):
            instructions.append(text)
        elif role == "user" or (role == "assistant" and text):
            speaker: Literal["user", "assistant"] = "user" if role == "user" else "assistant"
            read.append(read_message(speaker, message.get("content")))
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            arguments = read_arguments(function.get("arguments"))
            request = ToolRequest(str(function.get("name")), arguments)
            read.append(Exchange(request, outputs[call["id"]]))
    choice = body.get("tool_choice")
    named = choice if isinstance(choice, Mapping) and choice.get("type") == "function" else None
    tools = tuple(
        Tool(str(tool["function"]["name"]), tool["function"].get("parameters") or {})
        for tool in body.get("tools") or ()
        if tool.get("type") == "function"
    )
    return Conversation(
        instructions="\n".join(instructions),
        items=tuple(read),
        tools=tools,
        parallel=body.get("parallel_tool_calls") is not False,
        may_call=choice != "none",
        forced=str(named["function"]["name"]) if named else None,
    )


def _outputs(messages: list[Mapping[str, Any]]) -> dict[str, str]:
    """Outputs by call id; calls and outputs must follow each other as OpenAI demands."""
    outputs: dict[str, str] = {}
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message.get("role") == "tool":
            call_id = str(message.get("tool_call_id"))
            if call_id not in waiting:
                raise ApiError(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            waiting.remove(call_id)
            outputs[call_id] = read_output(message.get("content"))
            continue
        _refuse_unanswered(waiting, index)
        waiting = [str(call["id"]) for call in message.get("tool_calls") or ()]
    _refuse_unanswered(waiting, len(messages))
    return outputs


def _refuse_unanswered(waiting: list[str], index: int) -> None:
    if waiting:
        raise ApiError(
            400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(waiting),
            param=f"messages.[{index}].role",
        )


def whole(body: Mapping[str, Any], step: Step, delivery: Delivery) -> dict[str, Any]:
    """The answer as one `chat.completion` object."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": delivery.text if step.speaks and not step.refuses else None,
        "refusal": delivery.text if step.refuses else None,
        "annotations": [],
    }
    if step.calls:
        message["tool_calls"] = [_call(call) for call in step.calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _finish_reason(step, delivery),
    }
    head = _head(body, "chat.completion")
    return {**head, "choices": [choice], "usage": _usage(body, step, delivery)}


async def stream(body: Mapping[str, Any], step: Step, delivery: Delivery) -> AsyncIterator[bytes]:
    """The answer as server-sent chunks."""
    head = _head(body, "chat.completion.chunk")
    with_usage = (body.get("stream_options") or {}).get("include_usage") is True
    if with_usage:
        head["usage"] = None

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return frame({**head, "choices": [choice]})

    kind = "refusal" if step.refuses else "content"
    begun: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    yield chunk(begun | {kind: "" if step.speaks else None})
    if step.speaks:
        async for word in delivery:
            yield chunk({kind: word})
    else:
        delivery.check_cut()
    for index, call in enumerate(step.calls):
        made = _call(call)
        function = made["function"]
        opened = {**made, "index": index, "function": {**function, "arguments": ""}}
        yield chunk({"tool_calls": [opened]})
        pieces = {"index": index, "function": {"arguments": function["arguments"]}}
        yield chunk({"tool_calls": [pieces]})
    yield chunk({}, _finish_reason(step, delivery))
    if with_usage:
        yield frame({**head, "choices": [], "usage": _usage(body, step, delivery)})
    yield b"data: [DONE]\n\n"


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": body.get("model"),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _call(call: ToolRequest) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    function = {"name": call.name, "arguments": arguments}
    return {"id": f"call_{uuid4().hex}", "type": "function", "function": function}


def _finish_reason(step: Step, delivery: Delivery) -> str:
    return "tool_calls" if step.calls and delivery.finish == "stop" else delivery.finish


def _usage(body: Mapping[str, Any], step: Step, delivery: Delivery) -> dict[str, Any]:
    sent = estimate_tokens(body.get("messages"), body.get("tools"))
    received = estimate_tokens(delivery.text, [dict(call.arguments) for call in step.calls])
    return {
        "prompt_tokens": sent,
        "completion_tokens": received,
        "total_tokens": sent + received,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }

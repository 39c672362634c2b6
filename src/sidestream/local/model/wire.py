"""The Responses protocol: reads `POST /v1/responses`, and writes its answer, streamed or whole.

Event names, fields and their order are those of `openai.types.responses` 3.52; a streamed answer
is created, in_progress, then each output item with its parts and deltas, then completed with the
usage.
"""

import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Literal
from uuid import uuid4

from sidestream.local.model.conversation import (
    Conversation,
    Exchange,
    File,
    Message,
    Step,
    Tool,
    ToolRequest,
)
from sidestream.local.model.delivery import Delivery, frame
from sidestream.local.model.errors import ApiError
from sidestream.local.model.usage import estimate_tokens

_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_ARGUMENT_DELTA_CHARS = 16
_IMAGE_PARTS = ("input_image", "image_url")
# How a client marks what others wrote, and gives a file where it has no file parts.
_DATA: Final = re.compile(
    r"(?:\n\n)?\[Data (?P<letters>[0-9a-f]{16})\]\n(?P<words>.*?)\n\[End of data (?P=letters)\]",
    re.DOTALL,
)
_FILE: Final = re.compile(
    r"Attached file: (?P<name>[^\n]*) \([^()\n/]*/[^()\n]*\)(?: \([^()\n/]*\))?(?:\n(?P<text>.*))?",
    re.DOTALL,
)
# How a client without the role `developer` gives notes.
_NOTES: Final = re.compile(r"\A(?:<note>.*?</note>\s*)+", re.DOTALL)


def read_request(body: Mapping[str, Any]) -> Conversation:
    """The conversation in a request body. Raises ApiError 400 as OpenAI would."""
    if previous := body.get("previous_response_id"):
        raise ApiError(
            400,
            f"Previous response with id '{previous}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    given = body.get("input", "")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ApiError(400, "Invalid type for 'input'.", code="invalid_type", param="input")
    outputs = _outputs(items)
    instructions = [body.get("instructions") or ""]
    read: list[Message | Exchange] = []
    for item in items:
        role = item.get("role")
        if item.get("type") == "function_call":
            request = ToolRequest(str(item["name"]), read_arguments(item.get("arguments")))
            read.append(Exchange(request, outputs[item["call_id"]]))
        elif role in ("user", "assistant"):
            read.append(read_message(role, item.get("content")))
        elif role in ("system", "developer"):
            instructions.append(read_content(item.get("content")))
    choice = body.get("tool_choice")
    named = choice if isinstance(choice, Mapping) and choice.get("type") == "function" else None
    tools = tuple(
        Tool(str(tool["name"]), tool.get("parameters") or {})
        for tool in body.get("tools") or ()
        if tool.get("type") == "function"
    )
    return Conversation(
        instructions="\n".join(instructions),
        items=tuple(read),
        tools=tools,
        parallel=body.get("parallel_tool_calls") is not False,
        may_call=choice != "none",
        forced=str(named["name"]) if named else None,
    )


def _outputs(items: list[Mapping[str, Any]]) -> dict[str, str]:
    """Outputs by call id. Calls and outputs must come in pairs: OpenAI refuses any other input."""
    calls = [item.get("call_id") for item in items if item.get("type") == "function_call"]
    outputs = {
        str(item.get("call_id")): read_output(item.get("output"))
        for item in items
        if item.get("type") == "function_call_output"
    }
    for call_id in calls:
        if call_id not in outputs:
            message = f"No tool output found for function call {call_id}."
            raise ApiError(400, message, param="input")
    for call_id in outputs:
        if call_id not in calls:
            message = f"No tool call found for function call output with call_id {call_id}."
            raise ApiError(400, message, param="input")
    return outputs


def read_content(content: Any) -> str:
    """The text of a message or an output: a string, or a list of parts."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, Mapping)]
        return "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)
    return content if isinstance(content, str) else ""


def read_output(content: Any) -> str:
    """What a tool gave: its output without the marks round it, and what a client adds to it."""
    text = read_content(content)
    found = _DATA.match(text)
    return found["words"] if found else text


def read_message(role: Literal["user", "assistant"], content: Any) -> Message:
    """A message without what it carries as data, and with the files that are in that."""
    if role == "assistant":
        return Message(role, read_content(content))
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or ()
    words: list[str] = []
    files: list[File] = []
    for part in parts:
        if isinstance(part, Mapping) and part.get("type") in _IMAGE_PARTS:
            files.append(File(is_image=True))
            continue
        text = read_content([part])
        labels = (_FILE.fullmatch(data["words"]) for data in _DATA.finditer(text))
        files += [File(label["name"], label["text"]) for label in labels if label]
        words.append(_DATA.sub("", text))
    return Message(role, _NOTES.sub("", "".join(words)), tuple(files))


def read_arguments(arguments: Any) -> dict[str, Any]:
    """The arguments of a call; none when they are not a JSON object."""
    try:
        decoded = json.loads(arguments or "{}")
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def whole(body: Mapping[str, Any], step: Step, delivery: Delivery) -> dict[str, Any]:
    """The answer as one `response` object."""
    return _finished(_new_response(body), _items(step, delivery), body, delivery)


async def stream(body: Mapping[str, Any], step: Step, delivery: Delivery) -> AsyncIterator[bytes]:
    """The answer as server-sent events."""
    async for number, event in _numbered(_events(body, step, delivery)):
        yield frame({**event, "sequence_number": number}, event["type"])


async def stream_error(body: Mapping[str, Any], error: ApiError) -> AsyncIterator[bytes]:
    """A stream that breaks off with an error event, as OpenAI reports too long an input."""
    response = _new_response(body)
    for number, kind in enumerate(("response.created", "response.in_progress")):
        yield frame({"type": kind, "response": response, "sequence_number": number}, kind)
    yield frame({"type": "error", "sequence_number": 2, "error": error.error}, "error")


async def _numbered(events: AsyncIterator[dict[str, Any]]) -> AsyncIterator[tuple[int, Any]]:
    number = 0
    async for event in events:
        yield number, event
        number += 1


async def _events(
    body: Mapping[str, Any], step: Step, delivery: Delivery
) -> AsyncIterator[dict[str, Any]]:
    response = _new_response(body)
    yield {"type": "response.created", "response": response}
    yield {"type": "response.in_progress", "response": response}
    items = _items(step, delivery)
    if not step.speaks:
        delivery.check_cut()
    for index, item in enumerate(items):
        if item["type"] == "function_call":
            for event in _call_events(item, index):
                yield event
        else:
            async for event in _message_events(item, index, delivery):
                yield event
    final = _finished(response, items, body, delivery)
    kind = "response.completed" if final["status"] == "completed" else "response.incomplete"
    yield {"type": kind, "response": final}


def _items(step: Step, delivery: Delivery) -> list[dict[str, Any]]:
    calls = [_call_item(call) for call in step.calls]
    message = [_message_item(step, delivery)] if step.speaks else []
    return calls + message if step.calls_first else message + calls


def _call_events(item: dict[str, Any], index: int) -> list[dict[str, Any]]:
    arguments = item["arguments"]
    where = {"item_id": item["id"], "output_index": index}
    opened = {**item, "arguments": "", "status": "in_progress"}
    pieces = [
        arguments[start : start + _ARGUMENT_DELTA_CHARS]
        for start in range(0, len(arguments), _ARGUMENT_DELTA_CHARS)
    ]
    prefix = "response.function_call_arguments"
    return [
        {"type": "response.output_item.added", "output_index": index, "item": opened},
        *({"type": f"{prefix}.delta", **where, "delta": piece} for piece in pieces),
        {"type": f"{prefix}.done", **where, "arguments": arguments, "name": item["name"]},
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


async def _message_events(
    item: dict[str, Any], index: int, delivery: Delivery
) -> AsyncIterator[dict[str, Any]]:
    part = item["content"][0]
    where = {"item_id": item["id"], "output_index": index, "content_index": 0}
    opened = {**item, "content": [], "status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": index, "item": opened}
    refuses = part["type"] == "refusal"
    field = "refusal" if refuses else "text"
    yield {"type": "response.content_part.added", **where, "part": {**part, field: ""}}
    kind = "response.refusal" if refuses else "response.output_text"
    logprobs: dict[str, Any] = {} if refuses else {"logprobs": []}
    async for word in delivery:
        yield {"type": f"{kind}.delta", **where, "delta": word, **logprobs}
    yield {"type": f"{kind}.done", **where, field: part[field], **logprobs}
    yield {"type": "response.content_part.done", **where, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _new_response(body: Mapping[str, Any]) -> dict[str, Any]:
    echoed = {
        key: default if body.get(key) is None else body[key] for key, default in _ECHOED.items()
    }
    return {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": body.get("model"),
        "output": [],
        "service_tier": "default",
        "usage": None,
        **echoed,
    }


def _finished(
    response: dict[str, Any],
    items: list[dict[str, Any]],
    body: Mapping[str, Any],
    delivery: Delivery,
) -> dict[str, Any]:
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(
        delivery.finish
    )
    sent = estimate_tokens(body.get("instructions"), body.get("input"), body.get("tools"))
    received = estimate_tokens(items)
    return {
        **response,
        "status": "incomplete" if reason else "completed",
        "completed_at": None if reason else int(time.time()),
        "incomplete_details": {"reason": reason} if reason else None,
        "output": items,
        "usage": {
            "input_tokens": sent,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": received,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sent + received,
        },
    }


def _item_status(delivery: Delivery) -> str:
    return "completed" if delivery.finish == "stop" else "incomplete"


def _message_item(step: Step, delivery: Delivery) -> dict[str, Any]:
    part: dict[str, Any] = (
        {"type": "refusal", "refusal": delivery.text}
        if step.refuses
        else {"type": "output_text", "text": delivery.text, "annotations": [], "logprobs": []}
    )
    return {
        "id": f"msg_{uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "status": _item_status(delivery),
        "content": [part],
    }


def _call_item(call: ToolRequest) -> dict[str, Any]:
    return {
        "id": f"fc_{uuid4().hex}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{uuid4().hex}",
        "name": call.name,
        "arguments": json.dumps(call.arguments, ensure_ascii=False),
    }

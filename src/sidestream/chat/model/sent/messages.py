"""A conversation as the messages of Chat Completions.

The Agents SDK's own converter sends the roles, ids and order that it is given, a list of parts
where some servers read a string alone, and reasoning to DeepSeek only.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sidestream.chat.model.normalise.completions import PLAIN, STRUCTURED
from sidestream.chat.model.sent.conversation import (
    UNKNOWN_OUTPUT,
    Asked,
    Call,
    Conversation,
    Part,
    Step,
)
from sidestream.chat.model.sent.providers import Provider

type Message = dict[str, Any]

# The value that Google gives for calls which its model did not make
# (https://ai.google.dev/gemini-api/docs/thought-signatures).
_NO_SIGNATURE: Final = "skip_thought_signature_validator"
# Some want it not to be empty.
_NO_REASONING: Final = "."


def messages_of(conversation: Conversation, provider: Provider) -> list[Message]:
    """Write the messages of a request."""
    written: list[Message] = []
    for entry in conversation:
        if isinstance(entry, Step):
            written.append(_said(entry, provider))
            written.extend(_outputs(entry))
        else:
            role = "developer" if entry.note else "user"
            written.append({"role": role, "content": _content(entry)})
    return written


def _said(step: Step, provider: Provider) -> Message:
    message: Message = {"role": "assistant", "content": step.words or None}
    if step.calls:
        message["tool_calls"] = [
            _call(call, provider, first=at == 0) for at, call in enumerate(step.calls)
        ]
    return {**message, **_thoughts(step, provider)}


def _thoughts(step: Step, provider: Provider) -> dict[str, Any]:
    """What the model thought before its calls, under the name under which it came."""
    fields: dict[str, Any] = {}
    if provider.takes_reasoning and step.calls:
        for item in filter(provider.gave, step.reasoning):
            origin = item.get("provider_data") or {}
            structured = {name: origin[name] for name in STRUCTURED if origin.get(name)}
            name, text = origin.get("field"), _joined(item.get("summary"))
            if structured:
                fields |= structured
            elif name in PLAIN and text:
                fields[name] = text
    if provider.reasons and not fields.get(PLAIN[0]):
        fields[PLAIN[0]] = fields.get(PLAIN[1], _NO_REASONING)
    return fields


def _call(call: Call, provider: Provider, *, first: bool) -> Part:
    written: Part = {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
    origin = (call.item.get("provider_data") or {}) if provider.gave(call.item) else {}
    extra = origin.get("extra_content")
    if provider.signs and first and not extra:
        extra = {"google": {"thought_signature": _NO_SIGNATURE}}
    return {**written, "extra_content": extra} if extra else written


def _outputs(step: Step) -> Iterator[Message]:
    for call in step.calls:
        output = UNKNOWN_OUTPUT if call.output is None else call.output
        words = output if isinstance(output, str) else _joined(output)
        yield {"role": "tool", "tool_call_id": call.call_id, "content": words}


def _content(asked: Asked) -> str | list[Part]:
    """A string where there is text alone: not every server reads parts."""
    if all(part.get("type") == "input_text" for part in asked.parts):
        return "\n\n".join(str(part["text"]) for part in asked.parts)
    return [_part(part) for part in asked.parts]


def _part(part: Part) -> Part:
    match part.get("type"):
        case "input_image":
            image = {"url": part.get("image_url"), "detail": part.get("detail", "auto")}
            return {"type": "image_url", "image_url": image}
        case "input_file":
            names = ("file_data", "file_id", "filename")
            return {"type": "file", "file": {name: part[name] for name in names if part.get(name)}}
        case _:
            return {"type": "text", "text": part.get("text", "")}


def _joined(parts: Iterable[Part] | None) -> str:
    return "\n".join(str(part["text"]) for part in parts or () if part.get("text"))

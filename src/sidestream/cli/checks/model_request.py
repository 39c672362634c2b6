"""What is asked of a model's provider, in the words of either of OpenAI's APIs.

Source: OpenAI's API reference, "Chat Completions" and "Responses". The parameters are those of the
chat's own requests.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sidestream.config import ChatSettings

type Api = Literal["responses", "chat_completions"]
type Role = Literal["system", "developer", "user"]

_OPENAI: Final = "https://api.openai.com/v1"
PATHS: Final[dict[str, str]] = {"responses": "responses", "chat_completions": "chat/completions"}
_MAX_TOKENS: Final = 1_000


def base_url(settings: ChatSettings) -> str:
    """Give the base URL of the model's provider, without a slash at its end."""
    return str(settings.openai_base_url or _OPENAI).rstrip("/")


@dataclass(slots=True)
class Call:
    """A tool call as it came: its texts put together, nothing else done to them."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def values(self) -> dict[str, Any] | None:
        """Give the arguments, None when they are no JSON object."""
        try:
            document = json.loads(self.arguments)
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation: words of somebody, or calls with what came of them."""

    role: Role = "user"
    words: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked for: the model, the tools (JSON Schema functions), and which parameters this
    provider does not take."""

    api: Api
    model: str
    tools: tuple[dict[str, Any], ...] = ()
    must_call: bool = False
    left_out: frozenset[str] = frozenset()

    def body(self, messages: Sequence[Message]) -> dict[str, Any]:
        """Give the request's body."""
        responses = self.api == "responses"
        limit = "max_output_tokens" if responses else "max_tokens"
        parameters: dict[str, Any] = {limit: _MAX_TOKENS}
        if not responses:
            parameters["stream_options"] = {"include_usage": True}
            if limit in self.left_out:
                parameters["max_completion_tokens"] = _MAX_TOKENS
        if self.tools:
            listed: list[dict[str, Any]] = [{"strict": False, **tool} for tool in self.tools]
            if "strict" in self.left_out:
                listed = list(self.tools)
            parameters["tools"] = [
                {"type": "function", **tool}
                if responses
                else {"type": "function", "function": tool}
                for tool in listed
            ]
            parameters["parallel_tool_calls"] = True
            if self.must_call:
                parameters["tool_choice"] = "required"
        kept = {name: value for name, value in parameters.items() if name not in self.left_out}
        said = [part for message in messages for part in _PARTS[self.api](message)]
        return {"model": self.model, "stream": True, _SAID[self.api]: said, **kept}


_SAID: Final[dict[str, str]] = {"responses": "input", "chat_completions": "messages"}


def _completions_parts(message: Message) -> list[dict[str, Any]]:
    if not message.calls:
        return [{"role": message.role, "content": message.words}]
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.calls
    ]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": result}
        for call, result in zip(message.calls, message.results, strict=True)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


def _responses_parts(message: Message) -> list[dict[str, Any]]:
    if not message.calls:
        return [{"role": message.role, "content": message.words}]
    calls = [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in message.calls
    ]
    results = [
        {"type": "function_call_output", "call_id": call.id, "output": result}
        for call, result in zip(message.calls, message.results, strict=True)
    ]
    return [*calls, *results]


_PARTS: Final = {"responses": _responses_parts, "chat_completions": _completions_parts}

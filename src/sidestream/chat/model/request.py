"""Requests: what is sent to a model, in the words of either of OpenAI's APIs."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from agents import FunctionTool, ModelSettings, Tool, TResponseInputItem
from agents.models.chatcmpl_converter import Converter

from sidestream.chat.model.normalise.outgoing import OWN_ID

_NOT_SENT: Final = ("provider_data",)


def completions_body(
    model: str,
    instructions: str | None,
    items: Sequence[TResponseInputItem],
    tools: Sequence[Tool],
    settings: ModelSettings,
) -> dict[str, Any]:
    """The body of `POST /chat/completions`."""
    messages: list[Any] = list(Converter.items_to_messages(list(items), model=model))
    if instructions:
        messages.insert(0, {"role": "system", "content": instructions})
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    if settings.include_usage:
        body["stream_options"] = {"include_usage": True}
    if settings.max_tokens is not None:
        body["max_tokens"] = settings.max_tokens
    if offered := _functions(tools):
        body["tools"] = [{"type": "function", "function": function} for function in offered]
        body |= _parallel(settings)
        if (choice := _choice(settings)) is not None:
            named = isinstance(choice, dict)
            function = {"type": "function", "function": choice}
            body["tool_choice"] = function if named else choice
    return body


def responses_body(
    model: str,
    instructions: str | None,
    items: Sequence[TResponseInputItem],
    tools: Sequence[Tool],
    settings: ModelSettings,
) -> dict[str, Any]:
    """The body of `POST /responses`."""
    body: dict[str, Any] = {"model": model, "input": [_sent(item) for item in items]}
    body["stream"] = True
    if instructions:
        body["instructions"] = instructions
    if settings.max_tokens is not None:
        body["max_output_tokens"] = settings.max_tokens
    if offered := _functions(tools):
        body["tools"] = [{"type": "function", **function} for function in offered]
        body |= _parallel(settings)
        if (choice := _choice(settings)) is not None:
            named = isinstance(choice, dict)
            body["tool_choice"] = {"type": "function", **choice} if named else choice
    return body


def _functions(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.params_json_schema,
            "strict": tool.strict_json_schema,
        }
        for tool in tools
        if isinstance(tool, FunctionTool)
    ]


def _parallel(settings: ModelSettings) -> dict[str, bool]:
    parallel = settings.parallel_tool_calls
    return {} if parallel is None else {"parallel_tool_calls": parallel}


def _choice(settings: ModelSettings) -> Any:
    """The tool that has to be called: a word of the protocol, or the name of one."""
    choice = settings.tool_choice
    if choice is None or choice in ("auto", "none", "required"):
        return choice
    return {"name": choice}


def _sent(item: Any) -> Any:
    """An item as the provider knows it: without what was noted for ourselves."""
    if not isinstance(item, dict):
        return item
    own_id = str(item.get("id", "")).startswith(OWN_ID)
    return {
        key: value
        for key, value in item.items()
        if key not in _NOT_SENT and not (key == "id" and own_id)
    }

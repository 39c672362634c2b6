"""Requests: what is sent to a model, in the words of either of OpenAI's APIs."""

from collections.abc import Iterable, Sequence
from typing import Any

from agents import FunctionTool, ModelSettings, Tool, TResponseInputItem

from sidestream.chat.model.sent.conversation import read
from sidestream.chat.model.sent.items import items_of
from sidestream.chat.model.sent.messages import messages_of
from sidestream.chat.model.sent.providers import Provider


def completions_body(
    provider: Provider,
    instructions: str | None,
    items: Sequence[TResponseInputItem],
    tools: Sequence[Tool],
    settings: ModelSettings,
) -> dict[str, Any]:
    """The body of `POST /chat/completions`."""
    messages = messages_of(read(items, provider), provider)
    if instructions:
        messages.insert(0, {"role": "system", "content": instructions})
    body: dict[str, Any] = {"model": provider.model, "messages": messages, "stream": True}
    if settings.include_usage:
        body["stream_options"] = {"include_usage": True}
    if settings.max_tokens is not None and provider.max_tokens:
        body[provider.max_tokens] = settings.max_tokens
    if offered := _functions(tools):
        # Without `strict`, which is false unless it is said: Google does not know the name.
        body["tools"] = [{"type": "function", "function": function} for function in offered]
        body |= _parallel(settings)
        if (choice := _choice(settings)) is not None:
            named = isinstance(choice, dict)
            function = {"type": "function", "function": choice}
            body["tool_choice"] = function if named else choice
    return provider.without_left_out(body)


def responses_body(
    provider: Provider,
    instructions: str | None,
    items: Sequence[TResponseInputItem],
    tools: Sequence[Tool],
    settings: ModelSettings,
) -> dict[str, Any]:
    """The body of `POST /responses`."""
    body: dict[str, Any] = {
        "model": provider.model,
        "input": items_of(read(items, provider), provider),
        "stream": True,
    }
    if instructions:
        body["instructions"] = instructions
    if settings.max_tokens is not None:
        body["max_output_tokens"] = settings.max_tokens
    if offered := _functions(tools):
        # `strict` is true here unless it is said.
        body["tools"] = [{"type": "function", **function, "strict": False} for function in offered]
        body |= _parallel(settings)
        if (choice := _choice(settings)) is not None:
            named = isinstance(choice, dict)
            body["tool_choice"] = {"type": "function", **choice} if named else choice
    return provider.without_left_out(body)


def _functions(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.params_json_schema,
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

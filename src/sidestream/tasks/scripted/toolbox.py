"""The tools a request offers, and how to call them in their own words.

A tool's JSON Schema decides the names of its arguments and their types; what is not offered is not
used.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sidestream.local.model.conversation import Tool, ToolRequest

_NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "name", "task", "text", "content", "summary"),
    "notes": ("notes", "note", "description", "details", "body"),
    "due_at": ("due_at", "due", "due_date", "deadline"),
    "task_id": ("task_id", "id", "taskId"),
    "completed": ("completed", "done", "is_completed", "status", "filter"),
    "query": ("query", "q", "search", "text", "keyword", "term"),
    "limit": ("limit", "page_size", "count"),
    "after": ("after", "cursor"),
}
_COMPLETED_WORDS = {"completed", "complete", "done", "finished", "closed"}
_PENDING_WORDS = {"pending", "open", "active", "incomplete", "todo", "uncompleted", "not_completed"}
_EMPTY: Mapping[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "object": {},
}


class Toolbox:
    """The offered tools by name."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def offers(self, name: str, *arguments: str) -> bool:
        """Whether the tool is there, and takes every one of these arguments."""
        if name not in self._tools:
            return False
        properties = self._properties(name)
        return all(_own_name(properties, argument) for argument in arguments)

    def request(self, name: str, **values: Any) -> ToolRequest:
        """A call of an offered tool; an argument it has no name for is left out.

        Raises KeyError when the tool is not offered.
        """
        properties = self._properties(name)
        arguments: dict[str, Any] = {}
        for meaning, value in values.items():
            own = _own_name(properties, meaning)
            if own is not None and value is not None:
                arguments[own] = _fit(value, properties[own])
        for required in self._tools[name].parameters.get("required", ()):
            if required not in arguments and required in properties:
                arguments[required] = _blank(properties[required])
        return ToolRequest(name, arguments)

    def largest_page(self, name: str) -> int | None:
        """The most items that one call of a listing tool may ask for, if its schema says."""
        properties = self._properties(name)
        own = _own_name(properties, "limit")
        if own is None:
            return None
        maxima = [option.get("maximum") for option in _options(properties[own])]
        return next((int(maximum) for maximum in maxima if maximum is not None), None)

    def _properties(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._tools[name].parameters.get("properties") or {}
        return found


def _own_name(properties: Mapping[str, Any], meaning: str) -> str | None:
    return next((name for name in _NAMES[meaning] if name in properties), None)


def _options(schema: Any) -> list[Mapping[str, Any]]:
    """The schema itself and its alternatives."""
    if not isinstance(schema, Mapping):
        return []
    nested = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return [schema, *(option for option in nested if isinstance(option, Mapping))]


def _types(schema: Any) -> set[str]:
    types: set[str] = set()
    for option in _options(schema):
        kind = option.get("type")
        types.update([kind] if isinstance(kind, str) else kind or ())
    return types


def _fit(value: Any, schema: Any) -> Any:
    """The value in the type that the schema asks for."""
    types = _types(schema)
    if isinstance(value, bool):
        if "boolean" in types or not types:
            return value
        words = _COMPLETED_WORDS if value else _PENDING_WORDS
        offered = [word for option in _options(schema) for word in option.get("enum", ())]
        return next((word for word in offered if str(word).lower() in words), value)
    if isinstance(value, str) and "integer" in types and "string" not in types:
        return int(value) if value.isdecimal() else value
    if isinstance(value, int) and types and not types & {"integer", "number"}:
        return str(value)
    return value


def _blank(schema: Any) -> Any:
    """A value for a required argument that there is nothing to say about."""
    if isinstance(schema, Mapping) and "default" in schema:
        return schema["default"]
    types = _types(schema)
    if not types or "null" in types:
        return None
    for option in _options(schema):
        if option.get("enum"):
            return option["enum"][0]
    return next((_EMPTY[kind] for kind in sorted(types) if kind in _EMPTY), None)

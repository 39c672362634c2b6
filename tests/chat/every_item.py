"""One of each item that ChatKit knows, with everything in it that there can be: each part of a
message, each source, task, question and status, and widgets with each form of an action."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, get_args

from chatkit.types import ThreadItem
from chatkit.widgets import DynamicWidgetRoot
from pydantic import BaseModel, TypeAdapter

_NOON: Final = datetime(2026, 11, 20, 12, 0, 0, 120000)  # noqa: DTZ001 - items keep naive UTC
_ANY: Final = {"b": 1e16, "a": -0.0, "none": None, "deep": [None, {"z": "دودھ", "a": []}]}
_ITEMS: Final[TypeAdapter[ThreadItem]] = TypeAdapter(ThreadItem)

_SOURCES: Final[list[dict[str, Any]]] = [
    {"type": "url", "url": "https://a.example/?b=1&c=2", "title": "A", "attribution": "x"},
    {"type": "file", "filename": "ä.txt", "title": "B", "timestamp": "2026"},
    {"type": "entity", "id": "e1", "title": "C", "data": _ANY, "interactive": True},
]
_TASKS: Final[list[dict[str, Any]]] = [
    {"type": "custom", "title": "کام", "icon": "check-circle", "content": "a\nb"},
    {"type": "web_search", "queries": ["q"], "sources": _SOURCES[:1], "status_indicator": "none"},
    {"type": "thought", "content": "Hm.", "status_indicator": "loading"},
    {"type": "file", "title": "f", "sources": _SOURCES[1:2]},
    {"type": "image", "title": "i", "status_indicator": "complete"},
]
_FILE: Final = {"id": "atc_1", "name": "a.txt", "mime_type": "text/plain"}
_ATTACHMENTS: Final[list[dict[str, Any]]] = [
    {
        **_FILE,
        "type": "file",
        "thread_id": "thr_1",
        "metadata": {"key": "u/a", **_ANY},
        "upload_descriptor": {"url": "https://s3.example/a", "method": "PUT", "headers": {}},
    },
    {**_FILE, "id": "atc_2", "type": "image", "preview_url": "https://s3.example/a%20b?x=1"},
]
_ANSWER: Final = {"values": ["yes"], "skipped": False}
_QUESTIONS: Final[list[dict[str, Any]]] = [
    {
        "type": "multiple_choice",
        "id": "q1",
        "question": "Which?",
        "options": [{"value": "yes"}, {"value": "no", "description": "x"}],
        "answer": _ANSWER,
    },
    {"type": "freeform", "id": "q2", "question": "Why?", "description": "In a few words"},
]
_ACTIONS: Final[list[dict[str, Any]]] = [
    {"type": "go"},
    {"type": "go", "payload": _ANY},
    {"type": "go", "payload": ["x", None, 1.0]},
    {"type": "go", "payload": {}, "handler": "client"},
    {"type": "go", "payload": {}, "handler": "server", "loadingBehavior": "container"},
    {"type": "go", "payload": {}, "loadingBehavior": "none", "streaming": False},
]
_WIDGET: Final[dict[str, Any]] = {
    "type": "Card",
    "confirm": {"label": "OK", "action": _ACTIONS[1]},
    "children": [
        {"type": "Text", "id": "t", "value": "دودھ \u2028"},
        *({"type": "Button", "label": "x", "onClickAction": action} for action in _ACTIONS),
        {"type": "Checkbox", "name": "c", "onChangeAction": _ACTIONS[3]},
        {"type": "Form", "onSubmitAction": _ACTIONS[2], "children": []},
        {"type": "Chart", "data": [], "xAxis": "x", "series": [{"type": "bar", "dataKey": "y"}]},
    ],
}
_LIST: Final[dict[str, Any]] = {
    "type": "ListView",
    "children": [
        {"type": "ListViewItem", "key": "a", "onClickAction": _ACTIONS[0], "children": []}
    ],
}


def every_item() -> list[ThreadItem]:
    """The items, as a program makes them: a widget comes out of a template, too."""
    items = [_item(**fields) for fields in _every()]
    for tree in (_WIDGET, _LIST, {"type": "Basic", "children": [_WIDGET["children"][1]]}):
        widget = _item(type="widget", widget=tree)
        built = DynamicWidgetRoot.model_validate(tree)
        items += [widget, widget.model_copy(update={"widget": built, "copy_text": "دودھ"})]
    return items


def _every() -> Iterator[dict[str, Any]]:
    yield {
        "type": "user_message",
        "content": [
            {"type": "input_text", "text": "a\u2028b 🛒"},
            {"type": "input_tag", "id": "t", "text": "@a", "data": _ANY, "group": "g"},
        ],
        "attachments": _ATTACHMENTS,
        "quoted_text": "",
        "inference_options": {"model": "m", "tool_choice": {"id": "t"}},
    }
    yield {"type": "user_message", "content": [], "inference_options": {}, "attachments": []}
    annotations = [{"source": source, "index": n or None} for n, source in enumerate(_SOURCES)]
    content = [{"text": "دودھ", "annotations": annotations}, {"text": ""}]
    yield {"type": "assistant_message", "content": content}
    for status, output in (("pending", None), ("completed", _ANY), ("completed", [None])):
        call = {"call_id": "c", "name": "n", "arguments": _ANY, "status": status}
        yield {"type": "client_tool_call", **call, "output": output}
    yield {"type": "generated_image"}
    yield {"type": "generated_image", "image": {"id": "i", "url": "data:image/png;base64,AA=="}}
    for status in ("pending", "answered", "skipped"):
        yield {"type": "structured_input", "status": status, "inputs": _QUESTIONS}
    for summary in (None, {"title": "Used 2 tools", "icon": "bolt"}, {"duration": 7}):
        workflow = {"type": "custom", "tasks": _TASKS, "summary": summary, "expanded": True}
        yield {"type": "workflow", "workflow": workflow}
    yield from ({"type": "task", "task": task} for task in _TASKS)
    yield {"type": "hidden_context_item", "content": {"kind": "note", **_ANY}}
    yield {"type": "sdk_hidden_context", "content": "دودھ"}
    yield {"type": "end_of_turn"}


def _item(**fields: Any) -> ThreadItem:
    return _ITEMS.validate_python(
        {"id": "item_1", "thread_id": "thr_1", "created_at": _NOON, **fields}
    )


def models_in(annotation: Any) -> set[type[BaseModel]]:
    """The models of which something of a type may be made, but for the components of widgets."""
    found: set[type[BaseModel]] = set()
    waiting = [annotation]
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            if each in found or each.__module__ == "chatkit.widgets":
                continue
            found.add(each)
            waiting += [field.annotation for field in each.model_fields.values()]
        waiting += get_args(getattr(each, "__value__", each))
    return found


def models_of(value: Any) -> set[type[BaseModel]]:
    """The models of which something is made."""
    if isinstance(value, BaseModel):
        fields = dict(value).values()
        return {type(value)}.union(*map(models_of, fields))
    if isinstance(value, list | tuple):
        return set().union(*map(models_of, value))
    return set()

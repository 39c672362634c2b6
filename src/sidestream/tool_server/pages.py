"""Pages of things, as tools and REST routes give them: no more than fits in an answer."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

MAX_PAGE_BYTES: Final = 1_000_000
"""How much a page may come to, whatever is configured, so that Lambda can carry it. A tool's answer
has it twice, once within a text (specification 2026-07-28, "Structured Content"), and is itself
a text within the function's answer: of a character that JSON escapes come six times as many bytes,
and a function may answer with 6 MB ("Lambda quotas")."""


def page_document(
    things: Iterable[Mapping[str, Any]], after: str | None, max_bytes: int
) -> dict[str, Any]:
    """Give a page as JSON: the first of the things, which have an `id`, that come to `max_bytes` of
    JSON in ASCII, and one at least. `after` leads to the next page and is null on the last."""
    kept: list[Mapping[str, Any]] = []
    left = max_bytes
    for thing in things:
        left -= len(json.dumps(thing, separators=(",", ":"))) + len(",")
        if kept and left < 0:
            after = kept[-1]["id"]
            break
        kept.append(thing)
    return {"data": kept, "has_more": after is not None, "after": after}


def page_schema(thing: Mapping[str, Any]) -> dict[str, Any]:
    """Give the JSON Schema of `page_document`, of things with a schema."""
    return {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": dict(thing)},
            "has_more": {"type": "boolean"},
            "after": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["data", "has_more", "after"],
    }

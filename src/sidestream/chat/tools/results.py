"""Results of tools as the model reads them: JSON within a budget of bytes, and always valid.

A list is shortened by rows, with a count of what is left out and without the way to the next page,
which would begin behind the rows that are not shown; what is one thing, by its longest texts;
words, at the end.
"""

import json
from typing import Any, Final

_ROWS: Final = "data"
_NEXT_PAGE: Final = "after"
_NOTE: Final = "{count} more rows were too much to show. Ask for fewer at a time, or search."
_TOO_MUCH: Final = "The result was too long to be shown."
_TEXT_CHARS: Final = (4000, 1000, 250, 60)
_ROW_CHARS: Final = 250
"""Texts of this length are cut before rows are left out: many short rows tell more than two."""


def words_of(result: Any, max_bytes: int) -> str:
    """Give a result, a JSON value or words, as text of at most about `max_bytes` in UTF-8."""
    if isinstance(result, str):
        return _cut(result, max_bytes)
    whole = _json(result)
    if _size(whole) <= max_bytes:
        return whole
    for chars in _TEXT_CHARS:
        short = _clip(result, chars)
        if chars <= _ROW_CHARS and isinstance(short, dict) and (rows := _rows_of(short)):
            short = _fewer(short, rows, max_bytes)
        if short is not None and _size(text := _json(short)) <= max_bytes:
            return text
    return _json({"note": _TOO_MUCH})


def kept_of(result: Any, max_bytes: int) -> Any:
    """Give a result as a run keeps it to its end, in at most `max_bytes` as JSON: all of its rows,
    with their longest texts cut."""
    if isinstance(result, str):
        return _cut(result, max_bytes)
    if _size(_json(result)) <= max_bytes:
        return result
    shorter = (_clip(result, chars) for chars in _TEXT_CHARS)
    fits = (short for short in shorter if _size(_json(short)) <= max_bytes)
    return next(fits, {"note": _TOO_MUCH})


def _rows_of(result: dict[str, Any]) -> str | None:
    """The key of a list's rows: ours, or that of the only list there is (`result`, say, in which
    the MCP SDK wraps a tool's list)."""
    lists = [key for key, value in result.items() if isinstance(value, list)]
    return _ROWS if _ROWS in lists else lists[0] if len(lists) == 1 else None


def _fewer(result: dict[str, Any], key: str, max_bytes: int) -> dict[str, Any] | None:
    """The list with as many rows as fit, or None when not one does."""
    rows = result[key]
    frame = {name: value for name, value in result.items() if name != _NEXT_PAGE}
    left = max_bytes - _size(_json({**frame, key: [], "note": _NOTE.format(count=len(rows))}))
    kept = 0
    for row in rows:
        left -= _size(_json(row)) + len(",")
        if left < 0:
            break
        kept += 1
    if not kept:
        return None
    if kept == len(rows):
        return result
    return {**frame, key: rows[:kept], "note": _NOTE.format(count=len(rows) - kept)}


def _clip(value: Any, chars: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= chars else value[: chars - 1] + "…"
    if isinstance(value, dict):
        return {key: _clip(inner, chars) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clip(inner, chars) for inner in value]
    return value


def _cut(words: str, max_bytes: int) -> str:
    if _size(words) <= max_bytes:
        return words
    return words.encode()[: max_bytes - len("…".encode())].decode(errors="ignore") + "…"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))

"""Results of tools as the model reads them: JSON within a budget of bytes, and always valid.

A list is shortened by rows, with a count of what is left out; what is one thing, by its longest
texts; words, at the end.
"""

import json
from typing import Any, Final

_ROWS: Final = "data"
_NOTE: Final = "{count} more rows were too much to show. Ask for fewer at a time, or search."
_TOO_MUCH: Final = "The result was too long to be shown."
_TEXT_CHARS: Final = (4000, 1000, 250, 60)


def words_of(result: Any, max_bytes: int) -> str:
    """Give a result, a JSON value or words, as text of at most about `max_bytes` in UTF-8."""
    if isinstance(result, str):
        return _cut(result, max_bytes)
    whole = _json(result)
    if _size(whole) <= max_bytes:
        return whole
    for chars in _TEXT_CHARS:
        short = _clip(result, chars)
        if isinstance(short, dict) and isinstance(short.get(_ROWS), list):
            short = _fewer(short, max_bytes)
        if short is not None and _size(text := _json(short)) <= max_bytes:
            return text
    return _json({"note": _TOO_MUCH})


def _fewer(result: dict[str, Any], max_bytes: int) -> dict[str, Any] | None:
    """The list with as many rows as fit, or None when not one does."""
    rows = result[_ROWS]
    frame = {**result, _ROWS: [], "note": _NOTE.format(count=len(rows))}
    left = max_bytes - _size(_json(frame))
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
    return {**result, _ROWS: rows[:kept], "note": _NOTE.format(count=len(rows) - kept)}


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

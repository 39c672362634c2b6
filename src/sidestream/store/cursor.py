"""Cursors: where a page of a list ends, for the request that asks for the next one.

A cursor holds the place of the last row that was seen, and not only its id: that row may have been
deleted meanwhile, or may stand elsewhere because it was used. To a client it is opaque. A check
sum tells one that was cut short, changed or made for another list; it is no signature, because
whatever a cursor says, it leads to the caller's own rows.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from ..problems import UnknownCursor

_MARK: Final = "cur_"
_TEXT: Final = re.compile(r"(\d{1,16}):([0-9a-f]{8}):(.+)", re.DOTALL)
_MAX_PLACE: Final = 2**53
_MAX_CHARS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row's place in its list and its id. `place` is None when only the id is known, as clients
    used to send it."""

    id: str
    place: int | None = None


def write(list_name: str, cursor: Cursor) -> str:
    """Give the cursor as text, for a list whose name tells it from every other."""
    text = f"{cursor.place}:{_check(list_name, cursor)}:{cursor.id}"
    return _MARK + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(list_name: str, text: str) -> Cursor:
    """Read a cursor, or the bare id of a row. Raises `UnknownCursor` for one that was not written
    for this list."""
    if len(text) > _MAX_CHARS:
        raise UnknownCursor
    if not text.startswith(_MARK):
        return Cursor(text)
    encoded = text.removeprefix(_MARK)
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        found = _TEXT.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
    except ValueError:
        found = None
    if found is None or int(found[1]) > _MAX_PLACE:
        raise UnknownCursor
    cursor = Cursor(found[3], int(found[1]))
    if _check(list_name, cursor) != found[2] or write(list_name, cursor) != text:
        raise UnknownCursor
    return cursor


def _check(list_name: str, cursor: Cursor) -> str:
    text = f"{list_name}\n{cursor.place}\n{cursor.id}"
    return hashlib.blake2s(text.encode(), digest_size=4).hexdigest()

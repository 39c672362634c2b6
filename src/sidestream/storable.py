"""Text that can be kept: valid Unicode, without the one character that Postgres refuses.

JSON can name half of a surrogate pair (RFC 8259, section 8.2) and NUL; UTF-8 has no way to write
the first, and PostgreSQL's `text` and `jsonb` none to keep the second.
"""

import re
from typing import Any, Final

_REPLACEMENT: Final = "\ufffd"
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_FIRST_HALVES: Final = ("\ud800", "\udbff")


def storable(text: str) -> str:
    """Give a text with its halves of surrogate pairs joined, and with U+FFFD in place of NUL and of
    each half that is alone."""
    if text.isascii():
        return text.replace("\x00", _REPLACEMENT) if "\x00" in text else text
    if not _UNFIT.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", _REPLACEMENT)


def storable_json(value: Any) -> Any:
    """Give a JSON value with every text in it storable, keys included."""
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(str(key)): storable_json(inner) for key, inner in value.items()}
        case list():
            return [storable_json(inner) for inner in value]
        case _:
            return value


class Pieces:
    """Makes a text storable that comes in pieces: halves that come apart are joined."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def feed(self, piece: str) -> str:
        """Give what of the text is sure with one more piece."""
        if self._half:
            piece, self._half = self._half + piece, ""
        if piece and _FIRST_HALVES[0] <= piece[-1] <= _FIRST_HALVES[1]:
            piece, self._half = piece[:-1], piece[-1]
        return storable(piece)

    def close(self) -> str:
        """Give what is left when no more comes."""
        left, self._half = self._half, ""
        return storable(left)

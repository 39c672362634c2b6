"""Server-sent events: bytes in, the data of each event out.

The HTML standard's format ("Server-sent events", 9.2.6), read more leniently: an event that ends
with the stream counts, and a body that is one JSON document and no events is one event.
"""

from dataclasses import dataclass
from typing import Final

_MAX_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class TooLong(Exception):
    """An event is longer than any answer can be."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, which may be empty, and its data as its lines."""

    name: str
    lines: list[str]


class Events:
    """The events of one body, which comes in chunks of bytes."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0
        self._begun = False
        self._is_document = False
        self._name = ""
        self._lines: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """Give the events that are whole with one more chunk. Raises `TooLong`."""
        if not self._begun:
            chunk = self._begin(chunk)
        if self._is_document or (b"\n" not in chunk and b"\r" not in chunk):
            self._keep(chunk)
            return []
        whole = b"".join((*self._rest, chunk))
        self._rest, self._size = [], 0
        # A "\r" at the end may be the first half of a line's end.
        half, whole = (whole[-1:], whole[:-1]) if whole.endswith(b"\r") else (b"", whole)
        lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._keep(lines.pop() + half)
        return [event for line in lines if (event := self._line(line)) is not None]

    def close(self) -> list[Event]:
        """Give what is left when the body has ended."""
        left = b"".join(self._rest).rstrip(b"\r")
        self._rest, self._size = [], 0
        if self._is_document:
            return [Event("", [_text(left)])]
        events = (self._line(left), self._line(b""))
        return [event for event in events if event is not None]

    def _begin(self, chunk: bytes) -> bytes:
        """Look at the first bytes, which say what the body is."""
        chunk = b"".join((*self._rest, chunk)).removeprefix(_BOM).lstrip()
        self._rest, self._size = [], 0
        if chunk and not _BOM.startswith(chunk):
            self._begun = True
            self._is_document = chunk.startswith(b"{")
        return chunk

    def _keep(self, rest: bytes) -> None:
        if rest:
            self._rest.append(rest)
            self._size += len(rest)
            if self._size > _MAX_BYTES:
                raise TooLong

    def _line(self, line: bytes) -> Event | None:
        if line.startswith(b"data:"):
            self._lines.append(_text(line[5:].removeprefix(b" ")))
        elif line.startswith(b"event:"):
            self._name = _text(line[6:]).strip()
        elif not line:
            event = Event(self._name, self._lines)
            self._name, self._lines = "", []
            return event if any(event.lines) else None
        return None


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode(errors="replace")

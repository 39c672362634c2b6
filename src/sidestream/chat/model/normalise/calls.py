"""Calls: which piece of a stream belongs to which tool call.

Providers name a call by an index, an id and a name, and any of them may be missing, wrong or used
again; what is left decides. A piece with the index of a call, or without one its id, or without
both, goes on with it, unless it says that it begins another: by an id or a name of its own, or
because the arguments that are there are whole already.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from sidestream.chat.tools.arguments import written
from sidestream.storable import Pieces, storable
from sidestream.store.ids import new_call_id

NAMELESS: Final = "unnamed"
"""The name of a call that came without one: no tool has it, and the model is told so."""

_PREFIX: Final = "functions."
_TEMPLATE: Final = "<|"
_CLOSES: Final = {"{": "}", "[": "]", '"': '"', "n": "l"}
"""By what a JSON document begins with, what it ends with; `null` is one too."""
_MAX_ID_CHARS: Final = 256


class Piece:
    """What one delta says of a call. Whatever is empty was not said."""

    __slots__ = ("arguments", "extra", "id", "index", "name")

    def __init__(self, raw: Mapping[str, Any], index: int | None = None) -> None:
        found = raw.get("function")
        function: Mapping[str, Any] = found if isinstance(found, Mapping) else raw
        self.index = _index(raw.get("index"))
        if self.index is None:
            self.index = index
        self.id = _word(raw.get("id"))
        self.name = _word(function.get("name"))
        self.arguments = _arguments(function.get("arguments"))
        self.extra = raw.get("extra_content")


class Call:
    """A call in the making."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.given_id = ""
        self.place: int | None = None
        """Where in the output it stands, if that is known."""
        self.call_id = ""
        """The id by which it is known from here on, once it has one."""
        self.name = ""
        self.extra: Any = None
        self._parts: list[str] = []
        self._first = self._last = ""
        self._text = Pieces()

    @property
    def arguments(self) -> str:
        """The arguments as they came, so far."""
        return "".join(self._parts)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments so far are a JSON document. It is asked with every piece, and looks
        at all of them only where the last one may be the end."""
        if not self._last or _CLOSES.get(self._first) != self._last:
            return False
        try:
            json.loads(self.arguments)
        except RecursionError:
            return True
        except ValueError:
            return False
        return True

    def add(self, piece: str) -> None:
        """Go on with the arguments."""
        piece = self._text.feed(piece)
        self._parts.append(piece)
        if bare := piece.strip():
            self._first, self._last = self._first or bare[0], bare[-1]

    def replace(self, arguments: str) -> None:
        """Set the arguments, whatever came before."""
        self._parts, self._first, self._last = [], "", ""
        self._text = Pieces()
        self.add(arguments)

    def close(self) -> None:
        """No more comes: the arguments are written as they are to be read and kept."""
        self._parts = [written(self.arguments + self._text.close())]


class Calls:
    """The calls of one response, in the order in which they began."""

    def __init__(self, names: Collection[str], used_ids: Collection[str]) -> None:
        self.all: list[Call] = []
        self._names = names
        self._used = set(used_ids)

    def take(self, piece: Piece) -> Call:
        """Add a piece to the call that it belongs to. Gives that call."""
        call = self._begun_by(piece)
        if call is None or self._begins_another(call, piece):
            name = call.name if call is not None and not piece.name else ""
            call = self.begin(piece.index)
            call.name = name
        if piece.id and not call.given_id:
            call.given_id = piece.id
        if piece.name:
            call.name = self._joined(call.name, piece.name)
        if piece.extra is not None:
            call.extra = piece.extra
        if piece.arguments:
            whole = call.arguments if call.is_whole else ""
            if whole.strip() == "{}":
                call.replace("")  # an empty beginning, of bridges from Anthropic's protocol
            if piece.arguments != whole:
                call.add(piece.arguments)
        return call

    def begin(self, index: int | None) -> Call:
        """Begin a call."""
        self.all.append(Call(index))
        return self.all[-1]

    def knows(self, name: str) -> bool:
        """Tell whether there is a tool of a name."""
        return name in self._names

    def name(self, call: Call) -> None:
        """Give a call its id: the provider's own, if nothing of the run has it yet."""
        call.name = call.name or NAMELESS
        given = call.given_id
        fits = given and given not in self._used and len(given) <= _MAX_ID_CHARS
        call.call_id = given if fits else new_call_id()
        self._used.add(call.call_id)

    def _begun_by(self, piece: Piece) -> Call | None:
        """The call that a piece goes on with, if it begins no other."""
        if not self.all:
            return None
        last = self.all[-1]
        with_id = self._last(lambda call: bool(piece.id) and call.given_id == piece.id)
        if piece.index is None:
            return with_id or last
        with_index = self._last(lambda call: call.index == piece.index)
        if with_index is not None:
            return with_index
        if with_id is not None and not (piece.name and with_id.is_whole):
            return with_id  # the index counts the deltas
        begins = piece.id or piece.name or last.is_whole
        return None if begins else last

    def _last(self, wanted: Any) -> Call | None:
        return next((call for call in reversed(self.all) if wanted(call)), None)

    def _begins_another(self, call: Call, piece: Piece) -> bool:
        """Tell whether a piece with the index of a call, or none, is another call all the same."""
        if piece.id and call.given_id and piece.id != call.given_id:
            return bool(piece.name) or call.is_whole
        if piece.name and call.name and self._joined(call.name, piece.name) != call.name:
            return self.knows(self.clean(piece.name)) and self.knows(call.name)
        more = piece.arguments.strip()
        return bool(more) and call.is_whole and call.arguments.strip() not in ("{}", more)

    def _joined(self, name: str, piece: str) -> str:
        """The name with one more piece, which may be the whole name again."""
        for candidate in (name + piece, piece):
            if self.knows(clean := self.clean(candidate)):
                return clean
        if self.knows(name) or piece == name:
            return name
        return piece if piece.startswith(name) else name + piece

    def clean(self, name: str) -> str:
        """A name without what a template left in it, where that gives a tool's name."""
        name = name.strip()
        if self.knows(name):
            return name
        bare = name.removeprefix(_PREFIX).partition(_TEMPLATE)[0].strip()
        return bare if self.knows(bare) else name


def _index(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def _word(value: object) -> str:
    if isinstance(value, str):
        return storable(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _arguments(value: object) -> str:
    """Arguments as text: an object, say, where a provider left out to write it down."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "[" * 100  # deeper than anybody may nest: no JSON, as the model will be told

"""Reads events of the Responses API ("Streaming events")."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, Final

from sidestream.chat.model.normalise.assembly import Assembly
from sidestream.chat.model.normalise.calls import Call, Piece
from sidestream.chat.model.normalise.ends import End, end_of
from sidestream.chat.model.normalise.messages import Kind
from sidestream.chat.model.normalise.slots import Slots
from sidestream.chat.model.normalise.usage import usage_of
from sidestream.chat.refusals import SERVER_ERROR, code_of
from sidestream.storable import storable_json

_TEXTS: Final[dict[str, tuple[Kind, str]]] = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
}
_TERMINAL: Final = frozenset({"completed", "incomplete", "failed", "cancelled", "done"})


class ResponsesReader:
    """Tells an assembly what events say. A document may also be a whole response."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._calls: dict[Hashable, Call] = {}
        self._messages: dict[Hashable, str] = {}
        self._reasoning: set[Hashable] = set()
        self._slots = {
            "message": Slots(),
            "function_call": Slots(are_calls=True),
            "reasoning": Slots(),
        }
        self._by_kind: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "created": self._created,
            "in_progress": self._created,
            "output_text.delta": partial(self._words, kind="text", whole=False),
            "output_text.done": partial(self._words, kind="text", whole=True),
            "refusal.delta": partial(self._words, kind="refusal", whole=False),
            "refusal.done": partial(self._words, kind="refusal", whole=True),
            "output_text.annotation.added": self._cite,
            "content_part.done": self._part_done,
            "function_call_arguments.delta": partial(self._arguments, whole=False),
            "function_call_arguments.done": partial(self._arguments, whole=True),
            "output_item.added": partial(self._item_event, whole=False),
            "output_item.done": partial(self._item_event, whole=True),
        }

    def read(self, name: str, event: Mapping[str, Any]) -> bool:
        """Read one event, whose type is its name where it does not tell it itself."""
        if event.get("object") == "response":
            return self._response(event)
        told = event.get("type")
        kind = (told if isinstance(told, str) and told else name).removeprefix("response.")
        if kind in _TERMINAL:
            return self._response(_mapping(event.get("response")), kind)
        if kind == "error" or (event.get("error") and kind not in self._by_kind):
            # Of an event of this kind `type` is no code.
            own = {name: event.get(name) for name in ("code", "message", "param")}
            self._assembly.ended(End.FAILED, code_of(event.get("error") or own))
            return True
        if (take := self._by_kind.get(kind)) is not None:
            take(event)
        return False

    def close(self) -> None:
        """No more comes."""

    def _created(self, event: Mapping[str, Any]) -> None:
        self._assembly.create(_mapping(event.get("response")).get("id"))

    def _message(self, event: Mapping[str, Any]) -> Hashable:
        """The message that an event is about, which it may be the first to name."""
        key = self._slots["message"].of_delta(event)
        self._messages.setdefault(key, "")
        return key

    def _words(self, event: Mapping[str, Any], *, kind: Kind, whole: bool) -> None:
        key, messages = self._message(event), self._assembly.messages
        if whole:
            messages.whole_words(key, _part(event), kind, event.get(kind))
        else:
            messages.words(key, _part(event), kind, event.get("delta"))

    def _cite(self, event: Mapping[str, Any]) -> None:
        self._assembly.messages.cite(self._message(event), _part(event), event.get("annotation"))

    def _part_done(self, event: Mapping[str, Any]) -> None:
        self._content(self._message(event), _part(event), event.get("part"))

    def _item_event(self, event: Mapping[str, Any], *, whole: bool) -> None:
        item = event.get("item")
        if isinstance(item, Mapping) and (slots := self._slots.get(str(item.get("type")))):
            self._item(item, slots.of_item(event, item, whole=whole), whole=whole)

    def _content(self, key: Hashable, name: Hashable, part: object) -> None:
        """Take what was not streamed of a part of a message."""
        if not isinstance(part, Mapping) or part.get("type") not in _TEXTS:
            return
        kind, field = _TEXTS[part["type"]]
        self._assembly.messages.whole_words(key, name, kind, part.get(field))
        annotations = part.get("annotations")
        for raw in annotations if isinstance(annotations, list) else ():
            self._assembly.messages.cite(key, name, raw)

    def _item(self, item: Mapping[str, Any], key: Hashable, *, whole: bool) -> None:
        """Take an item of the output as it begins, or as it is when it is `whole`."""
        self._assembly.create()
        match item.get("type"):
            case "message":
                self._messages[key] = str(item.get("id") or "")
                self._assembly.messages.announce(key, item.get("id"), _place(key))
                if whole:
                    content = item.get("content")
                    for name, part in enumerate(content if isinstance(content, list) else ()):
                        self._content(key, name, part)
                    self._assembly.messages.whole(key)
            case "function_call":
                piece = Piece({**item, "id": item.get("call_id")})
                self._call(key, piece, whole=whole)
            case "reasoning" if whole and key not in self._reasoning:
                self._reasoning.add(key)
                self._assembly.reason(storable_json(dict(item)), _place(key))

    def _arguments(self, event: Mapping[str, Any], *, whole: bool) -> None:
        arguments = event.get("arguments" if whole else "delta")
        piece = Piece({"arguments": arguments, "name": event.get("name")})
        self._call(self._slots["function_call"].of_delta(event), piece, whole=whole)

    def _call(self, key: Hashable, piece: Piece, *, whole: bool) -> None:
        calls = self._assembly.calls
        if key not in self._calls:
            self._calls[key] = calls.begin(None)
        call = self._calls[key]
        call.given_id = call.given_id or piece.id
        call.name = call.name or calls.clean(piece.name)
        if whole and piece.arguments:
            call.replace(piece.arguments)
        elif piece.arguments:
            call.add(piece.arguments)
        call.place = _place(key)
        self._assembly.announce(call)

    def _response(self, response: Mapping[str, Any], event: str = "") -> bool:
        """Take the response as it is at its end: what was not streamed, its usage, how it ended."""
        self._assembly.create(response.get("id"))
        output = response.get("output")
        seen: Counter[str] = Counter()
        for place, item in enumerate(output if isinstance(output, list) else ()):
            if isinstance(item, Mapping):
                kind = str(item.get("type"))
                self._item(item, self._streamed(item, kind, seen[kind], place), whole=True)
                seen[kind] += 1
        if (usage := usage_of(response.get("usage"))) is not None:
            self._assembly.usage = usage
        self._end(response, event)
        return True

    def _streamed(self, item: Mapping[str, Any], kind: str, nth: int, place: int) -> Hashable:
        """The key under which an item of the whole output was streamed: that of its id, or of the
        item of its kind that came as the same in order. Else it is new."""
        ids = {"message": self._messages, "function_call": self._call_ids()}.get(kind, {})
        wanted = item.get("call_id") if kind == "function_call" else item.get("id")
        same = [key for key, known in ids.items() if known and known == wanted]
        if len(same) == 1:
            return same[0]
        keys = sorted(ids, key=lambda key: (_place(key) is None, _place(key) or 0))
        if nth < len(keys):
            return keys[nth]
        return f"output {place}" if place in keys else place

    def _call_ids(self) -> dict[Hashable, str]:
        return {key: call.given_id for key, call in self._calls.items()}

    def _end(self, response: Mapping[str, Any], event: str) -> None:
        told = (response.get("status"), event)
        if response.get("error"):
            self._assembly.ended(End.FAILED, code_of(response["error"]))
        elif "failed" in told or "cancelled" in told:
            self._assembly.ended(End.FAILED, SERVER_ERROR)
        elif "incomplete" in told:
            end = end_of(_mapping(response.get("incomplete_details")).get("reason"))
            if end not in (End.LENGTH, End.FILTERED):
                end = End.FAILED
            self._assembly.ended(end, SERVER_ERROR if end is End.FAILED else "")
        else:
            self._assembly.ended(End.DONE)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _place(key: Hashable) -> int | None:
    place = key[0] if isinstance(key, tuple) else key
    return place if isinstance(place, int) else None


def _part(event: Mapping[str, Any]) -> Hashable:
    index = event.get("content_index")
    return index if isinstance(index, int) else 0

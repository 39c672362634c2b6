"""The conversation so far, made whole before it is sent.

What is stored and what the Agents SDK gathers in a run come as items of the Responses API, in any
state: calls whose output never came, arguments that are no JSON object, halves of surrogate pairs.
Here they become messages of the person and steps of the model, whole and in an order that strict
servers take; `messages` and `items` write them for the two APIs. What was read before is read the
same way again when more has come, so that a provider's cache of the beginning stays good.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from agents import TResponseInputItem

from sidestream.chat.model.normalise.calls import NAMELESS
from sidestream.chat.model.sent.ids import CallIds
from sidestream.chat.model.sent.providers import Provider
from sidestream.storable import storable_json

UNKNOWN_OUTPUT: Final = "This call was interrupted. It is not known what it did."
"""The output of a call that has none: each call needs one, for OpenAI as for everybody."""

# What a model called need not be a tool's name; OpenAI refuses others in what has been, too:
# `string does not match pattern '^[a-zA-Z0-9_-]+$'`, `string too long`.
_UNFIT_IN_NAME: Final = re.compile("[^A-Za-z0-9_-]")
_MAX_NAME_CHARS: Final = 64

_BEGINNING: Final = "(The beginning of this conversation is left out.)"
_GO_ON: Final = "Go on."

type Part = dict[str, Any]
"""An item or a content part of the Responses API, as JSON."""

# With its type: llama.cpp's Responses know no item without one.
_FILLER: Final[Part] = {"type": "message", "role": "assistant", "content": "OK."}
"""What the model says where only its words may stand, and it had none."""


@dataclass(slots=True)
class Asked:
    """What is put to the model: a message of the person, or a `note` of the application."""

    parts: list[Part]
    note: bool = False


@dataclass(slots=True)
class Call:
    """A call of the model, or one that was made for the person, with its output."""

    item: Part
    output: str | list[Part] | None = None
    call_id: str = ""
    """The id under which it is sent."""

    @property
    def name(self) -> str:
        return str(self.item.get("name"))

    @property
    def arguments(self) -> str:
        return str(self.item.get("arguments"))


@dataclass(slots=True)
class Step:
    """A response of the model: its reasoning, words and calls in their order."""

    parts: list[Part] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def words(self) -> str:
        """What it said."""
        said = (_words(part) for part in self.parts if part.get("role") == "assistant")
        return "\n\n".join(words for words in said if words)

    @property
    def reasoning(self) -> list[Part]:
        """What it thought, as items of type `reasoning`."""
        return [part for part in self.parts if part.get("type") == "reasoning"]

    @property
    def answered(self) -> bool:
        return any(call.output is not None for call in self.calls)


type Conversation = list[Asked | Step]


def read(items: Iterable[TResponseInputItem], provider: Provider) -> Conversation:
    """Read what is to be sent to a provider."""
    reader = _Reader()
    for item in items:
        reader.feed(cast(Part, storable_json(item)))
    conversation = reader.entries if provider.openai else _in_order(reader.entries)
    ids = CallIds(provider.ids)
    for step in conversation:
        for call in step.calls if isinstance(step, Step) else ():
            given_id = str(call.item.get("call_id") or "")
            call.call_id = ids.give(given_id, own=provider.gave(call.item))
    return conversation


class _Reader:
    """Puts the items together to messages and steps."""

    def __init__(self) -> None:
        self.entries: Conversation = []
        self._waiting: list[Call] = []

    def feed(self, item: Part) -> None:
        kind, role = item.get("type"), item.get("role")
        if kind == "function_call_output":
            self._output(item)
        elif kind == "function_call":
            name = _UNFIT_IN_NAME.sub("_", str(item.get("name") or ""))[:_MAX_NAME_CHARS]
            arguments = _json_object(item.get("arguments"))
            call = Call({**item, "name": name or NAMELESS, "arguments": arguments})
            step = self._step()
            step.parts.append(call.item)
            step.calls.append(call)
            self._waiting.append(call)
        elif kind == "reasoning":
            self._step().parts.append(item)
        elif role == "assistant":
            if _words(item):
                self._step().parts.append(item)
        elif role in ("user", "system", "developer") and (parts := _parts(item.get("content"))):
            self.entries.append(Asked(parts, note=role != "user"))

    def _step(self) -> Step:
        """The step that is being read: one whose calls have an output is over."""
        last = self.entries[-1] if self.entries else None
        if isinstance(last, Step) and not last.answered:
            return last
        self.entries.append(step := Step())
        return step

    def _output(self, item: Part) -> None:
        """An output goes with the first call of its id that has none. One without a call goes."""
        for call in self._waiting:
            if call.item.get("call_id") == item.get("call_id"):
                self._waiting.remove(call)
                output = item.get("output")
                call.output = output if isinstance(output, list) else str(output or "")
                return


def _in_order(entries: Conversation) -> Conversation:
    """Give the conversation as strict templates want it: the person first, then in turns.

    `Conversation roles must alternate user/assistant/user/assistant/...` (Mistral's and Gemma's
    templates), `Unexpected role 'user' after role 'tool'` (Mistral, code 3230). A message without
    an answer is not put together with the next one: it would be answered again.
    """
    ordered: Conversation = []
    notes: list[Part] = []
    for entry in entries:
        last = ordered[-1] if ordered else None
        if isinstance(entry, Step):
            _tell(ordered, notes)
            last = ordered[-1] if ordered else None
            if last is None:
                ordered.append(Asked([_text(_BEGINNING)]))
            if isinstance(last, Step) and not last.calls:
                ordered[-1] = Step(last.parts + entry.parts, entry.calls)
            else:
                ordered.append(entry)
        elif entry.note:
            notes += entry.parts
        else:
            if isinstance(last, Asked) or (isinstance(last, Step) and last.calls):
                ordered.append(Step([_FILLER]))
            ordered.append(Asked([*_framed(notes), *entry.parts]))
            notes = []
    _tell(ordered, notes)
    if ordered and isinstance(ordered[-1], Step) and not ordered[-1].calls:
        # `Expected last role User or Tool` (Mistral); others take it for an answer to go on with.
        ordered.append(Asked([_text(_GO_ON)]))
    return ordered


def _tell(ordered: Conversation, notes: list[Part]) -> None:
    """Put notes that no message of the person follows where a message may stand."""
    if not notes:
        return
    framed = _framed(notes)
    notes.clear()
    last = ordered[-1] if ordered else None
    if isinstance(last, Asked):
        ordered[-1] = Asked(last.parts + framed)
        return
    if isinstance(last, Step) and last.calls:
        ordered.append(Step([_FILLER]))
    ordered.append(Asked(framed))


def _framed(notes: list[Part]) -> list[Part]:
    """Mark notes, so that they are not taken for the person's words."""
    return [_text(f"<note>{note.get('text', '')}</note>") for note in notes]


def _text(words: str) -> Part:
    return {"type": "input_text", "text": words}


def _parts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [_text(content)] if content else []
    parts = [part for part in content or () if isinstance(part, dict)]
    return [part for part in parts if part.get("text") != ""]


def _words(item: Mapping[str, Any]) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    said = (part for part in content or () if isinstance(part, dict))
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in said)


def _json_object(arguments: Any) -> str:
    """Give a call's arguments as the text of a JSON object: an empty one for what is none.

    Gemini, Anthropic and most templates refuse anything else, also in what has been.
    """
    try:
        read_once = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
        if isinstance(read_once, dict):
            # JSON names halves of pairs that its own text does not have.
            return json.dumps(storable_json(read_once), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        pass
    return "{}"

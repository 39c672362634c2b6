"""Messages: the words of a response, as they come.

A message is announced when there is something of it to see, so an empty one never is. One speaks at
a time; what comes for another meanwhile waits until that one is over.
"""

from collections.abc import Hashable, Mapping
from typing import Any, Literal, cast

from openai.types.responses import (
    ResponseContentPartAddedEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseOutputTextAnnotationAddedEvent,
    ResponseRefusalDeltaEvent,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_output_text import AnnotationURLCitation

from sidestream.chat.model.normalise.made import made_of
from sidestream.chat.model.normalise.outgoing import Outgoing
from sidestream.storable import Pieces, storable
from sidestream.visible import is_visible

type Kind = Literal["text", "refusal"]


class _Part:
    """A part of a message: its words, those that are out and those that wait."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.index = -1
        """Its place among the parts that are out; -1 before it is."""
        self.citations: list[AnnotationURLCitation] = []
        self._said: list[str] = []
        self._unsaid: list[str] = []
        self._pieces = Pieces()

    @property
    def text(self) -> str:
        return "".join(self._said) + "".join(self._unsaid)

    def add(self, piece: str) -> None:
        if piece := self._pieces.feed(piece):
            self._unsaid.append(piece)

    def complete(self, text: str) -> None:
        """Add what is missing to a text that begins as it does here."""
        had = self.text
        if text.startswith(had) and len(text) > len(had):
            self._pieces = Pieces()
            self._unsaid.append(text[len(had) :])

    def close(self) -> None:
        if left := self._pieces.close():
            self._unsaid.append(left)

    def say(self) -> str:
        """Give the words that wait, if there is something to see in the part."""
        if not self._unsaid:
            return ""
        words = self._unsaid[0] if len(self._unsaid) == 1 else "".join(self._unsaid)
        if not self._said and not is_visible(words):
            return ""
        self._said.append(words)
        self._unsaid.clear()
        return words

    def made(self) -> ResponseOutputText | ResponseOutputRefusal:
        if self.kind == "refusal":
            return ResponseOutputRefusal(type="refusal", refusal="".join(self._said))
        return made_of(
            ResponseOutputText,
            type="output_text",
            text="".join(self._said),
            annotations=list(self.citations),
        )


class _Message:
    """A message in the making."""

    def __init__(self, given_id: object, place: int | None) -> None:
        self.given_id = given_id
        self.place = place
        self.id = ""
        """Its id once it is out."""
        self.parts: dict[Hashable, _Part] = {}
        self.said: list[_Part] = []
        self.is_whole = False
        """Whether all of it has come."""
        self.is_over = False
        """Whether all of it is out."""

    def made(self) -> ResponseOutputMessage:
        return made_of(
            ResponseOutputMessage,
            id=self.id,
            type="message",
            role="assistant",
            status="completed",
            content=[part.made() for part in self.said],
        )


class Messages:
    """The messages of one response, by the keys that its reader has for them."""

    def __init__(self, out: Outgoing) -> None:
        self._out = out
        self._all: dict[Hashable, _Message] = {}
        self._open: _Message | None = None

    def announce(self, key: Hashable, given_id: object, place: int | None) -> None:
        """A message will come, at a place in the output if that is known."""
        if key not in self._all:
            self._all[key] = _Message(given_id, place)

    def words(self, key: Hashable, part: Hashable, kind: Kind, piece: object) -> None:
        """Words, or those of a refusal, came for a part of a message."""
        if isinstance(piece, str) and piece:
            self._part(key, part, kind).add(piece)
            self._speak(self._all[key])

    def whole_words(self, key: Hashable, part: Hashable, kind: Kind, text: object) -> None:
        """A part is whole: what of it never came is taken from here."""
        if isinstance(text, str) and text:
            self._part(key, part, kind).complete(storable(text))
            self._speak(self._all[key])

    def cite(self, key: Hashable, part: Hashable, raw: object) -> None:
        """A source of a part's words was named."""
        citation = _citation(raw)
        if citation is None:
            return
        found = self._part(key, part, "text")
        if citation not in found.citations:
            found.citations.append(citation)
            if found.index >= 0:
                self._annotate(self._all[key], found, len(found.citations) - 1)

    def whole(self, key: Hashable) -> None:
        """All of a message has come: when it is out, the next may speak."""
        message = self._all[key]
        message.is_whole = True
        self._speak(message)
        self._go_on()

    def close(self) -> None:
        """No more comes."""
        for message in self._all.values():
            for part in message.parts.values():
                part.close()
            message.is_whole = True
        if self._open is not None:
            self._speak(self._open)
        self._go_on()

    def made(self) -> list[tuple[int | None, ResponseOutputMessage]]:
        """Give what was said, each message with its place."""
        return [(message.place, message.made()) for message in self._all.values() if message.said]

    def _part(self, key: Hashable, name: Hashable, kind: Kind) -> _Part:
        self.announce(key, None, None)
        parts = self._all[key].parts
        if name not in parts:
            parts[name] = _Part(kind)
        return parts[name]

    def _speak(self, message: _Message) -> None:
        """Let the words of a message out, unless another one is speaking."""
        if message.is_over or self._open not in (None, message):
            return
        for part in message.parts.values():
            if words := part.say():
                self._say(message, part, words)

    def _go_on(self) -> None:
        """End the message that speaks, if it is whole, and let the next ones speak."""
        for message in self._all.values():
            if self._open is not None and self._open.is_whole:
                self._end(self._open)
            if self._open is None:
                self._speak(message)
        if self._open is not None and self._open.is_whole:
            self._end(self._open)

    def _say(self, message: _Message, part: _Part, words: str) -> None:
        if self._open is None:
            self._begin(message)
        begins = part.index < 0
        if begins:
            self._begin_part(message, part)
        where: dict[str, Any] = {
            "content_index": part.index,
            "item_id": message.id,
            "output_index": message.place or 0,
        }
        if part.kind == "refusal":
            self._out.add(
                ResponseRefusalDeltaEvent, type="response.refusal.delta", delta=words, **where
            )
        else:
            self._out.add(
                ResponseTextDeltaEvent,
                type="response.output_text.delta",
                delta=words,
                logprobs=[],
                **where,
            )
        if begins:
            for index in range(len(part.citations)):
                self._annotate(message, part, index)

    def _begin(self, message: _Message) -> None:
        self._open = message
        self._out.begun = True
        message.id = self._out.id_of(message.given_id)
        self._out.add(
            ResponseOutputItemAddedEvent,
            type="response.output_item.added",
            item=ResponseOutputMessage(
                id=message.id,
                type="message",
                role="assistant",
                status="in_progress",
                content=[],
            ),
            output_index=message.place or 0,
        )

    def _begin_part(self, message: _Message, part: _Part) -> None:
        part.index = len(message.said)
        message.said.append(part)
        empty = (
            ResponseOutputRefusal(type="refusal", refusal="")
            if part.kind == "refusal"
            else ResponseOutputText(type="output_text", text="", annotations=[])
        )
        self._out.add(
            ResponseContentPartAddedEvent,
            type="response.content_part.added",
            content_index=part.index,
            item_id=message.id,
            output_index=message.place or 0,
            part=empty,
        )

    def _annotate(self, message: _Message, part: _Part, index: int) -> None:
        self._out.add(
            ResponseOutputTextAnnotationAddedEvent,
            type="response.output_text.annotation.added",
            annotation=cast(Any, part.citations[index]),
            annotation_index=index,
            content_index=part.index,
            item_id=message.id,
            output_index=message.place or 0,
        )

    def _end(self, message: _Message) -> None:
        self._open = None
        message.is_over = True
        self._out.add(
            ResponseOutputItemDoneEvent,
            type="response.output_item.done",
            item=message.made(),
            output_index=message.place or 0,
        )


def _citation(raw: object) -> AnnotationURLCitation | None:
    """The address that words come from, in the form of either API, if it is one."""
    if not isinstance(raw, Mapping) or raw.get("type") != "url_citation":
        return None
    inner = raw.get("url_citation")
    fields: Mapping[str, Any] = inner if isinstance(inner, Mapping) else raw
    url, title, end = fields.get("url"), fields.get("title"), fields.get("end_index")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return None
    cited: dict[str, Any] = {"type": "url_citation", "url": storable(url)}
    cited["title"] = storable(title) if isinstance(title, str) and title else cited["url"]
    if isinstance(end, int) and not isinstance(end, bool) and end >= 0:
        cited["end_index"] = end
    return AnnotationURLCitation.construct(**cited)

"""Reading: the bytes of one response in, events out, until it is over."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Protocol

from openai.types.responses import ResponseStreamEvent

from sidestream.chat.failures import STREAM_BROKEN
from sidestream.chat.model.normalise.assembly import Assembly
from sidestream.chat.model.normalise.completions import CompletionsReader
from sidestream.chat.model.normalise.ends import End
from sidestream.chat.model.normalise.responses import ResponsesReader
from sidestream.chat.model.normalise.sse import Event, Events, TooLong

_DONE: Final = "[DONE]"
_JSON: Final = json.JSONDecoder(strict=False)


class Reader(Protocol):
    """Reads the documents of one protocol, and tells an assembly what they say."""

    def read(self, name: str, document: Mapping[str, Any]) -> bool:
        """Read one document, and the name of its event. Tells whether it is the last."""

    def close(self) -> None:
        """No more comes."""


class Reading:
    """One response as it comes.

        READING --[DONE], a terminal event---> OVER    as the provider said
           |-----the body ends-----------------> OVER    as it said; else it is broken
           `-----no JSON, a broken connection--> OVER    broken: what came is kept

    Every way ends with exactly one terminal event.
    """

    def __init__(
        self,
        reader: Callable[[Assembly], Reader],
        *,
        tools: Collection[str] = (),
        used_ids: Collection[str] = (),
    ) -> None:
        self._assembly = Assembly(tools, used_ids)
        self._reader = reader(self._assembly)
        self._events = Events()
        self.over = False
        """Whether the terminal event has been given."""

    @property
    def begun(self) -> bool:
        """Whether anything has been given that a person may have seen."""
        return self._assembly.out.begun

    @property
    def ended(self) -> bool:
        """Whether the provider has told an end, behind which little can come."""
        return self._assembly.end is not None

    def feed(self, chunk: bytes) -> list[ResponseStreamEvent]:
        """Give the events that come of some bytes."""
        if self.over:
            return []
        try:
            self._read(self._events.feed(chunk))
        except TooLong:
            self._break(STREAM_BROKEN)
        return self._assembly.out.take()

    def close(self) -> list[ResponseStreamEvent]:
        """The body has ended. Gives the events that are left."""
        if not self.over:
            self._read(self._events.close())
        if not self.over:
            self._finish() if self._assembly.end is not None else self._break(STREAM_BROKEN)
        return self._assembly.out.take()

    def broken(self, code: str) -> list[ResponseStreamEvent]:
        """The connection broke. Gives the events that are left."""
        if not self.over:
            self._finish() if self._assembly.end is not None else self._break(code)
        return self._assembly.out.take()

    def _read(self, events: list[Event]) -> None:
        for event in events:
            if self.over:
                return
            if event.lines[0].lstrip().startswith(_DONE):
                self._finish()
                return
            try:
                documents = _documents(event)
            except ValueError:
                self._break(STREAM_BROKEN)
                return
            if any(self._reader.read(event.name, document) for document in documents):
                self._finish()

    def _break(self, code: str) -> None:
        self._assembly.ended(End.FAILED, code)
        self._finish()

    def _finish(self) -> None:
        self.over = True
        self._reader.close()
        self._assembly.close()


def completions(tools: Collection[str] = (), used_ids: Collection[str] = ()) -> Reading:
    """Begin to read a response of the Chat Completions API, to a request that offered some tools
    and holds some ids."""
    return Reading(CompletionsReader, tools=tools, used_ids=used_ids)


def responses(tools: Collection[str] = (), used_ids: Collection[str] = ()) -> Reading:
    """Begin to read a response of the Responses API, to a request that offered some tools and
    holds some ids."""
    return Reading(ResponsesReader, tools=tools, used_ids=used_ids)


def _documents(event: Event) -> list[Mapping[str, Any]]:
    """The documents of an event: one, or one in each line. Raises `ValueError`."""
    if len(event.lines) == 1:
        return [_document(event.lines[0])]
    try:
        return [_document("\n".join(event.lines))]
    except ValueError:
        return [_document(line) for line in event.lines if line.strip()]


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = _JSON.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(document, Mapping):
        raise ValueError("no object")
    return document

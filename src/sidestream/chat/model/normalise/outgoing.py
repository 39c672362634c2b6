"""Outgoing: the events of a response that are ready to be given."""

from collections.abc import Collection
from typing import Any, Final, cast

from openai import BaseModel
from openai.types.responses import ResponseStreamEvent

from sidestream.chat.model.normalise.made import made_of
from sidestream.storable import storable
from sidestream.store.ids import new_id

OWN_ID: Final = "own"
"""What ids begin with that no provider gave, and that no provider shall be told."""


class Outgoing:
    """Events in their order, numbered, and the ids that are in use."""

    def __init__(self, used_ids: Collection[str]) -> None:
        self.begun = False
        """Whether a person may have seen something of the response."""
        self._events: list[ResponseStreamEvent] = []
        self._number = -1
        self._used = set(used_ids)

    def add(self, kind: type[BaseModel], **fields: Any) -> None:
        """Add an event of a kind, under the next number."""
        self._number += 1
        event = made_of(kind, **fields, sequence_number=self._number)
        self._events.append(cast(ResponseStreamEvent, event))

    def take(self) -> list[ResponseStreamEvent]:
        """Give the events that are ready, once."""
        events, self._events = self._events, []
        return events

    def id_of(self, given: object) -> str:
        """Give the id that a provider gave, if nothing of the run has it yet; else one of ours."""
        known = storable(given) if isinstance(given, str) else ""
        chosen = known if known and known not in self._used else new_id(OWN_ID)
        self._used.add(chosen)
        return chosen

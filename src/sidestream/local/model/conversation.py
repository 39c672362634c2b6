"""What a request says, whichever protocol it came by: instructions, tools, and the items so far.

`wire` and `completions` read their own JSON into a `Conversation`; everything that decides an
answer reads nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sidestream.time_zone import time_zone

_TIME_ZONE = re.compile(r"\btime zone is ([\w+/-]+)")

CARD_ANSWER = "The person answered a question on a card:"

# Items that converters put in the user's mouth; none of them is something the user said.
_NOT_SPEECH = (
    CARD_ANSWER,
    "A message was displayed to the user that",
    "A structured input request was displayed to the user",
    "The following graphical UI widget",
    "The following image was generated",
    "The user is referring to this in particular",
    "Hidden context for the agent",
    "# User-provided context",
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is its JSON Schema."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A function call that the model wants, before it has an id."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """A file beside a message: an image, or a text. `text` is None where it cannot be read."""

    name: str = ""
    text: str | None = None
    is_image: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the user or the assistant."""

    role: Literal["user", "assistant"]
    text: str
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A function call that was made, and what came back."""

    request: ToolRequest
    output: str


@dataclass(frozen=True, slots=True)
class Step:
    """What the model does next: calls functions, or says `text` and ends its run.

    With both, it speaks before it calls; the Responses API can also have it the other way round.
    With `refuses`, the text is a refusal.
    """

    text: str = ""
    calls: tuple[ToolRequest, ...] = ()
    calls_first: bool = False
    refuses: bool = False

    @property
    def speaks(self) -> bool:
        """Whether there is a message, be it an empty one."""
        return bool(self.text) or not self.calls


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request, free of its protocol. `forced` names the tool that has to be called."""

    instructions: str
    items: tuple[Message | Exchange, ...]
    tools: tuple[Tool, ...] = ()
    parallel: bool = True
    may_call: bool = True
    forced: str | None = None

    @property
    def time_zone(self) -> ZoneInfo:
        """The person's, as far as the instructions name it."""
        named = _TIME_ZONE.search(self.instructions)
        return time_zone(named and named[1])

    @property
    def said(self) -> list[str]:
        """The user's own messages, oldest first."""
        return [message.text for message in self._speech]

    @property
    def files(self) -> tuple[File, ...]:
        """The files beside the user's last message."""
        return self._speech[-1].files if self._speech else ()

    @property
    def first_files(self) -> tuple[File, ...]:
        """The files beside the user's first message."""
        return self._speech[0].files if self._speech else ()

    @property
    def past(self) -> tuple[Message | Exchange, ...]:
        """Everything before the last message of the user."""
        return self.items[: self._last_said]

    @property
    def run(self) -> list[Exchange]:
        """The calls made since the user last spoke."""
        return [item for item in self.items[self._last_said :] if isinstance(item, Exchange)]

    @property
    def after_card(self) -> list[Exchange] | None:
        """The calls since the user answered a card; None when the last word was another."""
        exchanges: list[Exchange] = []
        for item in reversed(self.items):
            if isinstance(item, Exchange):
                exchanges.insert(0, item)
            else:
                return exchanges if item.text.startswith(CARD_ANSWER) else None
        return None

    @property
    def wants_title(self) -> bool:
        """Whether this is a request to name the thread, not a run of it."""
        return not self.tools and "title" in self.instructions.lower()

    @property
    def _speech(self) -> list[Message]:
        return [item for item in self.items if isinstance(item, Message) and is_speech(item)]

    @property
    def _last_said(self) -> int:
        for index in range(len(self.items) - 1, -1, -1):
            item = self.items[index]
            if isinstance(item, Message) and is_speech(item):
                return index
        return len(self.items)


def is_speech(message: Message) -> bool:
    """Whether a message is the user's own words or files. One of notes alone is neither."""
    if message.role != "user" or message.text.startswith(_NOT_SPEECH):
        return False
    return bool(message.text or message.files)

"""What a language is made of here: rules that recognise what is meant, and phrases to answer with.

Rules match folded text (`sidestream.local.model.text`); what they capture is cut from the original,
so a title keeps its bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sidestream.local.model.remarks import Remark


class Kind(StrEnum):
    """What a clause asks for."""

    ADD = "add"
    LIST = "list"
    SHOW = "show"
    SEARCH = "search"
    UPDATE = "update"
    COMPLETE = "complete"
    REOPEN = "reopen"
    DELETE = "delete"
    PLAN = "plan"
    UNDO = "undo"
    TALK = "talk"
    UNKNOWN = "unknown"


class Spread(StrEnum):
    """Whether the words after "add" name one task or several."""

    NEVER = "never"
    WORDS = "words"  # several when every item is a single word: "add milk and bread"
    ALWAYS = "always"  # "add tasks: milk, bread"


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to say something: a pattern for a whole clause. `topic` names the small talk."""

    kind: Kind
    pattern: re.Pattern[str]
    topic: str = ""
    spread: Spread = Spread.NEVER


def talk(remarks: tuple[Remark, ...]) -> tuple[Rule, ...]:
    """The rules of what people say to anybody."""
    return tuple(Rule(Kind.TALK, remark.pattern, remark.topic) for remark in remarks)


@dataclass(frozen=True, slots=True)
class TargetWords:
    """How a language points at tasks. Patterns match folded text."""

    trim_start: re.Pattern[str]
    trim_end: re.Pattern[str]
    numbers: re.Pattern[str]
    ordinals: Mapping[str, int]
    pronoun: re.Pattern[str]
    several: re.Pattern[str]
    everything: re.Pattern[str]
    completed: re.Pattern[str]
    pending: re.Pattern[str]
    none: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Language:
    """A language: how it is understood, and how it answers."""

    code: str
    script: re.Pattern[str]
    rules: tuple[Rule, ...]
    courtesy_start: re.Pattern[str]
    courtesy_end: re.Pattern[str]
    separator: re.Pattern[str]
    opens_clause: re.Pattern[str]
    closes_clause: re.Pattern[str]
    conjunction: re.Pattern[str]
    title_notes: re.Pattern[str]
    title_due: re.Pattern[str]
    targets: TargetWords
    phrases: Mapping[str, str]

    def say(self, phrase: str, **values: object) -> str:
        """The phrase with its blanks filled."""
        return self.phrases[phrase].format(**values)


@dataclass(frozen=True, slots=True)
class Target:
    """Which task is meant: by name, by number in the list last shown, as "it", or all."""

    name: str = ""
    numbers: tuple[int, ...] = ()  # -1 is the last one
    pronoun: bool = False
    several: bool = False
    everything: bool = False
    completed: bool | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that a message asks for."""

    kind: Kind
    topic: str = ""
    title: str = ""
    notes: str | None = None
    due: str | None = None
    target: Target = field(default_factory=Target)
    completed: bool | None = None
    query: str = ""
    count: int | None = None
    name: str = ""
    words: str = ""

    def aimed_at(self, target: Target) -> "Intent":
        """The same request for another task."""
        return replace(self, target=target)

"""What a language is made of here: rules that recognise what is meant, and phrases to answer with.

Rules match a *folded* copy of the text, which has the same length as the original: letters that
are typed in several ways (Arabic and Urdu kaf, curly and straight quotes, digits of three scripts)
become one. What a rule captures is then cut from the original, so a title keeps its bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

_FOLDS = {
    **dict.fromkeys("يىئ", "ی"),
    "ك": "ک",
    **dict.fromkeys("هةۀ", "ہ"),
    **dict.fromkeys("‘’ʼ`", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("\u00a0\u200b\u200c\u200d\u200e\u200f\u061c\ufeff", " "),
    "؟": "?",
    "۔": ".",
    "،": ",",
    "؛": ";",
    **{chr(0x0660 + digit): str(digit) for digit in range(10)},
    **{chr(0x06F0 + digit): str(digit) for digit in range(10)},
}
_QUOTED = re.compile(r'"[^"\n]+"|(?<![^\s:])\'[^\'\n]+\'(?![^\s.,;:!?])')
_MASK = "\ue000"


def fold(text: str) -> str:
    """The text in one spelling, character for character: the result has the same length."""
    return "".join(_FOLDS.get(c) or (c.lower() if len(c.lower()) == 1 else c) for c in text)


@dataclass(frozen=True)
class Text:
    """A piece of a message: as written, and as rules see it (folded, quoted words hidden)."""

    original: str
    masked: str

    @classmethod
    def of(cls, original: str) -> "Text":
        """A whole message."""
        hidden = _QUOTED.sub(lambda m: m[0][0] + _MASK * (len(m[0]) - 2) + m[0][-1], fold(original))
        return cls(original, hidden)

    @cached_property
    def folded(self) -> str:
        """Folded, with quoted words visible."""
        return fold(self.original)

    def cut(self, start: int, end: int | None = None) -> "Text":
        """The piece between two positions, without white space around it."""
        piece = Text(self.original[start:end], self.masked[start:end])
        left = len(piece.masked) - len(piece.masked.lstrip())
        right = len(piece.masked.rstrip())
        return Text(piece.original[left:right], piece.masked[left:right])

    def group(self, match: re.Match[str], name: str) -> "Text":
        """What a named group of a match against `masked` captured."""
        return self.cut(*match.span(name))


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
    STORY = "story"
    ECHO = "echo"
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

    def aimed_at(self, target: Target) -> "Intent":
        """The same request for another task."""
        return replace(self, target=target)

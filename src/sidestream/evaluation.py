"""What an evaluation is made of: conversations of a domain, and what each has to come to.

A domain declares its conversations with these classes, and `sidestream eval` plays them to the
model that is configured. An outcome is what a person would check: the things that are there
afterwards, the lines of the trace, whether a question was put, and the language and the words of
the answer.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sidestream.domain import Domain, DomainError

type Thing = Mapping[str, Any]
"""Fields of a thing and what each has to be: a text is a pattern for the whole of it, whatever the
case of its letters; a `Moment` a time; anything else the value itself."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A day or a time: `days` from today in UTC, at any hour or none, or the very moment `at` (ISO
    8601)."""

    days: int = 0
    at: str | None = None

    def matches(self, value: object, now: datetime) -> bool:
        """Tell whether a day or a time in ISO 8601 is meant."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return False
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if self.at is not None:
            return moment == datetime.fromisoformat(self.at)
        return moment.astimezone(UTC).date() == now.astimezone(UTC).date() + timedelta(self.days)

    def __str__(self) -> str:
        return self.at or f"{self.days} days from today"


@dataclass(frozen=True, slots=True)
class Say:
    """A message of the person, with text files by their names."""

    words: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choose:
    """The person's answer to a question: each option that has the pattern in it."""

    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a conversation has to come to. What is left out is on the safe side.

    `things` are all that is there at its end, in any order; None is what was there at its start.
    `calls` are tools whose line stands in the trace, and `unused` those of which none may. `asks`
    tells whether a question was put to the person. The last answer has the pattern `says` in it,
    and not `never_says`.
    """

    things: Sequence[Thing] | None = None
    calls: Sequence[str] = ()
    unused: Sequence[str] = ()
    asks: bool = False
    says: str = ""
    never_says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One conversation: what is `given` before it (arguments of the tool that adds), what the
    person does, and what has to come of it. `about` is what it tries, `language` that of the
    person, in which the last answer has to be."""

    about: str
    language: str
    given: Sequence[Mapping[str, Any]] = ()
    steps: Sequence[Say | Choose]
    outcome: Outcome

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.about} ({self.language})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The conversations of a domain. `adds` is the tool that makes a thing, `lists` the one that
    gives them all (`data`), and `removes` takes one away by its id in the argument `target`."""

    adds: str
    lists: str
    removes: str
    target: str
    conversations: Sequence[Conversation]


def fits(expected: Thing, thing: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a thing is as expected."""
    return all(_fits(wanted, thing.get(name), now) for name, wanted in expected.items())


def unmatched(
    expected: Sequence[Thing], things: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[list[Thing], list[Mapping[str, Any]]]:
    """Give what is missing, and what is there besides. Each thing stands for one expected."""
    missing, left = [], list(things)
    for wanted in expected:
        found = next((thing for thing in left if fits(wanted, thing, now)), None)
        if found is None:
            missing.append(wanted)
        else:
            left.remove(found)
    return missing, left


def _fits(wanted: Any, value: Any, now: datetime) -> bool:
    match wanted:
        case Moment():
            return wanted.matches(value, now)
        case str():
            return isinstance(value, str) and bool(re.fullmatch(wanted, value, re.IGNORECASE))
        case _:
            return bool(wanted == value)


def load(domain: Domain) -> Evaluation:
    """Give a domain's evaluation, its tools checked. Raises `DomainError`."""
    if not domain.evaluation:
        raise DomainError(f"The domain {domain.name} declares no evaluation.")
    try:
        evaluation = importlib.import_module(domain.evaluation).EVALUATION
    except Exception as error:  # whatever an adopter's module raises
        raise DomainError(
            f"The evaluation {domain.evaluation} cannot be imported "
            f"({type(error).__name__}: {error})."
        ) from error
    if not isinstance(evaluation, Evaluation):
        raise DomainError(f"The EVALUATION of {domain.evaluation} is no Evaluation.")
    named = {evaluation.adds, evaluation.lists, evaluation.removes}
    for conversation in evaluation.conversations:
        named.update(conversation.outcome.calls, conversation.outcome.unused)
    for name in sorted(named - set(domain.policies)):
        raise DomainError(f"The evaluation of {domain.name} names the unknown tool {name}.")
    return evaluation

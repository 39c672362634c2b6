"""Answers to cards that ask what a tool's server wants: from what a person chose and wrote to the
answers that go with the repeated calls.

    answered -> accept, or decline where a request was left empty
    skipped  -> decline
    a message instead, too late, never shown -> cancel
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chatkit.types import HiddenContextItem, StructuredInputItem, ThreadItem

from sidestream.caller import Caller
from sidestream.chat.context import InputRequired
from sidestream.chat.tools.confirmation import Call
from sidestream.chat.tools.elicitation import (
    ACCEPT,
    CANCELLED,
    DECLINED,
    Answers,
    Field,
    Form,
    Link,
    read_requests,
)
from sidestream.chat.tools.forms import FORM_KIND
from sidestream.problems import InvalidAnswer, NotFound


@dataclass(frozen=True, slots=True)
class Filled:
    """What the answer to a card says to do: the calls to repeat, each with its answers. A card that
    came back `late` says that nobody answered."""

    calls: tuple[Call, ...]
    late: bool = False


def filled(card: StructuredInputItem, hidden: ThreadItem, caller: Caller) -> Filled:
    """Read a card that was answered, or skipped, by its hidden item.

    Raises `InvalidAnswer` where an answer does not fit; the card can then be answered again.
    """
    content = _content(card, hidden, caller)
    if datetime.fromisoformat(content["expires_at"]) < datetime.now(UTC):
        return Filled(tuple(_cancelled(content)), late=True)
    return Filled(tuple(_repeated(content, card)))


def abandoned(card: StructuredInputItem, hidden: ThreadItem, caller: Caller) -> Filled:
    """Read a card that the person let go: nobody answered any of its questions."""
    return Filled(tuple(_cancelled(_content(card, hidden, caller))))


def _content(card: StructuredInputItem, hidden: ThreadItem, caller: Caller) -> Mapping[str, Any]:
    """What is behind a card. Raises `NotFound` where it is another's or another card's."""
    content = hidden.content if isinstance(hidden, HiddenContextItem) else None
    if not isinstance(content, dict) or (
        content.get("kind"),
        content.get("item_id"),
        content.get("user_id"),
        hidden.thread_id,
    ) != (FORM_KIND, card.id, caller.user_id, card.thread_id):
        raise NotFound("This question is not known any more.")
    return content


def _cancelled(content: Mapping[str, Any]) -> Iterator[Call]:
    for call in content["calls"]:
        needs = InputRequired(**call["needs"])
        yield Call(call["name"], call["arguments"], Answers.cancel(needs, last=True))


def _repeated(content: Mapping[str, Any], card: StructuredInputItem) -> Iterator[Call]:
    given = {each.id: each.answer.values for each in card.inputs if each.answer is not None}
    for number, call in enumerate(content["calls"]):
        needs = InputRequired(**call["needs"])
        behind = {
            (each["request"], each["field"]): (given.get(id_, []), each["values"])
            for id_, each in content["inputs"].items()
            if each["call"] == number
        }
        responses = {
            key: _response(asked, {f: each for (k, f), each in behind.items() if k == key})
            for key, asked in read_requests(needs.requests).items()
        }
        yield Call(call["name"], call["arguments"], Answers.to(needs, responses))


type _Given = tuple[list[str], Mapping[str, Any] | None]
"""What was answered to an input, and the values behind its options."""


def _response(asked: Form | Link | None, given: Mapping[str | None, _Given]) -> Mapping[str, Any]:
    """Give a server's request its answer (`ElicitResult`)."""
    if asked is None:
        return CANCELLED
    if isinstance(asked, Link) or not asked.fields:
        answered, values = given.get(None, ([], {}))
        agreed = any((values or {}).get(each) is True for each in answered)
        if not agreed:
            return DECLINED
        return {"action": ACCEPT} | ({} if isinstance(asked, Link) else {"content": {}})
    if not any(answered for answered, _values in given.values()):
        return DECLINED
    content = {}
    for field in asked.fields:
        answered, values = given.get(field.name, ([], None))
        if not answered and field.default is not None:
            answered = [field.default]
        if answered:
            content[field.name] = _value(field, answered, values)
        elif field.required:
            raise InvalidAnswer("“{name}” is needed.", name=field.label)
    return {"action": ACCEPT, "content": content}


def _value(field: Field, answered: list[str], values: Mapping[str, Any] | None) -> Any:
    if values is None:
        return field.value([answered[0].strip()])
    in_any_case = {label.casefold(): value for label, value in values.items()}
    words = [each.strip() for each in answered]
    chosen = [values.get(word, in_any_case.get(word.casefold())) for word in words]
    if None in chosen:
        raise InvalidAnswer("“{name}” has to be one of the choices.", name=field.label)
    return chosen[0] if field.kind == "boolean" else field.value([str(each) for each in chosen])

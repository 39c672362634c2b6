"""What servers ask, as cards: ChatKit's structured input.

A card has the questions of the calls that wait. A hidden item before it remembers what it stands
for: the calls, the servers' requests and states, whom and until when it asks. Its id follows from
the card's, so an answer finds it without a search. Neither the model nor any client is given it.

The words of a question are the server's, in a frame of ours that says whose they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard

from chatkit.types import (
    HiddenContextItem,
    StructuredInputAnswer,
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItem,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot

from sidestream.caller import Caller
from sidestream.chat.context import RunState, ToolRecord
from sidestream.chat.tools.elicitation import Field, Form, Link, read_requests
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.i18n import _, text
from sidestream.store.ids import new_id

FORM_KIND: Final = "input_required"
ANSWER_WITHIN_S: Final = 3600.0
"""How long a card can be answered."""

_CARD: Final = "form"
_HIDDEN: Final = "hid"
_MAX_INPUTS: Final = 20

_THEIRS: Final = _("{server} asks, and should not be told any password: “{question}”")
_OPTIONAL: Final = _("{label} (optional)")
_DEFAULT: Final = _("If left empty: {value}")
_OPEN: Final = _("This page is to be opened at {host}: {url}")
_LOOKALIKE: Final = _("The name {host} may look like that of another site.")
_DONE: Final = _("I have done it")
_YES: Final = _("Yes")
_NO: Final = _("No")


@dataclass(frozen=True, slots=True)
class _Question:
    """An input of a card, and what it stands for."""

    input: StructuredInputFreeform | StructuredInputMultipleChoice
    call: int
    request: str
    field: str | None
    values: Mapping[str, Any] | None


class Forms:
    """Makes cards of what the calls of a run wait for."""

    def __init__(self, registry: ToolRegistry) -> None:
        self._registry = registry

    def waiting(self, run: RunState) -> list[ToolRecord]:
        """Give the calls that wait for an answer, each deed once, as it was done last."""
        last = {record.deed: record for record in run.records}
        return [record for record in last.values() if record.needs is not None]

    def cards(self, run: RunState, thread_id: str, caller: Caller) -> Iterator[ThreadItem]:
        """Give the items that ask for what the calls of a run wait for: for each card its hidden
        item first."""
        group: list[ToolRecord] = []
        for record in self.waiting(run):
            if group and sum(map(_size, [*group, record])) > _MAX_INPUTS:
                yield from self._card(group, thread_id, caller)
                group = []
            group.append(record)
        if group:
            yield from self._card(group, thread_id, caller)

    def _card(
        self, records: Sequence[ToolRecord], thread_id: str, caller: Caller
    ) -> Iterator[ThreadItem]:
        now = datetime.now(UTC)
        questions = [
            question
            for number, record in enumerate(records)
            for question in self._questions(record, number, caller.locale)
        ]
        for number, question in enumerate(questions, 1):
            question.input.id = f"input_{number}"
        item = StructuredInputItem(
            id=new_id(_CARD),
            thread_id=thread_id,
            created_at=now,
            inputs=[question.input for question in questions],
        )
        content = {
            "kind": FORM_KIND,
            "item_id": item.id,
            "user_id": caller.user_id,
            "expires_at": (now + timedelta(seconds=ANSWER_WITHIN_S)).isoformat(),
            "calls": [
                {
                    "name": record.name,
                    "arguments": record.arguments,
                    "needs": asdict(record.needs) if record.needs else {},
                }
                for record in records
            ],
            "inputs": {
                question.input.id: {
                    "call": question.call,
                    "request": question.request,
                    "field": question.field,
                    "values": question.values,
                }
                for question in questions
            },
        }
        yield HiddenContextItem(
            id=hidden_id(item.id), thread_id=thread_id, created_at=now, content=content
        )
        for record in records:
            yield from _links(record, thread_id)
        yield item

    def _questions(self, record: ToolRecord, call: int, locale: str) -> Iterator[_Question]:
        """The inputs that one call needs."""
        assert record.needs is not None
        for key, asked in read_requests(record.needs.requests).items():
            if asked is None:
                continue
            frame = self._frame(record, asked.message, locale)
            if isinstance(asked, Link):
                yield _link_question(asked, frame, call, key, locale)
            elif not asked.fields:
                yes = {text(locale, _YES): True, text(locale, _NO): False}
                yield _Question(_choice(frame, yes), call, key, None, yes)
            for number, field in enumerate(asked.fields if isinstance(asked, Form) else ()):
                label = text(locale, field.label)
                if not field.required:
                    label = text(locale, _OPTIONAL, label=label)
                words = f"{frame}\n{label}" if number == 0 else label
                yield _field_question(field, words, call, key, locale)

    def _frame(self, record: ToolRecord, message: str, locale: str) -> str:
        """A server's words, and whose they are."""
        source = self._registry.source(record.name)
        if source is not None and source.asker:
            return text(locale, _THEIRS, server=source.asker, question=message)
        title = text(locale, self._registry.policy(record.name).title)
        rows = self._registry.rows(record)
        about = f"{title} “{rows[0].title}”" if rows else title
        return f"{about}: {text(locale, message)}"


def is_form(item: ThreadItem) -> TypeGuard[StructuredInputItem]:
    """Tell whether an item is a card of a tool's questions."""
    return isinstance(item, StructuredInputItem) and item.id.startswith(f"{_CARD}_")


def without_answers(card: StructuredInputItem) -> StructuredInputItem:
    """Give a card as it is when the person has let it go."""
    closed = card.model_copy(deep=True, update={"status": "skipped"})
    for question in closed.inputs:
        question.answer = StructuredInputAnswer(skipped=True)
    return closed


def hidden_id(card_id: str) -> str:
    """Give the id of the hidden item behind a card."""
    return card_id.replace(_CARD, _HIDDEN, 1)


def _size(record: ToolRecord) -> int:
    """How many questions a call needs."""
    asked = read_requests(record.needs.requests if record.needs else {}).values()
    return sum(max(1, len(each.fields)) if isinstance(each, Form) else 1 for each in asked)


def _field_question(field: Field, words: str, call: int, key: str, locale: str) -> _Question:
    if field.kind == "boolean":
        values: dict[str, Any] = {text(locale, _YES): True, text(locale, _NO): False}
    elif field.options is not None:
        values = {text(locale, label): value for label, value in field.options.items()}
    else:
        hints = [text(locale, field.hint)] if field.hint else []
        if field.default is not None:
            hints.append(text(locale, _DEFAULT, value=field.default))
        shown = StructuredInputFreeform(id="", question=words, description="\n".join(hints) or None)
        return _Question(shown, call, key, field.name, None)
    if field.hint:
        words = f"{words}\n{text(locale, field.hint)}"
    return _Question(_choice(words, values, multiple=field.multiple), call, key, field.name, values)


def _link_question(link: Link, frame: str, call: int, key: str, locale: str) -> _Question:
    values = {text(locale, _DONE): True, text(locale, _NO): False}
    lines = [frame, text(locale, _OPEN, host=link.host, url=link.url)]
    if "xn--" in link.host:
        lines.append(text(locale, _LOOKALIKE, host=link.host))
    return _Question(_choice("\n".join(lines), values), call, key, None, values)


def _choice(
    words: str, values: Mapping[str, Any], *, multiple: bool = False
) -> StructuredInputMultipleChoice:
    return StructuredInputMultipleChoice(
        id="",
        question=words,
        multiple=multiple,
        options=[StructuredInputMultipleChoiceOption(value=label) for label in values],
    )


def _links(record: ToolRecord, thread_id: str) -> Iterator[WidgetItem]:
    """The addresses that a call wants opened, to be followed: a question has no links."""
    assert record.needs is not None
    for asked in read_requests(record.needs.requests).values():
        if isinstance(asked, Link):
            yield WidgetItem(
                id=new_id("wgt"),
                thread_id=thread_id,
                created_at=datetime.now(UTC),
                widget=DynamicWidgetRoot.model_validate(_link_card(asked)),
                copy_text=asked.url,
            )


def _link_card(link: Link) -> dict[str, Any]:
    words = f"[**{link.host}**](<{link.url}>)"
    return {"type": "Card", "children": [{"type": "Markdown", "value": words}]}

"""Confirmation: calls that may be more than was meant ask first.

A call whose tool has a policy to ask is not made while the model is at work. It is held until the
run ends: only then is it known whether there are more, whichever way the model goes about it (all
in one step, one per step, words in between). What the policy allows unasked is then carried out.
More than that, or a call whose target came out of a search that matched several, becomes a question
(ChatKit's structured input), and a hidden item before it remembers which answers stand for which
calls. The answer opens a new run, which makes the calls that were chosen and lets the agent carry
on.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from agents import RunContextWrapper
from agents.agent import ToolsToFinalOutputResult
from agents.tool import FunctionToolResult
from chatkit.types import (
    HiddenContextItem,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItem,
    UserMessageItem,
)

from sidestream.chat.context import RunContext, RunState, ToolRecord
from sidestream.chat.marks import seen_name
from sidestream.chat.tools.elicitation import Answers
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.domain import Ask, Question
from sidestream.i18n import text
from sidestream.store.ids import new_id

PENDING_KIND: Final = "pending_calls"

_HELD_NOTE: Final = (
    "The call is made when your answer ends: speak of it as done. If there are more such calls to"
    " make, ask for them now and say nothing: the person is asked first."
)
_ASKS_NOTE: Final = "The person is asked before the call is made: do not speak of it as done."
_NEEDS_NOTE: Final = (
    "Nothing is done yet: when your answer ends, the person is asked for what the tool needs. If"
    " there are more calls to make, make them now, and say nothing."
)
_QUESTION_ID: Final = "calls"
_MAX_TITLES: Final = 10
_MAX_SHOWN_CHARS: Final = 200
_MAX_QUERY_CHARS: Final = 200
_SHORT: Final = 2
_FILLERS: Final = frozenset({"and", "for", "the"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a tool that is yet to be made."""

    name: str
    arguments: dict[str, Any]
    answers: Answers | None = None
    """What goes with it, of a call that is made again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about held calls: what to show, and what each answer stands for."""

    item: StructuredInputItem
    memory: HiddenContextItem


class Confirmation:
    """Decides which calls of a run wait, and asks about them in the domain's words."""

    def __init__(self, registry: ToolRegistry) -> None:
        self._registry = registry

    def holds(self, name: str) -> bool:
        """Tell whether calls of a tool wait for the end of the run."""
        return self._registry.policy(name).ask != Ask.NEVER

    def held(self, run: RunState) -> list[ToolRecord]:
        """Give the calls that are held, each deed once."""
        return list({record.deed: record for record in run.records if record.held}.values())

    def asks(self, run: RunState) -> bool:
        """Tell whether the calls that are held need an answer of the person."""
        calls = self.held(run)
        if not calls:
            return False
        allowed = min(self._registry.policy(record.name).ask.unasked for record in calls)
        return len(calls) > allowed or run.confirmed or self._ambiguous(run)

    def told(self, record: ToolRecord) -> str:
        """Give what the model is told of a call, now: later runs do not need the advice."""
        if not record.waits:
            return record.told
        if record.needs is not None:
            note = _NEEDS_NOTE
        else:
            always = self._registry.policy(record.name).ask == Ask.ALWAYS
            note = _ASKS_NOTE if always else _HELD_NOTE
        return f"{record.told}\n{note}"

    def without_held(self, run: RunState, result: Any) -> Any:
        """Give a list as it will be: a model that looks again does not find what it removed."""
        gone = {
            self._target(record)
            for record in self.held(run)
            if self._registry.policy(record.name).tool.removes
        }
        if not gone or not isinstance(result, dict) or not isinstance(result.get("data"), list):
            return result
        rows = [row for row in result["data"] if _id_of(row) not in gone]
        return {**result, "data": rows}

    def unsearched(self, run: RunState) -> Call | None:
        """Give the search by the words with which the person named the target of the one call that
        is held, if no search of the run has looked for it: the model may know it from a list, or
        from earlier.

        Fillers and the shortest words name nothing when there are others.
        """
        record = self.held(run)[0]
        tool = self._registry.policy(record.name).tool
        said = [item for item in run.history if isinstance(item, UserMessageItem)]
        if tool.search is None or not said:
            return None
        if any(self._target(record) in self._ids(found) for found in _of(run, tool.search)):
            return None
        spoken = set(_words("".join(part.text for part in said[-1].content)))
        titles = (row.title for row in self._registry.rows(record))
        shared = [word for title in titles for word in _words(title) if word in spoken]
        naming = [word for word in shared if len(word) > _SHORT and word not in _FILLERS]
        query = " ".join(naming or shared)[:_MAX_QUERY_CHARS]
        return Call(tool.search, {tool.query: query}) if query else None

    def end_if_asking(
        self, context: RunContextWrapper[RunContext], results: list[FunctionToolResult]
    ) -> ToolsToFinalOutputResult:
        """End the agent's run when there is something to ask (the agent's `tool_use_behavior`).

        Not after a single held call of several: a model that asks for one at a time may have more.
        """
        run = context.context.run
        waiting = sum(self.holds(result.tool.name) for result in results)
        ends = self.asks(run) and (waiting != 1 or self._ambiguous(run))
        return ToolsToFinalOutputResult(is_final_output=ends, final_output="" if ends else None)

    def question(self, run: RunState, thread_id: str, locale: str) -> Asked:
        """Ask about the calls that are held."""
        calls = self.held(run)
        tools = {record.name for record in calls}
        words = (
            self._registry.policy(calls[0].name).tool.question if len(tools) == 1 else Question()
        )
        named = [self._name(record, locale) for record in calls]
        which = self._ambiguous(run) and len(tools) == 1
        if which:
            asked, choices = text(locale, words.which), self._each(run, words, locale)
        else:
            shown = [f"“{name}”" for name in named[:_MAX_TITLES]]
            titles = ", ".join(shown) + (" …" if len(named) > _MAX_TITLES else "")
            one = words.one if len(calls) == 1 else words.many
            asked = text(locale, one, count=len(calls), titles=titles)
            everything = [Call(record.name, record.arguments) for record in calls]
            choices = {text(locale, words.yes): everything, text(locale, words.no): []}
        return _asked(asked, choices, thread_id, multiple=which)

    def _each(self, run: RunState, words: Question, locale: str) -> dict[str, list[Call]]:
        """A choice for each thing that the call may be about."""
        calls = self.held(run)
        first = calls[0]
        target = str(self._registry.policy(first.name).tool.target)
        titles = {
            row.id: row.title for record in run.records for row in self._registry.rows(record)
        }
        held = {self._target(record): Call(record.name, record.arguments) for record in calls}
        choices: dict[str, list[Call]] = {}
        none = text(locale, words.none)
        for id_ in dict.fromkeys([*self._matches(run), *held]):
            title = seen_name(titles.get(id_, id_)) or id_
            value, number = title, 2
            while value in choices or value == none:
                value, number = f"{title} ({number})", number + 1
            call = held.get(id_) or Call(first.name, {**first.arguments, target: id_})
            choices[value] = [call]
        return {**choices, none: []}

    def _name(self, record: ToolRecord, locale: str) -> str:
        if rows := self._registry.rows(record):
            return seen_name(rows[0].title)
        title = text(locale, self._registry.policy(record.name).title)
        values = list(record.arguments.values())[:_MAX_TITLES]
        given = ", ".join(map(_shown, values))
        return f"{title}: {given}" if given else title

    def _target(self, record: ToolRecord) -> str:
        return str(record.arguments.get(self._registry.policy(record.name).tool.target or ""))

    def _ambiguous(self, run: RunState) -> bool:
        return bool(self._matches(run))

    def _matches(self, run: RunState) -> list[str]:
        """The ids of the things of the run's searches that matched more than one, be it on a page
        that the model did not ask for, and found one that a held call is about."""
        found: list[str] = []
        for held in self.held(run):
            for record in _of(run, self._registry.policy(held.name).tool.search):
                ids = self._ids(record)
                several = len(ids) > 1 or _has_more(record.result)
                if several and self._target(held) in ids:
                    found.extend(ids)
        return list(dict.fromkeys(found))

    def _ids(self, record: ToolRecord) -> list[str]:
        return [row.id for row in self._registry.rows(record)]


def choices_of(
    answered: StructuredInputItem, history: Sequence[ThreadItem]
) -> dict[str, list[Call]] | None:
    """Give the calls that each answer to a question stands for. None when the history does not go
    back to the question."""
    for item in reversed(history):
        content = item.content if isinstance(item, HiddenContextItem) else None
        if (
            isinstance(content, dict)
            and content.get("kind") == PENDING_KIND
            and content.get("item_id") == answered.id
        ):
            return {
                value: [Call(call["name"], call["arguments"]) for call in calls]
                for value, calls in content["choices"].items()
            }
    return None


def chosen(answered: StructuredInputItem, choices: Mapping[str, list[Call]]) -> list[Call]:
    """Give the calls that an answer says to make.

    Words of the person's own make none, nor do choices that contradict each other.
    """
    values = [
        value
        for question in answered.inputs
        if question.answer is not None
        for value in question.answer.values
    ]
    picked = [choices.get(value, []) for value in values]
    if not all(picked):
        return []
    calls: list[Call] = []
    for call in (call for calls_of_choice in picked for call in calls_of_choice):
        if call not in calls:
            calls.append(call)
    return calls


def _asked(
    words: str, choices: Mapping[str, list[Call]], thread_id: str, *, multiple: bool
) -> Asked:
    item = StructuredInputItem(
        id=new_id("ask"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        inputs=[
            StructuredInputMultipleChoice(
                id=_QUESTION_ID,
                question=words,
                multiple=multiple,
                options=[StructuredInputMultipleChoiceOption(value=value) for value in choices],
            )
        ],
    )
    stands_for = {
        value: [{"name": call.name, "arguments": call.arguments} for call in calls]
        for value, calls in choices.items()
    }
    memory = HiddenContextItem(
        id=new_id("hid"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        content={"kind": PENDING_KIND, "item_id": item.id, "choices": stands_for},
    )
    return Asked(item, memory)


def _of(run: RunState, tool: str | None) -> list[ToolRecord]:
    """The calls of a tool that were answered."""
    return [record for record in run.records if record.name == tool and not record.failed]


def _id_of(row: Any) -> str | None:
    return str(row["id"]) if isinstance(row, dict) and "id" in row else None


def _has_more(result: Any) -> bool:
    return isinstance(result, dict) and bool(result.get("has_more"))


def _shown(value: Any) -> str:
    """An argument as a person is shown it: what is agreed to has to be seen."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    words = seen_name(words)
    return words if len(words) <= _MAX_SHOWN_CHARS else words[: _MAX_SHOWN_CHARS - 1] + "…"


def _words(said: str) -> list[str]:
    return re.findall(r"\w+", said.casefold())

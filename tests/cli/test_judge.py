"""What an evaluation calls a pass: each way to miss an outcome is seen and named."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from examples.tickets.pack import DOMAIN
from sidestream.cli.judge import judged, script_of
from sidestream.domain import Domain, DomainError
from sidestream.evaluation import (
    Conversation,
    Evaluation,
    Moment,
    Outcome,
    Say,
    Thing,
    load,
    unmatched,
)
from tests.cli import declared

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
MILK = {"id": "tsk_1", "title": "Buy milk", "completed": False, "due_at": None}
BREAD = {"id": "tsk_2", "title": "Buy bread", "completed": True, "due_at": "2026-11-21"}


def faults(
    outcome: Outcome,
    *,
    said: str = "Add milk",
    answer: str = "Added “Buy milk”.",
    asked: bool = False,
    tools: Sequence[str] = ("add_task",),
    before: Sequence[Mapping[str, Any]] = (),
    after: Sequence[Mapping[str, Any]] = (MILK,),
) -> list[str]:
    conversation = Conversation(about="x", language="en", steps=[Say(said)], outcome=outcome)
    return judged(conversation, answer, asked, tools, before, after, NOW)


def test_what_is_as_it_should_be_passes() -> None:
    outcome = Outcome(
        things=[{"title": "buy milk", "completed": False, "due_at": None}],
        calls=["add_task"],
        unused=["delete_task"],
        says="milk",
        never_says="deleted",
    )
    assert faults(outcome) == []


@pytest.mark.parametrize(
    ("outcome", "seen", "fault"),
    [
        (Outcome(), {}, "something was changed"),
        (Outcome(things=[]), {}, "there too: title Buy milk"),
        (Outcome(things=[{"title": "bread"}]), {}, "missing: title bread"),
        (
            Outcome(things=[{"title": "buy milk", "completed": True}]),
            {},
            "missing: title buy milk, completed True",
        ),
        (Outcome(things=[{"title": "buy milk"}] * 2), {}, "missing: title buy milk"),
        (Outcome(calls=["list_tasks"]), {"before": [MILK]}, "list_tasks is not in the trace"),
        (Outcome(unused=["add_task"]), {"before": [MILK]}, "add_task is in the trace"),
        (Outcome(asks=True), {"before": [MILK]}, "no question was put"),
        (Outcome(), {"before": [MILK], "asked": True}, "a question was put"),
        (Outcome(says="bread"), {"before": [MILK]}, "the answer has no “bread”"),
        (Outcome(never_says="Added"), {"before": [MILK]}, "the answer says “Added”"),
        (
            Outcome(),
            {"before": [MILK], "answer": "“Buy milk” شامل کر دیا"},
            "the answer is in another script",
        ),
        (
            Outcome(),
            {"before": [MILK], "said": "دودھ شامل کرو"},
            "the answer is in another script",
        ),
    ],
)
def test_each_way_to_miss_it_is_named(outcome: Outcome, seen: dict[str, Any], fault: str) -> None:
    found = faults(outcome, **seen)
    assert any(words.startswith(fault) for words in found), found


def test_the_script_is_that_of_the_words_outside_of_titles_and_lists() -> None:
    assert script_of("“دودھ لانا” is added to your list") == "LATIN"
    assert script_of("You have 1 task:\n1. دودھ لانا اور روٹی لانا بھی") == "LATIN"
    assert script_of("آپ کے کام:\n- Buy milk and bread and butter") == "ARABIC"
    assert script_of("42 ✓") == ""


@pytest.mark.parametrize(
    ("moment", "value", "matches"),
    [
        (Moment(days=1), "2026-11-21T09:00:00Z", True),
        (Moment(days=1), "2026-11-22T01:00:00+05:00", True),
        (Moment(days=1), "2026-11-22T09:00:00Z", False),
        (Moment(days=1), None, False),
        (Moment(days=1), "tomorrow", False),
        (Moment(at="2027-03-01T04:00:00+00:00"), "2027-03-01T09:00:00+05:00", True),
        (Moment(at="2027-03-01T04:00:00+00:00"), "2027-03-01T09:00:00Z", False),
    ],
)
def test_a_moment_is_a_day_or_an_instant(moment: Moment, value: object, matches: bool) -> None:
    assert moment.matches(value, NOW) is matches


def test_each_thing_stands_for_one_that_is_expected() -> None:
    wanted: list[Thing] = [{"title": "buy .*"}, {"title": "buy milk"}]
    assert unmatched([wanted[1], wanted[0]], [BREAD, MILK], NOW) == ([], [])
    assert unmatched([wanted[1]], [BREAD, MILK], NOW) == ([], [BREAD])


class TestLoad:
    def test_a_domain_without_one_says_so(self) -> None:
        with pytest.raises(DomainError, match="declares no evaluation"):
            load(_with(""))

    def test_a_module_that_is_not_there_says_so(self) -> None:
        with pytest.raises(DomainError, match=r"tests\.nowhere cannot be imported"):
            load(_with("tests.nowhere"))

    def test_something_else_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(declared, "EVALUATION", "words")
        with pytest.raises(DomainError, match="is no Evaluation"):
            load(_with(declared.__name__))

    def test_an_unknown_tool_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        evaluation = Evaluation(
            adds="add_ticket",
            lists="list_tickets",
            removes="fly",
            target="ticket_id",
            conversations=(),
        )
        monkeypatch.setattr(declared, "EVALUATION", evaluation)
        with pytest.raises(DomainError, match="unknown tool fly"):
            load(_with(declared.__name__))


def _with(module: str) -> Domain:
    return Domain(
        name="tickets",
        manifest=DOMAIN.manifest,
        instructions="",
        tools=DOMAIN.tools,
        evaluation=module,
    )

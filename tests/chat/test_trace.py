"""`ToolTrace` alone: which events a group of calls becomes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from chatkit.types import (
    ClientEffectEvent,
    CustomTask,
    HiddenContextItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    WorkflowItem,
    WorkflowTaskUpdated,
)

from sidestream import i18n
from sidestream.chat.context import ToolRecord
from sidestream.chat.tools.trace import ToolTrace
from tests.chat.registries import registry_of
from tests.tickets import DOMAIN

TOOLS = registry_of(DOMAIN)


@pytest.fixture(autouse=True)
def with_the_domain() -> None:
    """The catalogues that the chat reads: ours, and those of its domain."""
    assert DOMAIN.catalogues is not None
    i18n.add(DOMAIN.catalogues)


def _record(call_id: str = "call_1", name: str = "add_ticket", **changes: Any) -> ToolRecord:
    fields: dict[str, Any] = {
        "arguments": {"subject": "printer"},
        "result": {"id": "tck_1", "subject": "printer"},
        "failed": False,
    } | changes
    result = fields["result"]
    words = result if isinstance(result, str) else json.dumps(result)
    return ToolRecord(call_id, name, **{"output": words} | fields)


def _run(trace: ToolTrace, *records: ToolRecord) -> list[ThreadStreamEvent]:
    events: list[ThreadStreamEvent] = []
    for record in records:
        events += trace.started(record.call_id, record.name)
    for record in records:
        events += trace.finished(record)
    return [*events, *trace.close()]


def _last_task(events: list[ThreadStreamEvent]) -> CustomTask:
    updates = [e.update for e in events if isinstance(e, ThreadItemUpdatedEvent)]
    [*_, update] = [u for u in updates if isinstance(u, WorkflowTaskUpdated)]
    assert isinstance(update.task, CustomTask)
    return update.task


def test_nothing_happened_is_nothing_said() -> None:
    assert list(ToolTrace(TOOLS, "thr_1", "en").close()) == []


def test_events_are_copies() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    [added] = trace.started("call_1", "add_ticket")
    before = added.model_dump_json()
    list(trace.started("call_2", "add_ticket"))
    list(trace.finished(_record("call_1")))
    list(trace.close())
    assert added.model_dump_json() == before


def test_calls_may_end_in_any_order() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    for number in range(3):
        list(trace.started(f"call_{number}", "add_ticket"))
    order = []
    for number in (2, 0, 1):
        events = list(trace.finished(_record(f"call_{number}", arguments={}, result="ok")))
        order += [
            event.update.task_index
            for event in events
            if isinstance(event, ThreadItemUpdatedEvent)
            and isinstance(event.update, WorkflowTaskUpdated)
        ]
    assert order == [2, 0, 1]


def test_end_without_a_start_is_shown_as_both() -> None:
    added, updated, effect = ToolTrace(TOOLS, "thr_1", "en").finished(_record())
    assert isinstance(added, ThreadItemAddedEvent)
    assert isinstance(updated, ThreadItemUpdatedEvent)
    assert isinstance(effect, ClientEffectEvent)


def test_saying_it_twice_changes_nothing() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    assert len(list(trace.started("call_1", "add_ticket"))) == 1
    assert list(trace.started("call_1", "add_ticket")) == []
    assert list(trace.finished(_record()))
    assert list(trace.finished(_record())) == []
    assert len(list(trace.close())) == 2
    assert list(trace.close()) == []
    assert list(trace.finished(_record())) == []


def test_unfinished_call_is_said_to_have_stopped() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    list(trace.started("call_1", "add_ticket"))
    list(trace.started("call_2", "delete_ticket"))
    list(trace.finished(_record("call_1")))
    updated, workflow, hidden = trace.close()
    assert _last_task([updated]).title == "Delete a ticket: stopped"
    assert isinstance(workflow, ThreadItemDoneEvent)
    assert isinstance(workflow.item, WorkflowItem)
    assert all(
        task.status_indicator == "complete"
        for task in workflow.item.workflow.tasks
        if isinstance(task, CustomTask)
    )
    assert isinstance(hidden, ThreadItemDoneEvent)
    assert isinstance(hidden.item, HiddenContextItem)
    assert [call["call_id"] for call in hidden.item.content["calls"]] == ["call_1"]


def test_hidden_item_is_only_ever_done() -> None:
    """ChatKit keeps a hidden item to itself when it is done, and lets it out when it is added."""
    for event in _run(ToolTrace(TOOLS, "thr_1", "en"), _record("call_1"), _record("call_2")):
        if not isinstance(event, ThreadItemDoneEvent):
            assert "hidden" not in event.model_dump_json()


@pytest.mark.parametrize(
    ("changes", "title", "content"),
    [
        ({}, "Open a ticket", "printer"),
        ({"failed": True, "output": "Too long."}, "Open a ticket: did not work", "Too long."),
        ({"held": True}, "Open a ticket: waits", "printer"),
        ({"result": "not JSON"}, "Open a ticket", "not JSON"),
        ({"result": "Gone.\nForever."}, "Open a ticket", "Gone."),
        ({"result": '{\n  "sky": "blue"\n}'}, "Open a ticket", "printer"),
        ({"result": [1]}, "Open a ticket", "printer"),
        ({"result": [1], "arguments": {}}, "Open a ticket", None),
        ({"result": {"title": 7}, "arguments": {"query": "q"}}, "Open a ticket", "q"),
        ({"result": {"data": []}}, "Open a ticket", "0 tickets"),
        ({"result": {"data": [{}]}}, "Open a ticket", "1 ticket"),
        ({"result": {"data": [{}, {}]}}, "Open a ticket", "2 tickets"),
        ({"result": "w" * 201}, "Open a ticket", "w" * 199 + "…"),
        ({"name": "teleport_home", "result": "gone"}, "Teleport home", "gone"),
    ],
    ids=repr,
)
def test_call_is_described_by_what_it_gave(
    changes: dict[str, Any], title: str, content: str | None
) -> None:
    task = _last_task(_run(ToolTrace(TOOLS, "thr_1", "en"), _record(**changes)))
    assert (task.title, task.content) == (title, content)


@pytest.mark.parametrize(
    ("locale", "output", "content"),
    [
        ("en", "There is no such ticket.\nUse list_tickets.", None),
        (
            "ur",
            "There is no such ticket.\nUse list_tickets.",
            "ایسی کوئی ٹکٹ نہیں ہے۔",
        ),
        ("en", "Something of another server.", None),
        ("ur", "Something of another server.", ""),
    ],
)
def test_failed_call_says_what_a_person_may_read(
    locale: str, output: str, content: str | None
) -> None:
    task = _last_task(_run(ToolTrace(TOOLS, "thr_1", locale), _record(failed=True, output=output)))
    expected = output.splitlines()[0] if content is None else content or None
    assert task.content == expected


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"name": "update_ticket"}, True),
        ({"name": "delete_ticket"}, True),
        ({"name": "list_tickets"}, False),
        ({"failed": True}, False),
        ({"name": "delete_ticket", "held": True}, False),
    ],
    ids=repr,
)
def test_page_is_told_of_what_changed(changes: dict[str, Any], told: bool) -> None:
    events = _run(ToolTrace(TOOLS, "thr_1", "en"), _record(**changes))
    assert any(isinstance(event, ClientEffectEvent) for event in events) is told


def test_summary_is_in_the_readers_language() -> None:
    for locale, summary in (("en", "Used 1 tool"), ("ur", "1 ٹول استعمال ہوا")):
        events = _run(ToolTrace(TOOLS, "thr_1", locale), _record())
        assert (
            summary
            in next(e for e in events if isinstance(e, ThreadItemDoneEvent)).model_dump_json()
        )


def test_an_id_that_comes_again_is_another_call() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    events = list(trace.started("", "add_ticket"))
    events += trace.finished(_record(""))
    events += trace.started("", "add_ticket")
    events += trace.finished(_record("", result={"id": "tck_2", "subject": "login"}))
    events += trace.close()
    [workflow] = [
        e.item.workflow
        for e in events
        if isinstance(e, ThreadItemDoneEvent) and isinstance(e.item, WorkflowItem)
    ]
    contents = [task.content for task in workflow.tasks if isinstance(task, CustomTask)]
    assert contents == ["printer", "login"]


def test_deletion_that_was_held_is_told_where_it_was_announced() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    held = _record(name="delete_ticket", arguments={"ticket_id": "tck_1"}, held=True)
    other = _record(call_id="call_2", name="list_tickets", result={"data": []})
    _run(trace, other)
    [*_, done, _memory] = _run(trace, replace(held, call_id="call_3"))
    assert isinstance(done, ThreadItemDoneEvent)
    events = list(trace.carried_out(replace(held, call_id="call_4", held=False)))
    [replaced] = [event.item for event in events if isinstance(event, ThreadItemReplacedEvent)]
    assert isinstance(replaced, WorkflowItem)
    assert replaced.id == done.item.id
    assert [(t.title, t.content) for t in replaced.workflow.tasks if isinstance(t, CustomTask)] == [
        ("Delete a ticket", "printer")
    ]
    [memory] = [event.item for event in events if isinstance(event, ThreadItemDoneEvent)]
    assert isinstance(memory, HiddenContextItem)
    assert memory.content["calls"][0]["call_id"] == "call_4"
    assert isinstance(events[-1], ClientEffectEvent)


def test_group_whose_calls_come_later_is_taken_back() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    [added] = trace.started("call_1", "add_ticket")
    assert isinstance(added, ThreadItemAddedEvent)
    [removed] = trace.close(over=False)
    assert isinstance(removed, ThreadItemRemovedEvent)
    assert removed.item_id == added.item.id
    [*_, done, _memory] = _run(trace, _record())
    assert isinstance(done, ThreadItemDoneEvent)
    assert isinstance(done.item, WorkflowItem)
    assert len(done.item.workflow.tasks) == 1


def test_group_with_some_calls_done_keeps_those() -> None:
    trace = ToolTrace(TOOLS, "thr_1", "en")
    list(trace.finished(_record()))
    list(trace.started("call_2", "add_ticket"))
    [done, _memory] = trace.close(over=False)
    assert isinstance(done, ThreadItemDoneEvent)
    assert isinstance(done.item, WorkflowItem)
    assert len(done.item.workflow.tasks) == 1

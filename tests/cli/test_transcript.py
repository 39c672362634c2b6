"""How the events of an answer look in the terminal."""

import io
from typing import Any

from rich.console import Console

from sidestream.cli.transcript import Transcript, printable


def _shown(*events: dict[str, Any]) -> tuple[str, Transcript]:
    screen = io.StringIO()
    transcript = Transcript(Console(file=screen, width=40))
    transcript.show(events)
    return screen.getvalue(), transcript


def _delta(words: str) -> dict[str, Any]:
    update = {"type": "assistant_message.content_part.text_delta", "delta": words}
    return {"type": "thread.item.updated", "item_id": "msg_1", "update": update}


def _task(status: str, **task: str) -> dict[str, Any]:
    update = {"type": "workflow.task.updated", "task": {"status_indicator": status, **task}}
    return {"type": "thread.item.updated", "item_id": "wf_1", "update": update}


def test_words_are_joined_and_not_wrapped_or_repeated() -> None:
    words = "one two three four five six seven eight nine ten"
    done = {"type": "assistant_message", "id": "msg_1", "content": [{"text": words}]}
    output, transcript = _shown(
        *[_delta(word) for word in words.split(" ")],
        {"type": "thread.item.done", "item": done},
    )
    assert output == words.replace(" ", "") + "\n"
    assert transcript.ttft_ms is not None


def test_answer_without_deltas_is_shown_when_it_is_done() -> None:
    done = {"type": "assistant_message", "id": "msg_1", "content": [{"text": "all of it"}]}
    output, _ = _shown({"type": "thread.item.done", "item": done})
    assert output == "all of it\n"


def _incomplete(kind: str) -> dict[str, Any]:
    source = {"type": "entity", "id": "incomplete", "title": "Stopped here"}
    annotations = [{"type": "annotation", "source": {"type": "url", "title": "A"}}]
    annotations += [{"type": "annotation", "source": source}]
    content = [{"text": "all of"}, {"text": " it", "annotations": annotations}]
    item = {"type": "assistant_message", "id": "msg_1", "content": content}
    return {"type": f"thread.item.{kind}", "item": item}


def test_where_an_answer_ended_early_is_told() -> None:
    assert _shown(_delta("all"), _incomplete("done"))[0] == "all\nStopped here\n"
    assert _shown(_incomplete("done"))[0] == "all of it\nStopped here\n"
    assert _shown(_delta("all of it"), _incomplete("replaced"))[0] == "all of it\nStopped here\n"


def test_tool_calls_show_their_status() -> None:
    output, _ = _shown(
        _task("loading", title="Add a task"),
        _task("complete", title="Add a task", content="milk", icon="check-circle"),
        _task("complete", title="Delete a task: did not work", icon="info"),
        _task("complete", title="Delete a task: waits", content="tea", icon="clock"),
    )
    assert output.splitlines() == [
        "… Add a task",
        "✓ Add a task: milk",
        "! Delete a task: did not work",
        "· Delete a task: waits: tea",
    ]


def test_a_line_that_changes_later_is_shown_again() -> None:
    done = {"type": "custom", "title": "Search", "content": "1 task", "icon": "check-circle"}
    deleted = {"type": "custom", "title": "Delete a task", "content": "tea", "icon": "check-circle"}
    workflow = {"type": "custom", "tasks": [done, deleted]}
    output, _ = _shown(
        _task("complete", title="Search", content="1 task", icon="check-circle"),
        _task("complete", title="Delete a task: waits", content="tea", icon="clock"),
        {"type": "thread.item.replaced", "item": {"type": "workflow", "workflow": workflow}},
    )
    assert output.splitlines() == [
        "✓ Search: 1 task",
        "· Delete a task: waits: tea",
        "✓ Delete a task: tea",
    ]


def test_error_event_fails_the_answer() -> None:
    output, transcript = _shown(
        _delta("half"), {"type": "error", "message": "The model is busy.", "allow_retry": True}
    )
    assert output == "half\nThe model is busy.\n"
    assert transcript.failed


def test_question_waits_for_the_person() -> None:
    item = {"type": "structured_input", "id": "ask_1", "inputs": []}
    _, transcript = _shown({"type": "thread.item.done", "item": item})
    assert transcript.question == item


def test_unknown_events_are_passed_over() -> None:
    output, transcript = _shown({"type": "thread.from.the.future"}, {"type": "stream_options"})
    assert (output, transcript.failed) == ("", False)


def test_what_could_steer_a_terminal_is_dropped() -> None:
    assert printable("a\x1b[2J\x07b\u009bc\n\u200fاردو") == "a[2Jbc\n\u200fاردو"

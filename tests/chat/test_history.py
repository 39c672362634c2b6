"""What the model is told of the conversation: which turns, and each kind of item as what it was."""

from datetime import datetime
from typing import Any

import pytest
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    HiddenContextItem,
    InferenceOptions,
    ThreadItem,
    UserMessageItem,
    UserMessageTextContent,
    Workflow,
    WorkflowItem,
)

from sidestream.chat.attachments import AttachmentFiles
from sidestream.chat.context import ToolRecord
from sidestream.chat.history import NOTE_KIND, HistoryConverter, recent
from sidestream.chat.trace import memory
from sidestream.config import ChatSettings

_NOW = datetime(2026, 11, 21)  # noqa: DTZ001 - items keep naive UTC


def _asked(item_id: str, text: str = "hello") -> UserMessageItem:
    return UserMessageItem(
        id=item_id,
        thread_id="thr_1",
        created_at=_NOW,
        content=[UserMessageTextContent(text=text)],
        inference_options=InferenceOptions(),
    )


def _said(item_id: str, text: str = "hi") -> AssistantMessageItem:
    content = [AssistantMessageContent(text=text)]
    return AssistantMessageItem(id=item_id, thread_id="thr_1", created_at=_NOW, content=content)


def _hidden(content: Any) -> HiddenContextItem:
    return HiddenContextItem(id="hid_1", thread_id="thr_1", created_at=_NOW, content=content)


def _ids(items: list[ThreadItem]) -> list[str]:
    return [item.id for item in items]


class TestRecent:
    def test_everything_that_fits_is_kept(self) -> None:
        items: list[ThreadItem] = [_asked("1"), _said("2"), _asked("3"), _said("4"), _asked("5")]
        assert _ids(recent(items, max_tokens=10_000)) == ["1", "2", "3", "4", "5"]

    def test_old_turns_go_first_and_whole(self) -> None:
        long = "word " * 600
        items: list[ThreadItem] = [_asked("1"), _said("2", long), _asked("3"), _said("4")]
        assert _ids(recent(items, max_tokens=600)) == ["3", "4"]

    def test_newest_turn_is_whole_however_long(self) -> None:
        long = "word " * 6_000
        items: list[ThreadItem] = [_asked("1"), _said("2"), _asked("3", long), _said("4", long)]
        assert _ids(recent(items, max_tokens=500)) == ["3", "4"]

    def test_beginning_that_was_cut_off_by_the_count_is_left_out(self) -> None:
        items: list[ThreadItem] = [_said("0"), _asked("1"), _said("2")]
        assert _ids(recent(items, max_tokens=10_000)) == ["1", "2"]

    def test_urdu_is_measured_in_bytes(self) -> None:
        items: list[ThreadItem] = [_asked("1", "د" * 1_500), _asked("2")]
        assert _ids(recent(items, max_tokens=900)) == ["2"]
        items = [_asked("1", "d" * 1_500), _asked("2")]
        assert _ids(recent(items, max_tokens=900)) == ["1", "2"]

    def test_nothing_stays_nothing(self) -> None:
        assert recent([], max_tokens=500) == []


@pytest.fixture(scope="module")
def converter() -> HistoryConverter:
    settings = ChatSettings.model_construct(attachments_bucket="", max_attachment_bytes=1)
    return HistoryConverter(AttachmentFiles(settings))


class TestConverter:
    async def test_calls_come_back_as_calls(self, converter: HistoryConverter) -> None:
        record = ToolRecord("call_1", "add_task", {"title": "دودھ"}, '{"id": "tsk_1"}', False)
        items: list[ThreadItem] = [_asked("1"), memory("thr_1", [record]), _said("2")]
        _, call, output, _ = list[Any](await converter.to_agent_input(items))
        assert (call["type"], output["type"]) == ("function_call", "function_call_output")
        assert call["call_id"] == output["call_id"] == "call_1"
        assert call["arguments"] == '{"title": "دودھ"}'
        assert output["output"] == '{"id": "tsk_1"}'

    async def test_note_is_the_developers_word(self, converter: HistoryConverter) -> None:
        note = _hidden({"kind": NOTE_KIND, "text": "The person stopped."})
        [given] = list[Any](await converter.to_agent_input([note]))
        assert given["role"] == "developer"
        assert given["content"][0]["text"] == "The person stopped."

    async def test_what_is_for_people_stays_with_them(self, converter: HistoryConverter) -> None:
        workflow = WorkflowItem(
            id="wf_1",
            thread_id="thr_1",
            created_at=_NOW,
            workflow=Workflow(type="custom", tasks=[]),
        )
        pending = _hidden({"kind": "pending_deletions", "item_id": "ask_1", "choices": {}})
        assert await converter.to_agent_input([workflow, pending]) == []

"""What the model is told of the conversation: which runs, and each kind of item as what it was."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    Attachment,
    FileAttachment,
    HiddenContextItem,
    ImageAttachment,
    InferenceOptions,
    ThreadItem,
    UserMessageItem,
    UserMessageTextContent,
    Workflow,
    WorkflowItem,
)
from pydantic import AnyUrl

from sidestream.chat.context import ToolRecord
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.model.history import NOTE_KIND, HistoryConverter, recent, tokens_of
from sidestream.chat.tools.confirmation import PENDING_KIND
from sidestream.chat.tools.trace import memory
from sidestream.config import ChatSettings
from tests.chat.data import data_in

_NOW = datetime(2026, 11, 21)  # noqa: DTZ001 - items keep naive UTC


def _asked(item_id: str, text: str = "hello", files: Sequence[Attachment] = ()) -> UserMessageItem:
    return UserMessageItem(
        id=item_id,
        thread_id="thr_1",
        created_at=_NOW,
        content=[UserMessageTextContent(text=text)],
        attachments=list(files),
        inference_options=InferenceOptions(),
    )


def _text_file(size_bytes: int | None) -> FileAttachment:
    metadata = {"key": "k"} if size_bytes is None else {"key": "k", "size": size_bytes}
    return FileAttachment(id="atc_1", name="a.txt", mime_type="text/plain", metadata=metadata)


def _image() -> ImageAttachment:
    preview = AnyUrl("https://files.example/a.png")
    return ImageAttachment(
        id="atc_2", name="a.png", mime_type="image/png", preview_url=preview, metadata={"size": 9}
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

    @pytest.mark.parametrize(
        ("file", "tokens"),
        [
            (_text_file(3_000), 1_000),
            (_text_file(20_000), 6_666),
            (_text_file(5_000_000), 6_666),  # the model is shown its beginning
            (_text_file(None), 6_666),
            (_image(), 1_000),
        ],
    )
    def test_files_are_measured_by_what_the_model_is_shown(
        self, file: Attachment, tokens: int
    ) -> None:
        items: list[ThreadItem] = [_asked("1", files=[file, file]), _said("2"), _asked("3")]
        spent = tokens_of(items[0])
        assert 0 <= spent - 2 * tokens - tokens_of(_asked("1")) < 200
        most = spent + tokens_of(items[1]) + tokens_of(items[2])
        assert _ids(recent(items, max_tokens=most)) == ["1", "2", "3"]
        assert _ids(recent(items, max_tokens=most - 1)) == ["3"]

    def test_newest_turn_keeps_its_files(self) -> None:
        items: list[ThreadItem] = [_asked("1"), _said("2"), _asked("3", files=[_image()] * 5)]
        assert _ids(recent(items, max_tokens=500)) == ["3"]

    def test_nothing_stays_nothing(self) -> None:
        assert recent([], max_tokens=500) == []


@pytest.fixture(scope="module")
def converter() -> HistoryConverter:
    settings = ChatSettings.model_validate(
        {
            "database_url": "",
            "tool_signing_key": "t" * 32,
            "session_signing_key": "s" * 32,
            "auth_issuers": [],
            "tools_mcp_url": "http://none.invalid/mcp",
        }
    )
    return HistoryConverter(AttachmentFiles(settings))


class TestConverter:
    async def test_calls_come_back_as_calls(self, converter: HistoryConverter) -> None:
        record = ToolRecord("call_1", "add_ticket", {"subject": "پرنٹر"}, '{"id": "tck_1"}', False)
        items: list[ThreadItem] = [_asked("1"), memory("thr_1", [record]), _said("2")]
        _, call, output, _ = list[Any](await converter.to_agent_input(items))
        assert (call["type"], output["type"]) == ("function_call", "function_call_output")
        assert call["call_id"] == output["call_id"] == "call_1"
        assert call["arguments"] == '{"subject": "پرنٹر"}'
        assert data_in(output["output"]) == '{"id": "tck_1"}'

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
        pending = _hidden({"kind": PENDING_KIND, "item_id": "ask_1", "choices": {}})
        assert await converter.to_agent_input([workflow, pending]) == []


class TestSteps:
    """The calls of a response come back together, with what they came with."""

    async def test_calls_of_one_response_are_one_step(self, converter: HistoryConverter) -> None:
        records = [ToolRecord(each, "look", {}, each, failed=False) for each in "abc"]
        thought = {"type": "reasoning", "summary": []}
        origins: dict[str, dict[str, Any]] = {
            "a": {"step": 1, "provider_data": {"model": "m"}, "reasoning": [thought]},
            "b": {"step": 1, "provider_data": {"model": "m"}},
        }
        given = list[Any](await converter.to_agent_input([memory("thr_1", records, origins)]))
        kinds = [item["type"].removeprefix("function_call") for item in given]
        assert kinds == ["reasoning", "", "", "_output", "_output", "", "_output"]
        assert [item["provider_data"]["model"] for item in given if "name" in item] == [
            "m",
            "m",
            "",
        ]

    async def test_ids_that_come_again_are_told_apart(self, converter: HistoryConverter) -> None:
        record = ToolRecord("call_0", "look", {}, "{}", failed=False)
        items: list[ThreadItem] = [_asked("1"), *[memory("thr_1", [record])] * 3]
        _, *given = list[Any](await converter.to_agent_input(items))
        ids = [item["call_id"] for item in given]
        assert ids == ["call_0"] * 2 + ["call_0 2"] * 2 + ["call_0 3"] * 2

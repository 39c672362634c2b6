"""What the model is told of the conversation so far.

Thread items become the model's input by ChatKit's own converter, with the parts it leaves open
filled in. Tool calls come back as the function calls and outputs they were (from the hidden item
behind each workflow), so that what a tool said is never read as the user's words.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from agents import TResponseInputItem
from chatkit.agents import ThreadItemConverter
from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    ClientToolCallItem,
    HiddenContextItem,
    StructuredInput,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    TaskItem,
    ThreadItem,
    UserMessageContent,
    UserMessageItem,
    UserMessageTagContent,
    WidgetItem,
    WorkflowItem,
)
from openai.types.responses import EasyInputMessageParam, ResponseInputTextParam
from openai.types.responses.response_input_item_param import FunctionCallOutput, Message
from openai.types.responses.response_input_message_content_list_param import (
    ResponseInputContentParam,
)

from sidestream.chat.files.attachments import MAX_TEXT_CHARS, AttachmentFiles, told_of
from sidestream.chat.files.file_types import IMAGE_TYPES
from sidestream.chat.incomplete import note_of
from sidestream.chat.marks import marked, plain_name
from sidestream.chat.tools.forms import is_form
from sidestream.chat.tools.trace import TOOL_CALLS_KIND
from sidestream.store.ids import new_id

NOTE_KIND: Final = "note"

_FORM_NOTES: Final = {
    "pending": "A card asks the person what a tool needs. It is not answered, and nothing is done.",
    "answered": "The person has filled in a card with what a tool needed.",
    "skipped": "The person has left a card with what a tool needed unanswered.",
}
_PENDING: Final = (
    "This question is on a card that the person has not answered. Nothing is done yet."
)

# Rough, and on the safe side for Urdu, whose letters take two bytes each.
_BYTES_PER_TOKEN: Final = 3
_TOKENS_PER_IMAGE: Final = 1_000


class HistoryConverter(ThreadItemConverter):
    """ChatKit's converter, with tool calls, notes, tags and attachments filled in."""

    def __init__(self, files: AttachmentFiles, left_out: Collection[str] = ()) -> None:
        """`left_out` are the ids of files that are only named."""
        self._files = files
        self._left_out = left_out

    async def to_agent_input(
        self, thread_items: Sequence[ThreadItem] | ThreadItem
    ) -> list[TResponseInputItem]:
        return _told_apart(await super().to_agent_input(thread_items))

    async def assistant_message_to_input(
        self, item: AssistantMessageItem
    ) -> TResponseInputItem | list[TResponseInputItem]:
        """Plain text, which both APIs take: Chat Completions knows no `output_text` parts. A note
        behind it tells that it is not whole."""
        words = "".join(part.text for part in item.content)
        said = EasyInputMessageParam(type="message", role="assistant", content=words)
        ending = note_of(item)
        return said if ending is None else [*([said] if words else []), _note(ending)]

    async def hidden_context_to_input(
        self, item: HiddenContextItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        content = item.content
        if not isinstance(content, dict):
            return await super().hidden_context_to_input(item)
        if content.get("kind") == NOTE_KIND:
            return _note(str(content["text"]))
        if content.get("kind") != TOOL_CALLS_KIND:
            return None
        return [item for step in _steps(content["calls"]) for item in _step_items(step)]

    async def user_message_to_input(
        self,
        item: UserMessageItem,
        is_last_message: bool = True,  # noqa: ARG002
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """What a message quotes stays a part of it: ChatKit's own forgets it on the next run."""
        safe = {
            "content": [_named(part) for part in item.content],
            "quoted_text": item.quoted_text and marked(item.quoted_text),
        }
        return await super().user_message_to_input(
            item.model_copy(update=safe), is_last_message=True
        )

    async def client_tool_call_to_input(
        self, item: ClientToolCallItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        given: Any = await super().client_tool_call_to_input(item)
        for part in given or ():
            if part.get("type") == "function_call_output":
                part["output"] = marked(part["output"])
        return given  # type: ignore[no-any-return]

    async def workflow_to_input(self, item: WorkflowItem) -> None:
        """The hidden item behind a workflow carries its calls."""

    async def widget_to_input(self, item: WidgetItem) -> None:
        """A widget shows what a tool already told the model."""

    async def task_to_input(self, item: TaskItem) -> None:
        """A task item is for people."""

    async def attachment_to_message_content(
        self, attachment: Attachment
    ) -> ResponseInputContentParam:
        if attachment.id in self._left_out:
            return told_of(attachment, "not shown again")
        return await self._files.model_content(attachment)

    async def structured_input_to_input(
        self, item: StructuredInputItem
    ) -> TResponseInputItem | list[TResponseInputItem] | None:
        """The question, which the model has asked, and its answer, without the person having to
        have typed it. Of a tool's question nobody's words: what came of it is the call's result."""
        if is_form(item):
            return _note(_FORM_NOTES[item.status])
        asked = EasyInputMessageParam(
            type="message",
            role="assistant",
            content=" ".join(plain_name(question.question) for question in item.inputs),
        )
        if item.status == "pending":
            return [asked, _note(_PENDING)]
        lines = [
            f"{plain_name(question.question)} -> {', '.join(_answers(question)) or 'skipped'}"
            for question in item.inputs
            if question.answer is not None
        ]
        words = "The person answered a question on a card:\n" + "\n".join(lines)
        part = ResponseInputTextParam(type="input_text", text=words)
        return [asked, Message(type="message", role="user", content=[part])]

    async def tag_to_message_content(self, tag: UserMessageTagContent) -> ResponseInputContentParam:
        words = marked(f"@{tag.text} (id: {plain_name(tag.id)})")
        return ResponseInputTextParam(type="input_text", text=words)


def _named(part: UserMessageContent) -> UserMessageContent:
    """Give a part of a message, with the name of a thing that it tags made plain."""
    if not isinstance(part, UserMessageTagContent):
        return part
    return part.model_copy(update={"text": plain_name(part.text)})


def _answers(question: StructuredInput) -> list[str]:
    """What a person answered: choices by their names, and words of their own as they are."""
    values = question.answer.values if question.answer else []
    if not isinstance(question, StructuredInputMultipleChoice):
        return values
    names = {option.value for option in question.options}
    return [plain_name(value) if value in names else value for value in values]


def _note(words: str) -> Message:
    part = ResponseInputTextParam(type="input_text", text=words)
    return Message(type="message", role="developer", content=[part])


def note(thread_id: str, words: str) -> HiddenContextItem:
    """Make the item from which the model will know something that nobody has said."""
    return HiddenContextItem(
        id=new_id("hid"),
        thread_id=thread_id,
        created_at=datetime.now(UTC),
        content={"kind": NOTE_KIND, "text": words},
    )


def _told_apart(items: list[TResponseInputItem]) -> list[TResponseInputItem]:
    """Give calls whose provider counts from zero in each response ids of their own, and their
    outputs the same: the Agents SDK keeps one call of an id."""
    seen: Counter[tuple[str, str]] = Counter()
    for item in items:
        fields: Any = item
        if fields.get("type") in ("function_call", "function_call_output"):
            known = (fields["type"], fields["call_id"])
            seen[known] += 1
            if seen[known] > 1:
                fields["call_id"] = f"{fields['call_id']} {seen[known]}"
    return items


def _steps(calls: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Give the calls of each response of the model together. One that was made for the person, or
    before responses were remembered, stands alone."""
    for _step, group in groupby(enumerate(calls), lambda at: at[1].get("step", -1 - at[0])):
        yield [call for _, call in group]


def _step_items(calls: Sequence[Mapping[str, Any]]) -> list[TResponseInputItem]:
    """Give a response's thoughts and calls with their outputs, each with what it came with."""
    items: list[Any] = []
    for call in calls:
        items += call.get("reasoning", ())
        items.append(
            {
                "type": "function_call",
                "call_id": call["call_id"],
                "name": call["name"],
                "arguments": call["arguments"],
                # Of a call that names no model, none is known to have made it.
                "provider_data": {"model": "", **call.get("provider_data", {})},
            }
        )
    items += [
        FunctionCallOutput(
            type="function_call_output",
            call_id=call["call_id"],
            output=call["output"] if call.get("ours") else marked(call["output"]),
        )
        for call in calls
    ]
    return items


def tokens_in(words: str) -> int:
    """Estimate how many tokens some words are."""
    return len(words.encode()) // _BYTES_PER_TOKEN


def tokens_of(item: ThreadItem) -> int:
    """Estimate how many tokens the model spends on an item, its files included."""
    if isinstance(item, WorkflowItem | WidgetItem | TaskItem):
        return 0  # for people: the converter leaves them out
    if isinstance(item, HiddenContextItem) and not _is_told(item):
        return 0  # for us
    files = item.attachments if isinstance(item, UserMessageItem) else []
    return tokens_in(item.model_dump_json(exclude_none=True)) + sum(map(_tokens_of_file, files))


def _is_told(item: HiddenContextItem) -> bool:
    content = item.content
    return not isinstance(content, dict) or content.get("kind") in (NOTE_KIND, TOOL_CALLS_KIND)


def _tokens_of_file(attachment: Attachment) -> int:
    if attachment.mime_type in IMAGE_TYPES:
        return _TOKENS_PER_IMAGE
    size_bytes = (attachment.metadata or {}).get("size", MAX_TEXT_CHARS)
    return int(min(size_bytes, MAX_TEXT_CHARS)) // _BYTES_PER_TOKEN


def files_beyond(items: Sequence[ThreadItem], max_bytes: int) -> set[str]:
    """Give the ids of the files for which there is no room in so many bytes, the oldest ones."""
    beyond: set[str] = set()
    for item in reversed(items):
        for file in item.attachments if isinstance(item, UserMessageItem) else ():
            max_bytes -= int((file.metadata or {}).get("size", 0))
            if max_bytes < 0:
                beyond.add(file.id)
    return beyond


def recent(items: Sequence[ThreadItem], *, max_tokens: int) -> list[ThreadItem]:
    """Give the newest items that fit `max_tokens`, cut at the beginning of a run.

    The newest run is always whole, however long.
    """
    kept = len(items)
    spent = 0
    start = kept
    for index in range(kept - 1, -1, -1):
        item = items[index]
        spent += tokens_of(item)
        if spent > max_tokens and start < kept:
            break
        if isinstance(item, UserMessageItem):
            start = index
    return list(items[start:] if start < kept else items)

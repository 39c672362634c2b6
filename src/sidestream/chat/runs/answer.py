"""The answer: the agent's events in, ChatKit's events out.

One `Answer` follows one streamed run of the agent. Text arrives as it is written; tool calls go to
the trace; message ids are ours, since Chat Completions models give every message the same id.
However the run ends (done, failed, stopped, out of time), `close()` gives the events that save what
is there.

The agent runs ahead of whoever follows it: when an event is read here, its call may long have been
made. So what is told depends on the order of events alone, and not on what is done by then.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from agents import StreamEvent
from agents.items import ToolCallItem, ToolCallOutputItem
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    URLSource,
    WorkflowItem,
)
from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseCreatedEvent,
    ResponseFailedEvent,
    ResponseFunctionToolCall,
    ResponseIncompleteEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputTextAnnotationAddedEvent,
    ResponseRefusalDeltaEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseUsage,
)
from openai.types.responses.response_output_text import AnnotationURLCitation
from pydantic_core import to_json

from sidestream.chat.context import RunContext, ToolRecord
from sidestream.chat.failures import STREAM_TOO_LONG, TOOL_CALL_FLOOD, ModelFailed
from sidestream.chat.incomplete import Incomplete, mark
from sidestream.chat.model.sent.origins import origins
from sidestream.chat.tools.calls import refused
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.chat.tools.trace import ToolTrace
from sidestream.limits import Limits
from sidestream.store.ids import new_id

_FRAME_BYTES: Final = 1_000
"""More than a message, or a part of it, takes without its words."""


def begins_message(event: StreamEvent) -> bool:
    """Tell whether the model begins to speak with this event."""
    return (
        event.type == "raw_response_event"
        and isinstance(event.data, ResponseOutputItemAddedEvent)
        and isinstance(event.data.item, ResponseOutputMessage)
    )


class Answer:
    """Follows one run of the agent in one thread."""

    def __init__(
        self, registry: ToolRegistry, thread_id: str, context: RunContext, limits: Limits
    ) -> None:
        self._limits = limits
        self._thread_id = thread_id
        self._run = context.run
        self._locale = context.locale
        self._trace = ToolTrace(registry, thread_id, context.locale, context.run.origins)
        self._steps = 0
        self._named = 0
        self._message: AssistantMessageItem | None = None
        self._last: AssistantMessageItem | None = None
        self._traced = False
        self._left_bytes = 0
        self._asked: dict[str, ResponseFunctionToolCall] = {}
        self.started = False
        """Whether words of the answer have gone out."""
        self.uncounted: str | None = None
        """The words of a response that has not told what it used."""
        self.told = list(context.run.records)
        """The calls whose end has been told, in that order."""
        self.silent = False
        """Whether the last response had neither words nor calls."""
        self.marked = False
        """Whether a message tells that the answer is not whole."""

    def feed(self, event: StreamEvent) -> Iterator[ThreadStreamEvent]:
        """Turn one event of the agent into events for the client.

        Raises `ModelFailed` when the response failed.
        """
        if event.type == "raw_response_event":
            self._remember(event.data)
            yield from self._raw(event.data)
        elif event.type == "run_item_stream_event":
            match event.item:
                case ToolCallItem(raw_item=ResponseFunctionToolCall() as call):
                    self._asked[call.call_id] = call
                case ToolCallOutputItem() as item:
                    yield from self._tool_output(item)

    def close(self, incomplete: Incomplete | None = None) -> Iterator[ThreadStreamEvent]:
        """Save what is there: the trace, and the words of an unfinished message, which tells why
        it is `incomplete`."""
        yield from self._end_message(incomplete)
        for call_id in self._run.calls:
            yield from self._finished(call_id)
        yield from self._close_trace()
        if incomplete is not None:
            yield from self.cut_off(incomplete)

    def cut_off(self, incomplete: Incomplete) -> Iterator[ThreadStreamEvent]:
        """Let the last message tell that the answer ended early, or one without words where calls
        came last. Nothing is told of an answer of which nothing is there, or a second time."""
        if self.marked:
            return
        if self._last is not None:
            mark(self._last, incomplete, self._locale)
            yield ThreadItemReplacedEvent(item=self._last.model_copy(deep=True))
        elif self._run.new_records or self._traced:
            message = self._new_message()
            mark(message, incomplete, self._locale)
            yield ThreadItemDoneEvent(item=message)
        else:
            return
        self.marked = True

    def carried_out(self, record: ToolRecord) -> Iterator[ThreadStreamEvent]:
        """Tell that a call that was held took place, or failed."""
        yield from self._trace.carried_out(record)

    def given_up(self) -> Iterator[ThreadStreamEvent]:
        """Tell that the calls that are held will not take place."""
        yield from self._trace.given_up()

    def _remember(self, event: ResponseStreamEvent) -> None:
        """Keep what the calls of a response came with, once it has ended."""
        if isinstance(event, ResponseCompletedEvent | ResponseIncompleteEvent):
            self._steps += 1
            fresh = origins(event.response.output, self._run.model, self._steps)
            if len(to_json([fresh, self._run.origins])) <= self._limits.max_item_bytes // 4:
                self._run.origins |= fresh

    def _raw(self, event: ResponseStreamEvent) -> Iterator[ThreadStreamEvent]:
        match event:
            case ResponseCreatedEvent():
                self.uncounted = ""
            case ResponseTextDeltaEvent() | ResponseRefusalDeltaEvent():
                yield from self._delta(event.delta, event.content_index)
            case ResponseOutputItemAddedEvent(item=ResponseOutputMessage()):
                yield from self._begin_message()
            case ResponseOutputItemAddedEvent(item=ResponseFunctionToolCall() as call):
                self._named += 1
                if self._named > 2 * self._limits.max_tool_calls:
                    raise ModelFailed(TOOL_CALL_FLOOD)
                yield from self._trace.started(call.call_id, call.name)
            case ResponseContentPartAddedEvent():
                yield from self._begin_part()
            case ResponseOutputTextAnnotationAddedEvent():
                yield from self._annotate(event.annotation, event.content_index)
            case ResponseOutputItemDoneEvent(item=ResponseOutputMessage()):
                yield from self._end_message()
            case ResponseCompletedEvent() | ResponseIncompleteEvent() | ResponseFailedEvent():
                self.silent = not any(item.type != "reasoning" for item in event.response.output)
                self._count(event.response.usage)
        self._raise_if_failed(event)

    def _count(self, usage: ResponseUsage | None) -> None:
        if usage is not None:
            self._run.input_tokens += usage.input_tokens
            self._run.output_tokens += usage.output_tokens
            self.uncounted = None

    @staticmethod
    def _raise_if_failed(event: ResponseStreamEvent) -> None:
        match event:
            case ResponseFailedEvent():
                error = event.response.error
                raise ModelFailed(error.code if error else "server_error")
            case ResponseIncompleteEvent():
                details = event.response.incomplete_details
                raise ModelFailed((details and details.reason) or "server_error")

    def _tool_output(self, item: ToolCallOutputItem) -> Iterator[ThreadStreamEvent]:
        raw = item.raw_item
        found = raw.get("call_id") if isinstance(raw, dict) else getattr(raw, "call_id", None)
        call_id = str(found)
        if call_id in self._run.calls:
            yield from self._finished(call_id)
        elif asked := self._asked.get(call_id):
            # Of a tool that is not offered: the agent has told the model so.
            yield from self._tell(refused(self._run, asked, str(item.output)))

    def _finished(self, call_id: str) -> Iterator[ThreadStreamEvent]:
        call = self._run.calls.get(call_id)
        if call is None or not call.done() or call.cancelled() or call.exception() is not None:
            return
        yield from self._tell(call.result())

    def _tell(self, record: ToolRecord) -> Iterator[ThreadStreamEvent]:
        if record not in self.told:
            self.told.append(record)
            yield from self._trace.finished(record)

    def _begin_message(self) -> Iterator[ThreadStreamEvent]:
        yield from self._end_message()
        yield from self._close_trace(over=False)
        self._message = self._new_message()
        self._left_bytes = self._limits.max_item_bytes - _FRAME_BYTES
        yield ThreadItemAddedEvent(item=self._message.model_copy(deep=True))

    def _new_message(self) -> AssistantMessageItem:
        return AssistantMessageItem(
            id=new_id("msg"),
            thread_id=self._thread_id,
            created_at=datetime.now(UTC),
            content=[],
        )

    def _close_trace(self, *, over: bool = True) -> Iterator[ThreadStreamEvent]:
        for event in self._trace.close(over=over):
            if isinstance(event, ThreadItemDoneEvent) and isinstance(event.item, WorkflowItem):
                self._traced, self._last = True, None
            yield event

    def _begin_part(self) -> Iterator[ThreadStreamEvent]:
        assert self._message is not None
        self._take(_FRAME_BYTES)
        self._message.content.append(AssistantMessageContent(text=""))
        update = AssistantMessageContentPartAdded(
            content_index=len(self._message.content) - 1, content=AssistantMessageContent(text="")
        )
        yield self._update(update)

    def _delta(self, delta: str, index: int) -> Iterator[ThreadStreamEvent]:
        assert self._message is not None
        told = self._fitting(delta)
        self._message.content[index].text += told
        self.started = True
        self.uncounted = (self.uncounted or "") + told
        update = AssistantMessageContentPartTextDelta(content_index=index, delta=told)
        yield self._update(update)
        self._take(len(to_json(delta)))

    def _annotate(self, raw: object, index: int) -> Iterator[ThreadStreamEvent]:
        assert isinstance(raw, AnnotationURLCitation)
        assert self._message is not None
        source = URLSource(url=raw.url, title=raw.title)
        annotation = Annotation(source=source, index=getattr(raw, "end_index", None))
        self._take(len(annotation.model_dump_json()))
        self._message.content[index].annotations.append(annotation)
        yield self._annotated(annotation, index)

    def _annotated(self, annotation: Annotation, index: int) -> ThreadItemUpdatedEvent:
        assert self._message is not None
        return self._update(
            AssistantMessageContentPartAnnotationAdded(
                content_index=index,
                annotation_index=len(self._message.content[index].annotations) - 1,
                annotation=annotation,
            )
        )

    def _end_message(self, incomplete: Incomplete | None = None) -> Iterator[ThreadStreamEvent]:
        if self._message is None:
            return
        if not any(content.text for content in self._message.content):
            yield ThreadItemRemovedEvent(item_id=self._message.id)
            self._message = None
            yield from self._trace.go_on()
            return
        if incomplete is not None:
            annotation = mark(self._message, incomplete, self._locale)
            yield self._annotated(annotation, len(self._message.content) - 1)
            self.marked = True
        for index, content in enumerate(self._message.content):
            update = AssistantMessageContentPartDone(
                content_index=index, content=content.model_copy(deep=True)
            )
            yield self._update(update)
        yield ThreadItemDoneEvent(item=self._message)
        self._message, self._last = None, self._message
        yield from self._trace.go_on()

    def _fitting(self, words: str) -> str:
        """Give as much of some words as the message has room for. No character takes more than six
        bytes in JSON."""
        whole = len(to_json(words)) <= self._left_bytes
        return words if whole else words[: max(0, self._left_bytes) // 6]

    def _take(self, size_bytes: int) -> None:
        """Take up room of the message. Raises `ModelFailed` when there is no more."""
        self._left_bytes -= size_bytes
        if self._left_bytes < 0:
            raise ModelFailed(STREAM_TOO_LONG)

    def _update(self, update: ThreadItemUpdate) -> ThreadItemUpdatedEvent:
        assert self._message is not None
        return ThreadItemUpdatedEvent(item_id=self._message.id, update=update)

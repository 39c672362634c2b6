"""The answer: the agent's events in, ChatKit's events out.

One `Answer` follows one streamed run of the agent. Text arrives as it is written; tool calls go to
the trace; message ids are ours, since Chat Completions models give every message the same id.
However the run ends (done, failed, stopped, out of time), `close()` gives the events that save what
is there.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

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
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    URLSource,
)
from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseCreatedEvent,
    ResponseErrorEvent,
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
)

from sidestream.chat.context import RunContext, ToolRecord
from sidestream.chat.failures import ModelFailed
from sidestream.chat.tools.calls import refused
from sidestream.chat.tools.registry import ToolRegistry
from sidestream.chat.tools.trace import ToolTrace
from sidestream.store.ids import new_id


def begins_message(event: StreamEvent) -> bool:
    """Tell whether the model begins to speak with this event."""
    return (
        event.type == "raw_response_event"
        and isinstance(event.data, ResponseOutputItemAddedEvent)
        and isinstance(event.data.item, ResponseOutputMessage)
    )


class Answer:
    """Follows one run of the agent in one thread."""

    def __init__(self, registry: ToolRegistry, thread_id: str, context: RunContext) -> None:
        self._thread_id = thread_id
        self._run = context.run
        self._trace = ToolTrace(registry, thread_id, context.locale)
        self._message: AssistantMessageItem | None = None
        self._asked: dict[str, ResponseFunctionToolCall] = {}
        self.started = False
        """Whether words of the answer have gone out."""
        self.uncounted: str | None = None
        """The words of a response that has not told what it used."""

    def feed(self, event: StreamEvent) -> Iterator[ThreadStreamEvent]:
        """BegunRun one event of the agent into events for the client.

        Raises `ModelFailed` when the model reports that its response failed.
        """
        if event.type == "raw_response_event":
            yield from self._raw(event.data)
        elif event.type == "run_item_stream_event":
            match event.item:
                case ToolCallItem(raw_item=ResponseFunctionToolCall() as call):
                    self._asked[call.call_id] = call
                case ToolCallOutputItem() as item:
                    yield from self._tool_output(item)

    def close(self) -> Iterator[ThreadStreamEvent]:
        """Save what is there: the trace, and the words of an unfinished message."""
        for call in self._run.calls.values():
            if call.done() and not call.cancelled() and call.exception() is None:
                yield from self._trace.finished(call.result())
        yield from self._trace.close()
        yield from self._end_message()

    def carried_out(self, record: ToolRecord) -> Iterator[ThreadStreamEvent]:
        """Tell that a call that was held took place, or failed."""
        yield from self._trace.carried_out(record)

    def given_up(self) -> Iterator[ThreadStreamEvent]:
        """Tell that the calls that are held will not take place."""
        yield from self._trace.given_up()

    def _raw(self, event: ResponseStreamEvent) -> Iterator[ThreadStreamEvent]:
        match event:
            case ResponseCreatedEvent():
                self.uncounted = ""
            case ResponseTextDeltaEvent() | ResponseRefusalDeltaEvent():
                yield from self._delta(event.delta)
            case ResponseOutputItemAddedEvent(item=ResponseOutputMessage()):
                yield from self._begin_message()
            case ResponseOutputItemAddedEvent(item=ResponseFunctionToolCall() as call):
                yield from self._end_message()
                self._run.calls.pop(call.call_id, None)  # some providers use an id again
                yield from self._trace.started(call.call_id, call.name)
            case ResponseContentPartAddedEvent():
                if event.part.type != "reasoning_text":
                    yield from self._begin_part()
            case ResponseOutputTextAnnotationAddedEvent():
                yield from self._annotate(event.annotation)
            case ResponseOutputItemDoneEvent(item=ResponseOutputMessage()):
                yield from self._end_message()
            case ResponseCompletedEvent() | ResponseIncompleteEvent() if event.response.usage:
                self._run.input_tokens += event.response.usage.input_tokens
                self._run.output_tokens += event.response.usage.output_tokens
                self.uncounted = None
        self._raise_if_failed(event)

    @staticmethod
    def _raise_if_failed(event: ResponseStreamEvent) -> None:
        match event:
            case ResponseFailedEvent():
                error = event.response.error
                raise ModelFailed(error.code if error else "server_error")
            case ResponseErrorEvent():
                raise ModelFailed(event.code or "server_error")
            case ResponseIncompleteEvent():
                details = event.response.incomplete_details
                raise ModelFailed((details and details.reason) or "server_error")

    def _tool_output(self, item: ToolCallOutputItem) -> Iterator[ThreadStreamEvent]:
        raw = item.raw_item
        call_id = raw.get("call_id") if isinstance(raw, dict) else getattr(raw, "call_id", None)
        call = self._run.calls.get(str(call_id))
        if call is None and (asked := self._asked.get(str(call_id))):
            # Of a tool that is not offered: the agent has told the model so.
            yield from self._trace.finished(refused(self._run, asked, str(item.output)))
        elif call is not None and call.done() and not call.cancelled():
            yield from self._trace.finished(call.result())

    def _begin_message(self) -> Iterator[ThreadStreamEvent]:
        yield from self._end_message()
        yield from self._trace.close(over=False)
        self._message = AssistantMessageItem(
            id=new_id("msg"),
            thread_id=self._thread_id,
            created_at=datetime.now(UTC),
            content=[],
        )
        yield ThreadItemAddedEvent(item=self._message.model_copy(deep=True))

    def _begin_part(self) -> Iterator[ThreadStreamEvent]:
        if self._message is None:
            yield from self._begin_message()
        assert self._message is not None
        yield from self._end_part()
        self._message.content.append(AssistantMessageContent(text=""))
        update = AssistantMessageContentPartAdded(
            content_index=len(self._message.content) - 1, content=AssistantMessageContent(text="")
        )
        yield self._update(update)

    def _delta(self, delta: str) -> Iterator[ThreadStreamEvent]:
        if not delta:
            return
        if self._message is None or not self._message.content:
            yield from self._begin_part()
        assert self._message is not None
        self._message.content[-1].text += delta
        self.started = True
        self.uncounted = (self.uncounted or "") + delta
        update = AssistantMessageContentPartTextDelta(
            content_index=len(self._message.content) - 1, delta=delta
        )
        yield self._update(update)

    def _annotate(self, raw: object) -> Iterator[ThreadStreamEvent]:
        fields = raw if isinstance(raw, dict) else getattr(raw, "__dict__", {})
        if fields.get("type") != "url_citation" or not self._message or not self._message.content:
            return
        source = URLSource(url=str(fields["url"]), title=str(fields.get("title") or fields["url"]))
        annotation = Annotation(source=source, index=fields.get("end_index"))
        content = self._message.content[-1]
        content.annotations.append(annotation)
        update = AssistantMessageContentPartAnnotationAdded(
            content_index=len(self._message.content) - 1,
            annotation_index=len(content.annotations) - 1,
            annotation=annotation,
        )
        yield self._update(update)

    def _end_part(self) -> Iterator[ThreadStreamEvent]:
        if self._message is None or not self._message.content:
            return
        update = AssistantMessageContentPartDone(
            content_index=len(self._message.content) - 1,
            content=self._message.content[-1].model_copy(deep=True),
        )
        yield self._update(update)

    def _end_message(self) -> Iterator[ThreadStreamEvent]:
        if self._message is None:
            return
        if any(part.text for part in self._message.content):
            yield from self._end_part()
            yield ThreadItemDoneEvent(item=self._message)
        else:
            yield ThreadItemRemovedEvent(item_id=self._message.id)
        self._message = None

    def _update(self, update: ThreadItemUpdate) -> ThreadItemUpdatedEvent:
        assert self._message is not None
        return ThreadItemUpdatedEvent(item_id=self._message.id, update=update)

"""The ChatKit server: what each kind of request does, on ChatKit's own event pipeline.

`ChatKitServer._process_events` saves items as they are done and turns exceptions into error events;
the version is pinned, and a test watches over it. What comes before it is ours, because the run
has already been opened in one round trip: the thread is loaded, the message saved.
"""

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from chatkit.server import DEFAULT_PAGE_SIZE, ChatKitServer
from chatkit.types import (
    AttachmentsDeleteReq,
    AudioInput,
    ClientEffectEvent,
    ErrorEvent,
    FeedbackKind,
    InputTranscribeReq,
    ItemsListParams,
    ItemsListReq,
    NonStreamingReq,
    NoticeEvent,
    Page,
    StructuredInputItem,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadsDeleteReq,
    ThreadsGetByIdReq,
    ThreadStreamEvent,
    TranscriptionResult,
    UserMessageItem,
    WidgetItem,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

from sidestream.caller import Caller
from sidestream.chat.context import RunContext, ToolRecord
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.model.speech import Recording, transcribe
from sidestream.chat.protocol.frames import HIDDEN, encode
from sidestream.chat.runs.prepare import Prepared, Preparer, WidgetAction
from sidestream.chat.runs.respond import Responder
from sidestream.chat.tools.calls import ACTION_FAILED, Toolbox
from sidestream.chat.tools.cards import Cards
from sidestream.chat.tools.confirmation import Call, choices_of, chosen
from sidestream.chat.tools.filled import Filled
from sidestream.chat.tools.trace import memory
from sidestream.config import ChatSettings
from sidestream.domain import Row
from sidestream.i18n import _, text
from sidestream.problems import Invalid, NotConfigured, Problem
from sidestream.store.feedback import Feedback
from sidestream.store.threads import PostgresStore
from sidestream.telemetry import logger

ITEMS_REMOVED: Final = "thread.items_removed"
"""The effect that says what a retry took away: the items after one and before another (the end of
the thread when it is null). ChatKit's client takes away by itself what follows a message that is
answered again, and its protocol has an event for a single item only."""

_TOO_LATE: Final = _("The answer came too late, so nothing was done with it. Ask again.")

log = logger("chat")


class ChatServer(ChatKitServer[Caller]):
    """Answers every kind of ChatKit request, with the agent where one is needed."""

    def __init__(
        self,
        store: PostgresStore,
        files: AttachmentFiles,
        feedback: Feedback,
        tools: Toolbox,
        cards: Cards,
        responder: Responder,
        preparer: Preparer,
        speech: AsyncOpenAI,
        settings: ChatSettings,
    ) -> None:
        super().__init__(store, files)
        self._rows = store
        self._files = files
        self._feedback = feedback
        self._tools = tools
        self._cards = cards
        self._responder = responder
        self._preparer = preparer
        self._speech = speech
        self._settings = settings

    async def answer(self, request: NonStreamingReq, caller: Caller) -> bytes:
        """Give the JSON answer of a request that is no run. Raises problems, `NotFound` first."""
        match request:
            case ThreadsDeleteReq():
                await self._delete_thread(request.params.thread_id, caller)
                return b"{}"
            case AttachmentsDeleteReq():
                await self._delete_attachment(request.params.attachment_id, caller)
                return b"{}"
            case ThreadsGetByIdReq():
                thread = await self._load_full_thread(request.params.thread_id, caller)
                await self._freshen(thread.items)
                return self._serialize(self._to_thread_response(thread))
            case ItemsListReq():
                return self._serialize(await self._list_items(request.params, caller))
            case InputTranscribeReq():
                audio = AudioInput(
                    data=_decoded(request.params.audio_base64), mime_type=request.params.mime_type
                )
                return self._serialize(await self.transcribe(audio, caller))
        return await self._process_non_streaming(request, caller)

    async def run(
        self, prepared: Prepared, thread: ThreadMetadata, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Give the events of a run that has been opened in the store."""
        if prepared.start.new_thread is not None:
            yield ThreadCreatedEvent(thread=self._to_thread_response(thread))
        if prepared.start.item is not None:
            yield ThreadItemDoneEvent(item=prepared.start.item)
        if prepared.answered is not None:
            yield ThreadItemReplacedEvent(item=prepared.answered)
        # ChatKit leaves the events where they are when saving one fails.
        async with aclosing(self._events(prepared, thread, context)) as events:
            async for event in self._process_events(thread, context, lambda: events):
                yield event

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: Caller
    ) -> None:
        """Nothing: a run is cancelled only when it has no time left, and saves as it ends."""

    def _events(
        self, prepared: Prepared, thread: ThreadMetadata, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        if prepared.widget is not None:
            return self._act(thread, prepared.widget, context)
        if prepared.answered is not None:
            return self._carry_on(thread, prepared.answered, prepared.form, context)
        if prepared.retry and prepared.message is not None:
            return self._retry(thread, prepared.message, context)
        return self._responder.respond(thread, prepared.message, context)

    def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Caller,
    ) -> AsyncIterator[ThreadStreamEvent]:
        assert isinstance(context, RunContext)
        return self._responder.respond(thread, input_user_message, context)

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: Caller
    ) -> None:
        await self._feedback.save(context, thread_id, item_ids, feedback)

    async def transcribe(self, audio_input: AudioInput, context: Caller) -> TranscriptionResult:
        settings = self._settings
        if not settings.dictation:
            raise NotConfigured("Dictation is not configured here.")
        recording = Recording.of(audio_input)
        await self._rows.count_request(
            context,
            requests_per_minute=settings.requests_per_minute or None,
            tokens_per_day=settings.tokens_per_day or None,
        )
        words = await transcribe(self._speech, settings.transcription_model, recording)
        return TranscriptionResult(text=words)

    def _serialize(self, obj: BaseModel) -> bytes:
        return encode(obj).encode()

    async def _retry(
        self, thread: ThreadMetadata, message: UserMessageItem, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Answer a message again. The old answer goes when the new one is there, whole: one that
        failed or was stopped stands beside it."""
        whole, shown, latest = True, _Shown(), context.run.latest
        async with aclosing(self._responder.respond(thread, message, context)) as events:
            async for event in events:
                whole = whole and not isinstance(event, ErrorEvent)
                shown.see(event)
                yield event
        if whole and context.run.control.reason is None and latest and latest != message.id:
            await self._rows.delete_items(thread.id, context, after=message.id, through=latest)
            data = {"after": message.id, "before": shown.first}
            yield ClientEffectEvent(name=ITEMS_REMOVED, data=data)

    async def _carry_on(
        self,
        thread: ThreadMetadata,
        answered: StructuredInputItem,
        form: Filled | None,
        context: RunContext,
    ) -> AsyncGenerator[ThreadStreamEvent]:
        """Go on after an answer, however long ago the question was asked."""
        if form is None:
            calls: Sequence[Call] = await self._chosen(thread, answered, context)
        else:
            calls = form.calls
            if form.late:
                yield NoticeEvent(level="warning", message=text(context.locale, _TOO_LATE))
        async with aclosing(self._responder.carry_on(thread, calls, context)) as events:
            async for event in events:
                yield event
        if form is not None and context.run.control.reason is None:
            for item in self._changed_cards(context):
                yield ThreadItemReplacedEvent(item=item)

    def _changed_cards(self, context: RunContext) -> Iterator[WidgetItem]:
        """Give the cards that show what the run has changed: it may have begun at a button."""
        changes: dict[str, Row | None] = {}
        for record in context.run.records:
            policy = self._tools.registry.policy(record.name)
            if not (record.failed or record.waits or policy.reads):
                rows = self._tools.registry.rows(record)
                changes |= {row.id: None if policy.tool.removes else row for row in rows}
        for item in context.run.history:
            if isinstance(item, WidgetItem):
                shown = {row.id for row in self._cards.shown(item)}
                if not shown.isdisjoint(changes):
                    yield self._cards.rebuilt(item, changes, context.locale)

    async def _chosen(
        self, thread: ThreadMetadata, answered: StructuredInputItem, context: RunContext
    ) -> list[Call]:
        choices = choices_of(answered, context.run.history)
        if choices is None:
            choices = choices_of(answered, await self._all_items(thread, context)) or {}
        return chosen(answered, choices)

    async def _all_items(self, thread: ThreadMetadata, context: RunContext) -> list[ThreadItem]:
        items = [item async for item in self._paginate_thread_items_reverse(thread.id, context)]
        return items[::-1]

    async def _act(
        self, thread: ThreadMetadata, widget: WidgetAction, context: RunContext
    ) -> AsyncGenerator[ThreadStreamEvent]:
        # Another action may have changed it since the request was prepared.
        shown = await self.store.load_item(thread.id, widget.sender.id, context)
        if isinstance(shown, WidgetItem):
            widget = replace(widget, sender=shown)
        record, item = await self._perform(widget, context)
        yield ThreadItemReplacedEvent(item=item)
        yield ThreadItemDoneEvent(item=memory(thread.id, [record]))
        if record.needs is not None:
            for asked in self._responder.forms.cards(context.run, thread.id, context):
                yield ThreadItemDoneEvent(item=asked)
            return
        if record.failed:
            yield NoticeEvent(level="warning", message=text(context.locale, ACTION_FAILED))
        yield ClientEffectEvent(
            name=self._tools.registry.changed_event(record.name), data={"tool": record.name}
        )

    async def _perform(
        self, widget: WidgetAction, context: RunContext
    ) -> tuple[ToolRecord, WidgetItem]:
        """Do what a row's action says. Gives the record, and the widget as it is now."""
        call, seen = widget.action.call, widget.action.row
        tool = self._tools.registry.policy(call.name).tool
        call_id = f"call_{context.run_id}"
        record = await self._tools.call(context, call.name, call_id, call.arguments)
        changes: dict[str, Row | None] = {}
        if record.needs is not None:
            pass
        elif not record.failed:
            rows = self._tools.registry.rows(record)
            changes = {seen.id: None} if tool.removes else {row.id: row for row in rows}
        elif tool.look_up and tool.target:
            now = await self._tools.call(
                context, tool.look_up, f"{call_id}_now", {tool.target: seen.id}
            )
            if now.reached:
                changes = {seen.id: next(iter(self._tools.registry.rows(now)), None)}
        return record, self._cards.rebuilt(widget.sender, changes, context.locale)

    async def _list_items(self, params: ItemsListParams, caller: Caller) -> Page[ThreadItem]:
        page = await self._rows.load_thread_items(
            params.thread_id, params.after, params.limit or DEFAULT_PAGE_SIZE, params.order, caller
        )
        page.data = [item for item in page.data if not isinstance(item, HIDDEN)]
        await self._freshen(page)
        return page

    async def _freshen(self, page: Page[ThreadItem]) -> None:
        """Renew the previews of attached images, whose addresses expire."""
        for item in page.data:
            if isinstance(item, UserMessageItem) and item.attachments:
                item.attachments = [
                    await self._files.fresh_preview(attachment) for attachment in item.attachments
                ]

    async def _delete_attachment(self, attachment_id: str, caller: Caller) -> None:
        await self._rows.load_attachment(attachment_id, caller)
        await self._files.delete_attachment(attachment_id, caller)
        await self._rows.delete_attachment(attachment_id, caller)

    async def _delete_thread(self, thread_id: str, caller: Caller) -> None:
        """Delete a thread, and then its files. A file that stays behind expires in its bucket."""
        attachments = await self._rows.load_thread_attachments(thread_id, caller)
        await self._rows.delete_thread(thread_id, caller)
        for attachment in attachments:
            try:
                await self._files.delete_attachment(attachment.id, caller)
            except Problem as problem:
                log.warning("file not deleted", extra={"code": problem.code})


class _Shown:
    """The items that a run has put before its client."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def see(self, event: ThreadStreamEvent) -> None:
        match event:
            case ThreadItemAddedEvent() | ThreadItemDoneEvent():
                if not isinstance(event.item, HIDDEN):
                    self._ids[event.item.id] = None
            case ThreadItemRemovedEvent():
                self._ids.pop(event.item_id, None)

    @property
    def first(self) -> str | None:
        return next(iter(self._ids), None)


def _decoded(audio_base64: str) -> bytes:
    try:
        return base64.b64decode(audio_base64, validate=True)
    except ValueError:
        raise Invalid("The recording is not valid base64.") from None

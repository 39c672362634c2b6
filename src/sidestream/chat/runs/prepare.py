"""From a request to the run it opens: ids given, preconditions checked, nothing written yet.

Creating a thread and adding a message need nothing from the database here, so that the run itself
is the only round trip before the model. The rarer kinds look at the item they refer to first.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from chatkit.actions import Action
from chatkit.store import Store
from chatkit.types import (
    Attachment,
    ClientToolCallItem,
    StreamingReq,
    StructuredInputAnswer,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputSubmission,
    ThreadItem,
    ThreadMetadata,
    ThreadsAddClientToolOutputReq,
    ThreadsAddStructuredInputReq,
    ThreadsAddUserMessageReq,
    ThreadsCreateReq,
    ThreadsCustomActionReq,
    ThreadsRetryAfterItemReq,
    UserMessageInput,
    UserMessageItem,
    WidgetItem,
)

from sidestream.caller import Caller
from sidestream.chat.files.attachments import AttachmentFiles
from sidestream.chat.protocol.requests import Idempotency
from sidestream.chat.tools.cards import Cards, RowCall
from sidestream.chat.tools.filled import Filled, filled
from sidestream.chat.tools.forms import hidden_id, is_form
from sidestream.config import ChatSettings
from sidestream.problems import Conflict, Invalid
from sidestream.store.ids import new_id
from sidestream.store.run_start import RunStart
from sidestream.visible import is_visible

_MAX_TITLE_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class WidgetAction:
    """What a person did in a widget, and the widget."""

    sender: WidgetItem
    action: RowCall


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked request, what it is about, and what the store needs to open its run."""

    start: RunStart
    message: UserMessageItem | None = None
    """The message to answer. A retry answers one that is already there."""
    retry: bool = False
    answered: StructuredInputItem | None = None
    """The question that the person has answered."""
    form: Filled | None = None
    """What the answer says to do, where a tool has asked."""
    widget: WidgetAction | None = None


class Preparer:
    """Prepares runs: looks things up as the caller, and checks them."""

    def __init__(
        self, store: Store[Caller], files: AttachmentFiles, cards: Cards, settings: ChatSettings
    ) -> None:
        self._store = store
        self._files = files
        self._cards = cards
        self._settings = settings

    async def prepare(
        self, request: StreamingReq, caller: Caller, idempotency: Idempotency
    ) -> Prepared:
        """Prepare a run. Raises `NotFound`, `Invalid` and `Conflict`."""
        match request:
            case ThreadsCreateReq():
                thread = ThreadMetadata(
                    id=new_id("thr"),
                    created_at=datetime.now(UTC),
                )
                message = await self._message(request.params.input, thread.id, caller)
                thread.title = _title(message)
                start = self._start(thread.id, idempotency, thread=thread, item=message)
                return Prepared(start, message)
            case ThreadsAddUserMessageReq():
                thread_id = request.params.thread_id
                message = await self._message(request.params.input, thread_id, caller)
                return Prepared(self._start(thread_id, idempotency, item=message), message)
            case ThreadsRetryAfterItemReq():
                thread_id = request.params.thread_id
                item = await self._store.load_item(thread_id, request.params.item_id, caller)
                if not isinstance(item, UserMessageItem):
                    raise Invalid("Only a message of the user can be answered again.")
                start = self._start(thread_id, idempotency, until=item)
                return Prepared(start, item, retry=True)
            case ThreadsAddStructuredInputReq():
                thread_id = request.params.thread_id
                item = await self._store.load_item(thread_id, request.params.item_id, caller)
                answered = _answered(item, request.params.input)
                form = await self._form(item, answered, caller)
                start = self._start(thread_id, idempotency, answers=answered)
                return Prepared(start, answered=answered, form=form)
            case ThreadsAddClientToolOutputReq():
                thread_id = request.params.thread_id
                call = await self._client_call(thread_id, request.params.result, caller)
                return Prepared(self._start(thread_id, idempotency, answers=call))
            case ThreadsCustomActionReq():
                thread_id = request.params.thread_id
                widget = await self._widget_action(
                    thread_id, request.params.item_id, request.params.action, caller
                )
                return Prepared(self._start(thread_id, idempotency), widget=widget)

    async def _widget_action(
        self, thread_id: str, item_id: str | None, action: Action[str, Any], caller: Caller
    ) -> WidgetAction:
        """Find the widget of an action and read the action. Raises `NotFound` and `Invalid`."""
        if item_id is None:
            raise Invalid("An action needs the widget it comes from.")
        item = await self._store.load_item(thread_id, item_id, caller)
        if not isinstance(item, WidgetItem):
            raise Invalid("An action needs the widget it comes from.")
        return WidgetAction(item, self._cards.row_call(action))

    def _start(
        self,
        thread_id: str,
        idempotency: Idempotency,
        *,
        thread: ThreadMetadata | None = None,
        item: UserMessageItem | None = None,
        answers: ThreadItem | None = None,
        until: ThreadItem | None = None,
    ) -> RunStart:
        settings = self._settings
        return RunStart(
            run_id=new_id("run"),
            thread_id=thread_id,
            new_thread=thread,
            item=item,
            items_to_save=(answers,) if answers else (),
            pending=answers.id if answers else None,
            until=until.id if until else None,
            idempotency_key=idempotency.key,
            request_hash=idempotency.request_hash,
            lease_s=settings.run_lease_s,
            history_limit=settings.history_items,
            requests_per_minute=settings.requests_per_minute or None,
            tokens_per_day=settings.tokens_per_day or None,
            reserved_tokens=settings.reserved_tokens,
        )

    async def _message(
        self, message: UserMessageInput, thread_id: str, caller: Caller
    ) -> UserMessageItem:
        attachments: list[Attachment] = []
        for attachment_id in dict.fromkeys(message.attachments):
            attachment = await self._store.load_attachment(attachment_id, caller)
            if attachment.thread_id not in {None, thread_id}:
                raise Invalid("An attachment of this message belongs to another conversation.")
            await self._files.check_uploaded(attachment)
            update = {"thread_id": thread_id, "upload_descriptor": None}
            attachment = attachment.model_copy(update=update)
            attachments.append(attachment)
        return UserMessageItem(
            id=new_id("msg"),
            thread_id=thread_id,
            created_at=datetime.now(UTC),
            content=message.content,
            attachments=attachments,
            quoted_text=message.quoted_text,
            inference_options=message.inference_options,
        )

    async def _form(
        self, item: ThreadItem, answered: StructuredInputItem, caller: Caller
    ) -> Filled | None:
        """Read what an answer says to a tool, where a tool has asked."""
        if not is_form(item) or item.status != "pending":
            return None
        hidden = await self._store.load_item(item.thread_id, hidden_id(item.id), caller)
        return filled(answered, hidden, caller)

    async def _client_call(self, thread_id: str, result: Any, caller: Caller) -> ClientToolCallItem:
        newest = await self._store.load_thread_items(thread_id, None, 1, "desc", caller)
        item = newest.data[0] if newest.data else None
        if not isinstance(item, ClientToolCallItem):
            raise Conflict("No tool call of this conversation waits for a result.")
        return item.model_copy(update={"output": result, "status": "completed"})


def _answered(item: ThreadItem, submission: StructuredInputSubmission) -> StructuredInputItem:
    if not isinstance(item, StructuredInputItem):
        raise Invalid("This item is not a question.")
    known = {question.id for question in item.inputs}
    if unknown := sorted(set(submission.answers) - known):
        raise Invalid(
            "The question has no part named “{name}”.", name=unknown[0][:_MAX_TITLE_CHARS]
        )
    answered = item.model_copy(deep=True, update={"status": submission.status})
    for question in answered.inputs:
        given = submission.answers.get(question.id)
        if submission.status == "skipped" or given is None or given.skipped or not given.values:
            question.answer = StructuredInputAnswer(skipped=True)
            continue
        single = isinstance(question, StructuredInputMultipleChoice) and not question.multiple
        question.answer = StructuredInputAnswer(values=given.values[:1] if single else given.values)
    return answered


def _title(message: UserMessageItem) -> str | None:
    """Name a thread after the first line of its first message, cut at a word, or else a file."""
    lines = "".join(part.text for part in message.content).splitlines()
    lines = [line for line in lines if is_visible(line)]
    lines += [attachment.name for attachment in message.attachments]
    if not lines:
        return None
    first = " ".join(lines[0].split())
    if len(first) <= _MAX_TITLE_CHARS:
        return first
    cut = first[: _MAX_TITLE_CHARS - 1].rsplit(" ", 1)[0]
    return cut + "…"

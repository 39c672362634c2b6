"""What is left of a run that died with its process: kept, as items of its thread, once.

Frames tell what was said, and rows what was saved; neither is ahead of the other for sure, since
rows are saved as the answer goes and frames with each beat. Whoever meets the dead run first (a
reader of its thread, who follows it, its next run, the job that tidies) puts together what both
say: the words of the message that was being written, the trace, and the results of the calls, for
the model's memory. That is saved with the run's end in one statement, which only one can win.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from chatkit.types import (
    AssistantMessageItem,
    HiddenContextItem,
    Page,
    StructuredInputItem,
    Thread,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadStreamEvent,
    WorkflowItem,
)

from sidestream.caller import Caller
from sidestream.chat.failures import LOST, error_event
from sidestream.chat.incomplete import Incomplete, mark, reason_of
from sidestream.chat.marks import plain_name
from sidestream.chat.model.history import note
from sidestream.chat.protocol.frames import HIDDEN, encode
from sidestream.chat.runs.ended import NOT_MADE_NOTE
from sidestream.chat.runs.told import Told, read
from sidestream.chat.tools.trace import broken_off, memory, remembered, under_way, waits
from sidestream.problems import DatabaseUnavailable, NotFound
from sidestream.store.ids import made_ms, new_id
from sidestream.store.run_view import RunEvents, RunView
from sidestream.store.runs import Runs
from sidestream.store.threads import MAX_PAGE, PostgresStore
from sidestream.telemetry import log_failure, logger

_UNCERTAIN_NOTE: Final = (
    "When the answer was interrupted, tool calls were under way ({titles}). It is not known what "
    "they did: look at how things are before you make them again."
)

_PERHAPS_MADE_NOTE: Final = (
    "The answer broke off at its end, where the calls that waited for it are made. It is not known "
    "whether they were: look at how things are before you make them again."
)

log = logger("chat")


@dataclass(slots=True)
class _Left:
    """What a run left, as it is to be saved, and the events that tell of it."""

    new: list[ThreadItem] = field(default_factory=list)
    changed: list[ThreadItem] = field(default_factory=list)
    events: list[ThreadStreamEvent] = field(default_factory=list)
    failed: bool = False
    whole: bool = False
    """Whether nothing but the end of the run is missing."""


class Salvage:
    """Settles the runs of processes that are gone.

    `store` is one that does not settle what it meets.
    """

    def __init__(self, runs: Runs, store: PostgresStore) -> None:
        self._runs = runs
        self._store = store

    async def events(self, caller: Caller, run_id: str, after: int) -> RunEvents:
        """Give the saved frames of a run as `Runs.events` does, and the last ones of one that died.
        Raises `RowNotFound`."""
        page = await self._runs.events(caller, run_id, after)
        if not page.run.unsettled:
            return page
        await self.settle(caller, run_id)
        return await self._runs.events(caller, run_id, after)

    async def settle(self, caller: Caller, run_id: str) -> None:
        """Keep what a run left that died. Nothing happens to one that is alive, or settled.

        Texts for people are in the language of who began it. Raises `RowNotFound`,
        `DatabaseUnavailable`.
        """
        page = await self._runs.events(caller, run_id)
        if not page.run.unsettled:
            return
        caller = replace(caller, locale=page.run.locale or caller.locale)
        try:
            await self._save(page.run, caller, await self._left(page, caller))
        except (NotFound, DatabaseUnavailable):
            raise
        except Exception as error:
            # Its thread has to be free again, whatever the frames and the items are.
            log_failure(log, "run not salvaged", error, run_id=run_id)
            await self._save(page.run, caller, _Left())

    async def _save(self, run: RunView, caller: Caller, left: _Left) -> None:
        events = left.events
        if not (left.failed or left.whole):
            events.append(error_event(LOST, caller.locale))
        if await self._runs.settle(
            caller,
            run.run_id,
            new=left.new,
            changed=left.changed,
            frames=[encode(event) for event in events],
            first=run.last_event + 1,
            whole=left.whole,
        ):
            log.warning("run settled", extra={"run_id": run.run_id, "items": len(left.new)})

    async def _left(self, page: RunEvents, caller: Caller) -> _Left:
        run = page.run
        kept, began_thread = await self._kept(run, caller)
        told = read(page.frames)
        left = _Left(failed=told.failed, whole=_is_whole(told, kept, run))
        if left.whole:
            return left
        if run.last_event == 0 and began_thread:
            left.events += await self._created(run, caller)
        writing = bool(told.open.keys() - {item.id for item in kept})
        given_up = _given_up(told, kept, writing=writing)
        for item in kept:
            if isinstance(item, WorkflowItem) and broken_off(
                item, caller.locale, given_up=given_up
            ):
                left.changed.append(item)
        unfinished = list(_unfinished(told, kept, caller.locale, given_up=given_up))
        left.new += [item for item in unfinished if isinstance(item, WorkflowItem)]
        left.new += self._remembered(told, kept, run)
        if given_up:
            # They are made when all that was announced is saved, and not before.
            words = NOT_MADE_NOTE if writing else _PERHAPS_MADE_NOTE
            left.new.append(note(run.thread_id, words))
        left.new += [item for item in unfinished if not isinstance(item, WorkflowItem)]
        self._mark(left, kept, run, caller.locale)
        changed = {item.id for item in left.changed}
        for item in kept:
            if isinstance(item, HIDDEN):
                continue
            if item.id not in told.final:
                left.events.append(ThreadItemDoneEvent(item=item))
            elif item.id in changed:
                left.events.append(ThreadItemReplacedEvent(item=item))
        left.events += [
            ThreadItemDoneEvent(item=item) for item in left.new if not isinstance(item, HIDDEN)
        ]
        left.events += [
            ThreadItemRemovedEvent(item_id=item_id)
            for item_id in told.open
            if item_id not in {item.id for item in (*kept, *left.new)}
        ]
        return left

    async def _kept(self, run: RunView, caller: Caller) -> tuple[list[ThreadItem], bool]:
        """Give the items of a run that are saved, and whether its thread began with them."""
        kept: list[ThreadItem] = []
        after: str | None = None
        while True:
            page = await self._store.load_thread_items(
                run.thread_id, after, MAX_PAGE, "desc", caller
            )
            own = [item for item in page.data if _is_of(item, run)]
            kept += own
            if len(own) < len(page.data) or not page.has_more:
                return kept[::-1], bool(kept) and len(own) == len(page.data)
            after = page.after

    async def _created(self, run: RunView, caller: Caller) -> list[ThreadStreamEvent]:
        thread = await self._store.load_thread(run.thread_id, caller)
        shown = thread.model_dump(exclude={"metadata"})
        return [ThreadCreatedEvent(thread=Thread(**shown, items=Page()))]

    @staticmethod
    def _remembered(
        told: Told, kept: Sequence[ThreadItem], run: RunView
    ) -> Iterator[HiddenContextItem]:
        """What the model has to know, and no item says."""
        known = {call_id for item in kept for call_id in remembered(item)}
        if new := [record for record in told.records.values() if record.call_id not in known]:
            yield memory(run.thread_id, new)
        lost = [item for item in told.open.values() if isinstance(item, WorkflowItem)]
        if titles := [title for item in lost for title in under_way(item)]:
            named = ", ".join(map(plain_name, titles))
            yield note(run.thread_id, _UNCERTAIN_NOTE.format(titles=named))

    @staticmethod
    def _mark(left: _Left, kept: Sequence[ThreadItem], run: RunView, locale: str) -> None:
        """Let the last message tell that the answer is not whole, or one without words where calls
        came last. What ends in a question or a card had nothing more to say."""
        shown = [item for item in (*kept, *left.new) if not isinstance(item, HIDDEN)]
        last = shown[-1] if shown else None
        if isinstance(last, AssistantMessageItem):
            mark(last, Incomplete.INTERRUPTED, locale)
            if last in kept:
                left.changed.append(last)
        elif isinstance(last, WorkflowItem):
            message = AssistantMessageItem(
                id=new_id("msg"), thread_id=run.thread_id, created_at=datetime.now(UTC), content=[]
            )
            mark(message, Incomplete.INTERRUPTED, locale)
            left.new.append(message)


def _is_whole(told: Told, kept: Sequence[ThreadItem], run: RunView) -> bool:
    """Whether a run had said all: its last word ended a message that is saved, and no call waited
    for its end. A retry or an answer to a question may have had something left to do."""
    shown = [item for item in kept if not isinstance(item, HIDDEN)]
    return (
        run.user_item_id is not None
        and isinstance(told.last, AssistantMessageItem)
        and bool(shown)
        and shown[-1].id == told.last.id
        and reason_of(shown[-1]) is None
        and not (told.failed or told.open or any(record.held for record in told.records.values()))
    )


def _given_up(told: Told, kept: Sequence[ThreadItem], *, writing: bool) -> bool:
    """Whether calls wait that nobody will be asked about. A trace that is saved tells whether they
    do still; before it is, while something is being written, their ends tell."""
    if any(isinstance(item, StructuredInputItem) for item in kept):
        return False
    if any(isinstance(item, WorkflowItem) and waits(item) for item in kept):
        return True
    return writing and any(record.held for record in told.records.values())


def _is_of(item: ThreadItem, run: RunView) -> bool:
    """Whether an item was made by a run, by the time in its id: both ids are of one process."""
    if item.id == run.user_item_id:
        return True
    made, began = made_ms(item.id), made_ms(run.run_id)
    return made is not None and began is not None and made >= began


def _unfinished(
    told: Told, kept: Sequence[ThreadItem], locale: str, *, given_up: bool
) -> Iterator[ThreadItem]:
    """Give the items that were being written, as far as they went, and no empty one."""
    saved = {item.id for item in kept}
    for item in told.open.values():
        if item.id in saved:
            continue
        if isinstance(item, WorkflowItem) and item.workflow.tasks:
            ended = item.model_copy(deep=True)
            broken_off(ended, locale, given_up=given_up)
            yield ended
        if isinstance(item, AssistantMessageItem) and any(part.text for part in item.content):
            yield item

"""Conversations: a request becomes a run in progress, or the replay of one that already ended."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from chatkit.types import StreamingReq, ThreadsCustomActionReq, ThreadsSyncCustomActionReq

from sidestream.chat.context import EndReason, ToolRecord, TurnContext, TurnState
from sidestream.chat.failures import LOST, error_event
from sidestream.chat.frames import Frame, encode, unpack
from sidestream.chat.requests import Idempotency
from sidestream.chat.run import Run
from sidestream.chat.services import Services
from sidestream.chat.timing import Stopwatch
from sidestream.chat.turn_record import TurnRecord
from sidestream.identity import Caller
from sidestream.problems import DatabaseUnavailable, Internal, NotFound, Problem
from sidestream.store.runs import RunEvents, RunView
from sidestream.store.turns import Replay

_FOLLOW_POLL_S: Final = 0.4
_FOLLOW_MISSES: Final = 3


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a request came: when (`time.perf_counter`), and when the function is cut off
    (`time.monotonic`), if it is."""

    started: float
    ends_at: float | None
    cold_start: bool
    stopwatch: Stopwatch


@dataclass(frozen=True, slots=True)
class Conversation:
    """A run that a client follows: live when it runs in this process, else from the store."""

    run_id: str
    thread_id: str
    live: Run | None
    entries: AsyncIterator[Frame | ToolRecord]

    def ttft_ms(self) -> float | None:
        """Milliseconds to the first word, of a live run."""
        return self.live.record.ttft_ms if self.live else None


async def begin(
    services: Services,
    request: StreamingReq,
    caller: Caller,
    idempotency: Idempotency,
    arrival: Arrival,
) -> Conversation:
    """Open a turn and start its run. Raises the problems of `prepare` and `Turns.begin`."""
    try:
        with arrival.stopwatch.phase("prepare"):
            prepared = await services.preparer.prepare(request, caller, idempotency)
    except Problem:
        # The second sending of a request may stumble over what the first one has changed.
        if done := await services.turns.replay(caller, idempotency.key, idempotency.request_hash):
            return await resume(services, caller, done.run_id, after=0)
        raise
    with arrival.stopwatch.phase("database"):
        turn = await services.turns.begin(caller, prepared.start)
    if isinstance(turn, Replay):
        return await resume(services, caller, turn.run_id, after=0)
    context = TurnContext(
        user_id=caller.user_id,
        locale=caller.locale,
        request_id=caller.request_id,
        run_id=turn.run_id,
        turn=TurnState(cause=prepared.message.id if prepared.message else None, history=turn.items),
    )
    settings = services.settings
    record = TurnRecord(
        request_id=caller.request_id,
        run_id=turn.run_id,
        user_id=caller.user_id,
        kind=request.type,
        model=services.responder.model_of(prepared.message),
        stage=settings.stage,
        target_ms=settings.ttft_target_ms,
        started=arrival.started,
        cold_start=arrival.cold_start,
        phases=arrival.stopwatch.phases,
    )
    run = Run(
        context,
        turn.thread.id,
        services.server.turn(prepared, turn.thread, context),
        runs=services.runs,
        settings=settings,
        record=record,
        ends_at=arrival.ends_at,
    )
    services.active[run.context.run_id] = run
    run.start(lambda: services.active.pop(run.context.run_id, None))
    return Conversation(turn.run_id, turn.thread.id, run, run.follow())


async def act(
    services: Services,
    request: ThreadsSyncCustomActionReq,
    caller: Caller,
    idempotency: Idempotency,
    arrival: Arrival,
) -> dict[str, Any]:
    """Do the action of a widget as a turn of its own, and give what a stream of it would show at
    the end: `{"updated_item": ...}`. Raises the problems of `begin`, `Internal`."""
    streamed = ThreadsCustomActionReq(params=request.params)
    conversation = await begin(services, streamed, caller, idempotency, arrival)
    item: dict[str, Any] | None = None
    async for entry in conversation.entries:
        if isinstance(entry, Frame):
            event = json.loads(entry.payload)
            item = event["item"] if event["type"] == "thread.item.replaced" else item
    if item is None:
        raise Internal
    return {"updated_item": item}


async def stop(services: Services, caller: Caller, thread_id: str) -> str:
    """Ask the run of a thread to stop, wherever it runs. Gives its id. Raises `NotFound`."""
    run_id = await services.runs.request_stop(caller, thread_id)
    if run_id is None:
        raise NotFound("Nothing is running in this conversation.")
    if run := services.active.get(run_id):
        run.end(EndReason.STOPPED)
    return run_id


async def resume(
    services: Services, caller: Caller, run_id: str, *, after: int, ends_at: float | None = None
) -> Conversation:
    """Join a run from the store: what it wrote after event `after`, then what it writes.

    The events end before the run does when there is no time left (`ends_at`, by `time.monotonic`);
    whoever reads them may come again. Raises `NotFound`, also for a run too old to be kept.
    """
    page = await services.runs.events(caller, run_id, after)
    if page.run.status in ("completed", "stopped") and page.run.last_event == 0:
        raise NotFound("The events of this answer are no longer kept.")
    until = None if ends_at is None else ends_at - services.settings.deadline_margin_s
    entries = _follow_stored(services, caller, page, after, until)
    return Conversation(run_id, page.run.thread_id, None, entries)


async def _follow_stored(
    services: Services, caller: Caller, page: RunEvents, after: int, until: float | None
) -> AsyncIterator[Frame | ToolRecord]:
    misses = 0
    while True:
        for number, stored in page.frames:
            payload, records = unpack(stored)
            for record in records:
                yield record
            yield Frame(number, payload)
            after = number
        if page.run.status != "running":
            break
        if until is not None and time.monotonic() > until:
            return
        await asyncio.sleep(_FOLLOW_POLL_S)
        try:
            page = await services.runs.events(caller, page.run.run_id, after)
            misses = 0
        except DatabaseUnavailable:
            misses += 1
            if misses == _FOLLOW_MISSES:
                return
    if page.run.died:
        async for frame in _last_word(services, caller, page.run, after):
            yield frame


async def _last_word(
    services: Services, caller: Caller, run: RunView, after: int
) -> AsyncIterator[Frame]:
    """Say for a run that died what its own process had no chance to say: that it broke off, and
    before that, if nothing of it was saved, which thread and message it began with."""
    opening = [] if run.last_event else await services.server.opening(run, caller)
    events = [*opening, error_event(LOST, caller.locale)]
    numbered = list(enumerate(events, run.last_event + 1))
    if after > numbered[-1][0]:
        # Its client saw more than was saved.
        numbered = [(after + 1, events[-1])]
    for number, event in numbered:
        if number > after:
            yield Frame(number, encode(event))

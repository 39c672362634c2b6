"""Conversations: a request becomes a run in progress, or the replay of one that already ended."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from chatkit.types import StreamingReq

from sidestream.chat.context import EndReason, ToolRecord, TurnContext, TurnState
from sidestream.chat.frames import Frame
from sidestream.chat.requests import Idempotency
from sidestream.chat.run import Run
from sidestream.chat.services import Services
from sidestream.chat.timing import Stopwatch
from sidestream.chat.turn_record import TurnRecord
from sidestream.identity import Caller
from sidestream.problems import NotFound
from sidestream.store.turns import Replay

_FOLLOW_POLL_S: Final = 0.4


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a request came: when (`time.perf_counter`), and how long the function still has."""

    started: float
    deadline_in_s: float | None
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
    with arrival.stopwatch.phase("prepare"):
        prepared = await services.preparer.prepare(request, caller, idempotency)
    with arrival.stopwatch.phase("database"):
        turn = await services.turns.begin(caller, prepared.start)
    if isinstance(turn, Replay):
        stored = follow_stored(services, caller, turn.run_id, after=0)
        return Conversation(turn.run_id, turn.thread_id, None, stored)
    context = TurnContext(
        user_id=caller.user_id,
        locale=caller.locale,
        request_id=caller.request_id,
        run_id=turn.run_id,
        turn=TurnState(history=turn.items),
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
        deadline_in_s=arrival.deadline_in_s,
    )
    services.active[run.context.run_id] = run
    run.start(lambda: services.active.pop(run.context.run_id, None))
    return Conversation(turn.run_id, turn.thread.id, run, run.follow())


async def stop(services: Services, caller: Caller, thread_id: str) -> str:
    """Ask the run of a thread to stop, wherever it runs. Gives its id. Raises `NotFound`."""
    run_id = await services.runs.request_stop(caller, thread_id)
    if run_id is None:
        raise NotFound("Nothing is running in this conversation.")
    if run := services.active.get(run_id):
        run.end(EndReason.STOPPED)
    return run_id


async def follow_stored(
    services: Services, caller: Caller, run_id: str, *, after: int
) -> AsyncIterator[Frame]:
    """Give the saved frames of a run after a number, then what comes, until it has ended.

    Raises `NotFound` before the first frame when the run is not the caller's.
    """
    while True:
        page = await services.runs.events(caller, run_id, after)
        for number, payload in page.frames:
            yield Frame(number, payload)
            after = number
        if page.run.status != "running":
            return
        await asyncio.sleep(_FOLLOW_POLL_S)

"""Conversations: a request becomes a run in progress, or the replay of one that already ended."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from chatkit.types import StreamingReq, ThreadsCustomActionReq, ThreadsSyncCustomActionReq

from sidestream.caller import Caller
from sidestream.chat.context import Control, EndReason, RunContext, RunState, ToolRecord
from sidestream.chat.protocol.frames import Frame, LeftOff
from sidestream.chat.protocol.requests import Idempotency
from sidestream.chat.runs.log import RunLog
from sidestream.chat.runs.prepare import Prepared, Preparer
from sidestream.chat.runs.record import RunRecord
from sidestream.chat.runs.respond import Responder
from sidestream.chat.runs.run import Run
from sidestream.chat.runs.salvage import Salvage
from sidestream.chat.runs.stored import StoredRuns
from sidestream.chat.server import ChatServer
from sidestream.chat.timing import Stopwatch
from sidestream.config import ChatSettings
from sidestream.problems import Internal, NotFound, Problem, RunInProgress, Unavailable
from sidestream.store.run_start import BegunRun, Replay, Unsettled
from sidestream.store.run_starts import RunStarts
from sidestream.store.runs import Runs
from sidestream.telemetry import logger

log = logger("chat")


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
    """A run that a client follows: live when it runs in this process, else from the store. The
    entries end where the run does, or raise `LeftOff`."""

    run_id: str
    thread_id: str
    live: Run | None
    entries: AsyncIterator[Frame | ToolRecord]

    def ttft_ms(self) -> float | None:
        """Milliseconds to the first word, of a live run."""
        return self.live.record.ttft_ms if self.live else None


class Conversations:
    """Begins, resumes and stops the runs of this process."""

    def __init__(
        self,
        *,
        starts: RunStarts,
        runs: Runs,
        stored: StoredRuns,
        salvage: Salvage,
        preparer: Preparer,
        server: ChatServer,
        responder: Responder,
        settings: ChatSettings,
    ) -> None:
        self._starts = starts
        self._runs = runs
        self._stored = stored
        self._salvage = salvage
        self._preparer = preparer
        self._server = server
        self._responder = responder
        self._settings = settings
        self._active: dict[str, Run] = {}
        self._beginning: set[asyncio.Event] = set()
        self._closing = False

    async def begin(
        self, request: StreamingReq, caller: Caller, idempotency: Idempotency, arrival: Arrival
    ) -> Conversation:
        """Open a run and start it. Raises the problems of `prepare` and `RunStarts.begin`, and
        `Unavailable` when the process shuts down."""
        if self._closing:
            raise Unavailable
        begun = asyncio.Event()
        self._beginning.add(begun)
        try:
            return await self._begin(request, caller, idempotency, arrival)
        finally:
            self._beginning.discard(begun)
            begun.set()

    async def _begin(
        self, request: StreamingReq, caller: Caller, idempotency: Idempotency, arrival: Arrival
    ) -> Conversation:
        try:
            with arrival.stopwatch.phase("prepare"):
                prepared = await self._preparer.prepare(request, caller, idempotency)
        except Problem:
            # The second sending of a request may stumble over what the first one has changed.
            key, request_hash = idempotency.key, idempotency.request_hash
            if done := await self._starts.replay(caller, key, request_hash):
                return await self.resume(caller, done.run_id, after=0, ends_at=arrival.ends_at)
            raise
        with arrival.stopwatch.phase("database"):
            begun = await self._starts.begin(caller, prepared.start)
            if isinstance(begun, Unsettled):
                await self._salvage.settle(caller, begun.run_id)
                begun = await self._starts.begin(caller, prepared.start)
        if isinstance(begun, Unsettled):
            raise RunInProgress(retry_after_s=1)
        if isinstance(begun, Replay):
            return await self.resume(caller, begun.run_id, after=0, ends_at=arrival.ends_at)
        run = self._run(request.type, prepared, begun, caller, arrival)
        self._active[begun.run_id] = run
        run.start(lambda: self._active.pop(begun.run_id, None))
        if self._closing:
            run.close()
        return Conversation(begun.run_id, begun.thread.id, run, run.follow())

    async def act(
        self,
        request: ThreadsSyncCustomActionReq,
        caller: Caller,
        idempotency: Idempotency,
        arrival: Arrival,
    ) -> dict[str, Any]:
        """Do the action of a widget as a run of its own, and give what a stream of it would show at
        the end: `{"updated_item": ...}`. Raises the problems of `begin`, `Internal`, and
        `Unavailable` when the end of it cannot be seen from here."""
        streamed = ThreadsCustomActionReq(params=request.params)
        conversation = await self.begin(streamed, caller, idempotency, arrival)
        item: dict[str, Any] | None = None
        try:
            async for entry in conversation.entries:
                if isinstance(entry, Frame):
                    event = json.loads(entry.payload)
                    item = event["item"] if event["type"] == "thread.item.replaced" else item
        except LeftOff:
            raise Unavailable from None
        if item is None:
            raise Internal
        return {"updated_item": item}

    async def stop(self, caller: Caller, thread_id: str) -> str:
        """Ask the run of a thread to stop, wherever it runs. Gives its id. Raises `NotFound`."""
        run_id = await self._runs.request_stop(caller, thread_id)
        if run_id is None:
            raise NotFound("Nothing is running in this conversation.")
        if run := self._active.get(run_id):
            run.end(EndReason.STOPPED)
        return run_id

    async def resume(
        self,
        caller: Caller,
        run_id: str,
        *,
        after: int,
        ends_at: float | None = None,
        takes_place: bool = True,
    ) -> Conversation:
        """Join a run from the store: what it wrote after event `after`, then what it writes.

        The events leave off before the run ends when there is no time left (`ends_at`, by
        `time.monotonic`), or the follower's own time is up. Raises `NotFound`, also for a run too
        old to be kept, and `RateLimited` for a caller who follows too much already, unless the
        events are not asked for (`takes_place`).
        """
        page = await self._salvage.events(caller, run_id, after)
        if page.forgotten(after):
            raise NotFound("The events of this answer are no longer kept.")
        until = None if ends_at is None else ends_at - self._settings.deadline_margin_s
        entries = await self._stored.join(caller, page, after, until, takes_place=takes_place)
        return Conversation(run_id, page.run.thread_id, None, entries)

    async def close(self) -> None:
        """Begin no more, tell the runs in progress to end, also those that are about to begin, and
        wait until they are saved, no longer than the margin before a deadline. The lease ends one
        that is not saved by then."""
        self._closing = True
        for run in self._active.values():
            run.close()
        try:
            async with asyncio.timeout(self._settings.deadline_margin_s):
                while self._beginning or self._active:
                    begins = (begun.wait() for begun in self._beginning)
                    runs = (run.wait() for run in self._active.values())
                    await asyncio.gather(*begins, *runs, return_exceptions=True)
        except TimeoutError:
            log.warning("runs left unsaved", extra={"count": len(self._active)})

    def _run(
        self,
        kind: str,
        prepared: Prepared,
        begun: BegunRun,
        caller: Caller,
        arrival: Arrival,
    ) -> Run:
        settings, log, control = self._settings, RunLog(), Control()
        state = RunState(
            control=control,
            cause=prepared.message.id if prepared.message else None,
            history=begun.items,
            latest=begun.latest,
            on_tool=log.add_tool,
        )
        context = RunContext(
            user_id=caller.user_id,
            locale=caller.locale,
            request_id=caller.request_id,
            name=caller.name,
            time_zone=caller.time_zone,
            run_id=begun.run_id,
            run=state,
        )
        record = RunRecord(
            request_id=caller.request_id,
            run_id=begun.run_id,
            user_id=caller.user_id,
            kind=kind,
            model=self._responder.model_of(prepared.message, begun.items),
            stage=settings.stage,
            target_ms=settings.ttft_target_ms,
            started=arrival.started,
            cold_start=arrival.cold_start,
            phases=arrival.stopwatch.phases,
        )
        return Run(
            context,
            begun.thread.id,
            self._server.run(prepared, begun.thread, context),
            log=log,
            runs=self._runs,
            salvage=self._salvage,
            settings=settings,
            record=record,
            ends_at=arrival.ends_at,
        )

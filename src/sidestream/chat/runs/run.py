"""A run: one run in progress, apart from the request that started it.

The run goes on when its reader leaves: Lambda never reports a disconnect, and a person who reloads
the page wants the answer all the same. So the run is a task of its own. It numbers the frames,
hands them to whoever follows, renews its lease, saves frames in batches, looks for a stop, and ends
the model's work in time for the deadline.

    RUNNING --events end--> COMPLETED
       |------Stop--------> STOPPED     what was written is saved
       |--error, deadline-> FAILED      likewise, and an error event says what to do
       |----not saved-----> FAILED      the lease is given up, what was said kept as after a death
       `-----lease lost---> nothing more is written: another run may own the thread, or it is gone

The margin before the deadline, which also begins when the process shuts down, is spent in steps:
first the run ends by itself; if a database or a tool hangs, the run is left where it is and the
client gets its error event; then saving is given up. What remains belongs to the runtime, which
ends the response two seconds before the deadline.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Final

from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ErrorEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from sidestream.chat.context import EndReason, RunContext, ToolRecord
from sidestream.chat.failures import DEADLINE, UNEXPECTED, UNSAVED, Failure, error_event
from sidestream.chat.protocol.frames import Frame, encode, pack
from sidestream.chat.runs.ended import ENDED_EARLY, TAKEN_AWAY
from sidestream.chat.runs.leased_store import PATIENCE, PAUSE_S
from sidestream.chat.runs.log import RunLog
from sidestream.chat.runs.record import RunRecord
from sidestream.chat.runs.salvage import Salvage
from sidestream.chat.tools.calls import TOOLS_GRACE_S, settle
from sidestream.config import ChatSettings
from sidestream.problems import Problem
from sidestream.store.run_view import EndStatus, RunUsage
from sidestream.store.runs import Runs
from sidestream.telemetry import log_failure, logger

_LEFT_AT: Final = 0.7
_SAVED_BY: Final = 0.55

log = logger("chat")


class Run:
    """Drives the events of one run and lets any number of readers follow them.

    `ends_at` is when the function is cut off, by `time.monotonic`; None when it is not.
    """

    def __init__(
        self,
        context: RunContext,
        thread_id: str,
        events: AsyncGenerator[ThreadStreamEvent],
        *,
        log: RunLog,
        runs: Runs,
        salvage: Salvage,
        settings: ChatSettings,
        record: RunRecord,
        ends_at: float | None,
    ) -> None:
        self.context = context
        self.thread_id = thread_id
        self.record = record
        self._events = events
        self._given = log
        self._runs = runs
        self._salvage = salvage
        self._settings = settings
        self._ends_at = ends_at
        self._stored: list[str] = []
        self._open: set[str] = set()
        self._saved = 0
        self._left_bytes = settings.max_run_bytes
        self._failed = False
        self._writing: asyncio.Timeout | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, on_over: Callable[[], object]) -> None:
        """Start the run as a task of its own. `on_over` is called when it has ended."""
        self._task = asyncio.create_task(self._drive(), name=self.context.run_id)
        self._task.add_done_callback(lambda _task: on_over())

    async def wait(self) -> None:
        """Wait until the run has ended and is saved."""
        assert self._task is not None
        await asyncio.shield(self._task)

    def end(self, reason: EndReason) -> None:
        """End the run as soon as it can."""
        self.context.run.control.end(reason)

    def close(self) -> None:
        """End the run because the process shuts down: from now on it has the margin before a
        deadline."""
        self.end(EndReason.CLOSING)
        ends_at = asyncio.get_running_loop().time() + self._settings.deadline_margin_s
        self._ends_at = min(ends_at, self._ends_at or ends_at)
        if self._writing is not None and not self._writing.expired():
            self._writing.reschedule(self._before_end(_LEFT_AT))

    async def follow(self) -> AsyncIterator[Frame | ToolRecord]:
        """Give everything from the beginning, then what comes, until the run is saved.

        Raises `LeftOff` when it could not be: its lease ends it, and the store has what is kept.

        Whoever follows asks for the next entry when it has sent the one before, so the first token
        is noted when it has left.
        """
        async for entry in self._given.follow():
            yield entry
            if isinstance(entry, Frame) and entry.speaks:
                self.record.token_sent()

    def _before_end(self, share: float) -> float | None:
        """When a share of the margin before the deadline is left, by the loop's clock."""
        if self._ends_at is None:
            return None
        return self._ends_at - self._settings.deadline_margin_s * share

    async def _drive(self) -> None:
        loop = asyncio.get_running_loop()
        control = self.context.run.control
        beats = asyncio.create_task(self._beats())
        soft = self._before_end(1)
        timer = loop.call_at(soft, control.end, EndReason.DEADLINE) if soft else None
        try:
            await self._write()
            if control.reason in TAKEN_AWAY and not self._failed:
                self._fail(TAKEN_AWAY[control.reason])
        except Exception as error:
            log_failure(
                log,
                "run failed",
                error,
                run_id=self.context.run_id,
                request_id=self.context.request_id,
            )
            self._fail(UNEXPECTED)
        finally:
            if timer is not None:
                timer.cancel()
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)
            self._given.close(left_off=not await self._finish())

    async def _write(self) -> None:
        """Give out the run's events, and leave it if it does not end in time."""
        try:
            async with asyncio.timeout_at(self._before_end(_LEFT_AT)) as timeout:
                self._writing = timeout
                async with aclosing(self._events) as events:
                    async for event in events:
                        self._emit(event)
                # Only a run that broke off leaves calls behind.
                await settle(self.context.run, TOOLS_GRACE_S)
        except TimeoutError:
            if not timeout.expired():
                raise
            self.end(EndReason.DEADLINE)
            reason = self.context.run.control.reason or EndReason.DEADLINE
            self._fail(ENDED_EARLY.get(reason, DEADLINE))
        finally:
            self._writing = None

    def _fail(self, failure: Failure) -> None:
        self.context.run.failure = self.context.run.failure or failure.code
        self._emit(error_event(failure, self.context.locale))

    def _emit(self, event: ThreadStreamEvent) -> None:
        if isinstance(event, ErrorEvent):
            self._failed = True
            if event.message is None:
                # ChatKit's own word for an exception that nobody foresaw.
                self._fail(UNEXPECTED)
                return
        self._follow(event)
        payload = encode(event)
        speaks = isinstance(event, ThreadItemUpdatedEvent) and isinstance(
            event.update, AssistantMessageContentPartTextDelta
        )
        self.record.event()
        if speaks:
            self.record.token_ready()
        stored = pack(payload, self._given.take_untold())
        self._stored.append(stored)
        self._left_bytes -= len(stored.encode())
        if self._left_bytes < 0:
            self.end(EndReason.TOO_LONG)
        self._given.add_frame(Frame(len(self._stored), payload, speaks=speaks))

    def _follow(self, event: ThreadStreamEvent) -> None:
        """Note which items are announced and not saved."""
        match event:
            case ThreadItemAddedEvent():
                self._open.add(event.item.id)
            case ThreadItemDoneEvent():
                self._open.discard(event.item.id)
            case ThreadItemRemovedEvent():
                self._open.discard(event.item_id)

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(self._settings.run_beat_s)
            try:
                await self._beat()
            except Problem as problem:
                log.warning("beat failed", extra={"code": problem.code})
            except Exception as error:
                log_failure(log, "beat failed", error, run_id=self.context.run_id)

    async def _beat(self, lease_s: float | None = None) -> None:
        """Renew the lease and save the frames so far; end the run when it has lost its lease, or
        somebody wants it to stop. Raises `Problem`."""
        frames = self._stored[self._saved :]
        result = await self._runs.beat(
            self.context,
            self.context.run_id,
            self._settings.run_lease_s if lease_s is None else lease_s,
            frames,
            first=self._saved + 1,
        )
        self._saved += len(frames)
        if not result.still_owner:
            gone = not await self._runs.exists(self.context, self.context.run_id)
            self.end(EndReason.DELETED if gone else EndReason.LOST)
        elif result.stop_requested:
            self.end(EndReason.STOPPED)

    def _status(self) -> EndStatus:
        if self._failed:
            return "failed"
        if reason := self.context.run.control.reason:
            return "stopped" if reason is EndReason.STOPPED else "failed"
        return "completed"

    async def _finish(self) -> bool:
        """Save the end of the run. False when somebody else ends it otherwise than it was told."""
        run, status = self.context.run, self._status()
        saved = True
        try:
            async with asyncio.timeout_at(self._before_end(_SAVED_BY)):
                if run.control.reason is EndReason.DELETED:
                    await self._end(status)  # what it spent is left to count
                else:
                    saved = await self._save(status) or self._failed
        except Exception as error:
            # The lease ends the run for everybody else.
            log_failure(log, "run not saved", error, run_id=self.context.run_id)
            saved = False
        self.record.finished(run, status, time.perf_counter())
        return saved

    async def _leave(self) -> None:
        """Give the lease up with what is not saved, as if the process had died, and keep that."""
        await self._beat(lease_s=0)
        await self._salvage.settle(self.context, self.context.run_id)

    async def _save(self, status: EndStatus) -> bool:
        """End the run, and wait for the database as long as for an item. False when it had ended
        already, or died."""
        patient_until = time.monotonic() + self._settings.run_lease_s * PATIENCE
        while True:
            try:
                if self._open or self.context.run.failure == UNSAVED.code:
                    await self._leave()
                return await self._end(status)
            except Problem:
                if time.monotonic() > patient_until:
                    raise
            await asyncio.sleep(PAUSE_S)
            if not self._open:
                with suppress(Problem):
                    await self._beat()

    async def _end(self, status: EndStatus) -> bool:
        run = self.context.run
        return await self._runs.finish(
            self.context,
            self.context.run_id,
            status,
            error={"code": run.failure or "internal"} if self._failed else None,
            usage=RunUsage(run.input_tokens, run.output_tokens, self.record.ttft_ms),
            reserved_tokens=self._settings.reserved_tokens,
            frames=self._stored[self._saved :],
            first=self._saved + 1,
        )

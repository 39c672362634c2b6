"""A run: one turn in progress, apart from the request that started it.

The run goes on when its reader leaves: Lambda never reports a disconnect, and a person who reloads
the page wants the answer all the same. So the run is a task of its own. It numbers the frames,
hands them to whoever follows, renews its lease, saves frames in batches, looks for a stop, and ends
the model's work in time for the deadline.

    RUNNING --events end--> COMPLETED
       |------Stop--------> STOPPED     what was written is saved
       |--error, deadline-> FAILED      likewise, and an error event says what to do
       `-----lease lost---> nothing more is written: another run owns the thread
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from chatkit.errors import ErrorCode
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ErrorEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from sidestream.chat.context import EndReason, ToolRecord, TurnContext
from sidestream.chat.frames import Frame, encode
from sidestream.chat.turn_record import TurnRecord
from sidestream.config import ChatSettings
from sidestream.i18n import _, text
from sidestream.problems import Problem
from sidestream.store.runs import EndStatus, Runs, RunUsage
from sidestream.telemetry import log_failure, logger

_UNEXPECTED: Final = _("Something went wrong on our side. Try again.")
_FINISH_ATTEMPTS: Final = 4
_FINISH_BACKOFF_S: Final = 0.3

log = logger("chat")


class Run:
    """Drives the events of one turn and lets any number of readers follow them."""

    def __init__(
        self,
        context: TurnContext,
        thread_id: str,
        events: AsyncIterator[ThreadStreamEvent],
        *,
        runs: Runs,
        settings: ChatSettings,
        record: TurnRecord,
        deadline_in_s: float | None,
    ) -> None:
        self.context = context
        self.thread_id = thread_id
        self.record = record
        self._events = events
        self._runs = runs
        self._settings = settings
        self._deadline_in_s = deadline_in_s
        self._log: list[Frame | ToolRecord] = []
        self._payloads: list[str] = []
        self._saved = 0
        self._error: str | None = None
        self._grown = asyncio.Event()
        self._over = False
        self._task: asyncio.Task[None] | None = None
        context.turn.on_tool = self._append

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
        self.context.turn.control.end(reason)

    async def follow(self) -> AsyncIterator[Frame | ToolRecord]:
        """Give everything from the beginning, then what comes, until the run is saved."""
        position = 0
        while True:
            grown = self._grown
            while position < len(self._log):
                yield self._log[position]
                position += 1
            if self._over:
                return
            if position == len(self._log):
                await grown.wait()

    def _append(self, entry: Frame | ToolRecord) -> None:
        self._log.append(entry)
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    async def _drive(self) -> None:
        control = self.context.turn.control
        beat = asyncio.create_task(self._beat())
        timer: asyncio.TimerHandle | None = None
        if self._deadline_in_s is not None:
            delay = max(0.0, self._deadline_in_s - self._settings.deadline_margin_s)
            loop = asyncio.get_running_loop()
            timer = loop.call_later(delay, control.end, EndReason.DEADLINE)
        try:
            async for event in self._events:
                self._emit(event)
        except Exception as error:
            log_failure(
                log,
                "run failed",
                error,
                run_id=self.context.run_id,
                request_id=self.context.request_id,
            )
            self._emit(ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True))
        finally:
            if timer is not None:
                timer.cancel()
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            if control.reason is not EndReason.LOST:
                await self._finish()
            self._over = True
            self._wake()

    def _emit(self, event: ThreadStreamEvent) -> None:
        if isinstance(event, ErrorEvent):
            if event.code == ErrorCode.STREAM_ERROR and event.message is None:
                event = ErrorEvent(
                    code="custom",
                    message=text(self.context.locale, _UNEXPECTED),
                    allow_retry=event.allow_retry,
                )
            self._error = self._error or str(event.code)
        payload = encode(event)
        self._payloads.append(payload)
        self._append(Frame(len(self._payloads), payload))
        self.record.event()
        if isinstance(event, ThreadItemUpdatedEvent) and isinstance(
            event.update, AssistantMessageContentPartTextDelta
        ):
            self.record.first_token()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._settings.run_beat_s)
            frames = self._payloads[self._saved :]
            try:
                result = await self._runs.beat(
                    self.context,
                    self.context.run_id,
                    lease_s=self._settings.run_lease_s,
                    frames=frames,
                    first=self._saved + 1,
                )
            except Problem as problem:
                log.warning("beat failed", extra={"code": problem.code})
                continue
            self._saved += len(frames)
            if not result.still_owner:
                self.end(EndReason.LOST)
            elif result.stop_requested:
                self.end(EndReason.STOPPED)

    async def _finish(self) -> None:
        turn = self.context.turn
        status: EndStatus = "completed"
        if turn.control.reason is EndReason.STOPPED:
            status = "stopped"
        elif self._error or turn.control.reason is not None:
            status = "failed"
        usage = RunUsage(turn.input_tokens, turn.output_tokens, self.record.ttft_ms)
        for attempt in range(1, _FINISH_ATTEMPTS + 1):
            try:
                await self._runs.finish(
                    self.context,
                    self.context.run_id,
                    status,
                    error={"code": self._error} if self._error else None,
                    usage=usage,
                    frames=self._payloads[self._saved :],
                    first=self._saved + 1,
                )
                break
            except Problem as problem:
                # The lease ends the run for everybody else if this never succeeds.
                log.error("run not saved", extra={"code": problem.code, "attempt": attempt})
                await asyncio.sleep(_FINISH_BACKOFF_S * attempt)
        self.record.finished(turn, status, time.perf_counter())

"""What travels with one run: who asks, the run it belongs to, and how it can be ended early."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sidestream.caller import Caller
from sidestream.chat.marks import marked


class EndReason(StrEnum):
    """Why a run ends before its model is done."""

    STOPPED = "stopped"
    """The person pressed Stop."""
    DEADLINE = "deadline"
    """The function is about to be cut off by Lambda."""
    CLOSING = "closing"
    """The process shuts down."""
    TOO_LONG = "too_long"
    """The run has streamed as much as it may."""
    LOST = "lost"
    """The lease ran out and somebody else may own the thread: nothing more may be written."""
    DELETED = "deleted"
    """The thread is gone, and the run with it."""


@dataclass(frozen=True, slots=True)
class InputRequired:
    """What a server wants of the person before it does a call: its requests by its keys, and its
    state, which only goes back to it. `key` is the idempotency key of the call, `round` counts how
    often it has been answered so."""

    requests: dict[str, Any]
    state: str | None = None
    key: str = ""
    round: int = 0


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """One finished tool call, as the plain stream and the model's memory see it."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    output: str
    """What came of it within its budget, JSON where it is not a failure."""
    failed: bool
    held: bool = False
    """The call was not made: it waits for the end of the run, and a person may be asked."""
    reached: bool = True
    """False when the tool server gave no answer, so that nothing is known of the effect."""
    result: Any = None
    """What the server answered, whole: its structured content, or its words."""
    ours: bool = False
    """Whether the output is a sentence of ours, and nothing of a tool is in it."""
    needs: InputRequired | None = None
    """What its server wants first. The call has to be made again, with the person's answer."""

    @property
    def told(self) -> str:
        """The output as the model is told it: what a tool said is data."""
        return self.output if self.ours else marked(self.output)

    @property
    def waits(self) -> bool:
        """Whether nothing is done yet."""
        return self.held or self.needs is not None

    @property
    def deed(self) -> str:
        """What the call does, whichever call of the model it is: the tool and its arguments."""
        return f"{self.name} {json.dumps(self.arguments, sort_keys=True)}"


@dataclass(slots=True)
class Control:
    """The handle by which a run is ended early: the first reason given counts."""

    reason: EndReason | None = None
    _cancel: Callable[[], None] | None = None

    @property
    def may_write(self) -> bool:
        """Whether the thread is still the run's to write to."""
        return self.reason not in (EndReason.LOST, EndReason.DELETED)

    def end(self, reason: EndReason) -> None:
        """End the run as soon as it can."""
        if self.reason is None:
            self.reason = reason
            if self._cancel is not None:
                self._cancel()

    def on_end(self, cancel: Callable[[], None]) -> None:
        """Say how the work in hand is cancelled. Called at once when the end came first."""
        self._cancel = cancel
        if self.reason is not None:
            cancel()


def _nobody(_record: ToolRecord) -> None:
    """Hear nothing."""


@dataclass(slots=True)
class RunState:
    """What a run gathers as it runs."""

    control: Control = field(default_factory=Control)
    cause: str | None = None
    """The id of the message that is answered, which stays the same when it is answered again."""
    history: tuple[Any, ...] = ()
    latest: str | None = None
    """The thread's newest item as the run began, where the history ends before it."""
    model: str = ""
    """The model that answers."""
    calls: dict[str, asyncio.Task[ToolRecord]] = field(default_factory=dict)
    step_calls: int = 0
    """How many calls the model's present response has had."""
    origins: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each of the model's calls came with, by its id."""
    records: list[ToolRecord] = field(default_factory=list)
    earlier: int = 0
    """How many of the records are of calls that the run only had to end."""
    confirmed: bool = False
    """Whether the run carries on after an answer about calls that waited."""
    on_tool: Callable[[ToolRecord], None] = _nobody
    """Who hears of each finished tool call."""
    failure: str | None = None
    """The code of what went wrong, once something did."""
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def new_records(self) -> list[ToolRecord]:
        """The records of what the run itself was to do."""
        return self.records[self.earlier :]


@dataclass(frozen=True, slots=True)
class RunContext(Caller):
    """A caller in the middle of a run: the context of the agent and of the ChatKit server."""

    run_id: str = ""
    run: RunState = field(default_factory=RunState)

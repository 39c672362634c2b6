"""The measurements of one turn, and the one EMF record they become."""

import time
from dataclasses import dataclass

from aws_lambda_powertools.metrics import MetricUnit

from sidestream.chat.context import TurnState
from sidestream.telemetry import emit, logger

log = logger("chat")


@dataclass(slots=True)
class TurnRecord:
    """When things happened in a turn: seconds of `time.perf_counter`, counted from `started`."""

    request_id: str
    run_id: str
    user_id: str
    kind: str
    model: str
    stage: str
    target_ms: int
    started: float
    cold_start: bool
    phases: dict[str, float]
    """Milliseconds of what came before the run, by name."""
    first_event_at: float | None = None
    first_token_at: float | None = None

    def event(self) -> None:
        """Note that an event went out."""
        if self.first_event_at is None:
            self.first_event_at = time.perf_counter()

    def first_token(self) -> None:
        """Note that a word of the answer went out."""
        if self.first_token_at is None:
            self.first_token_at = time.perf_counter()

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from the request to the first word, if there was one."""
        if self.first_token_at is None:
            return None
        return round((self.first_token_at - self.started) * 1000, 3)

    def finished(self, turn: TurnState, status: str, now: float) -> None:
        """Write the EMF record and the log line of the turn."""
        count, ms = MetricUnit.Count, MetricUnit.Milliseconds
        duration_ms = round((now - self.started) * 1000, 3)
        metrics: dict[str, tuple[MetricUnit, float]] = {
            "TurnDuration": (ms, duration_ms),
            "ToolErrors": (count, sum(record.failed for record in turn.records)),
            "ColdStart": (count, int(self.cold_start)),
            "InputTokens": (count, turn.input_tokens),
            "OutputTokens": (count, turn.output_tokens),
            "TurnErrors": (count, int(status == "failed")),
        }
        if self.first_event_at is not None:
            first_event = round((self.first_event_at - self.started) * 1000, 3)
            metrics["TimeToFirstEvent"] = (ms, first_event)
        if self.ttft_ms is not None:
            metrics["TimeToFirstToken"] = (ms, self.ttft_ms)
            metrics["TTFTWithinTarget"] = (count, int(self.ttft_ms <= self.target_ms))
        properties: dict[str, str | int | float | bool] = {
            "request_id": self.request_id,
            "run_id": self.run_id,
            "status": status,
            "kind": self.kind,
            "tool_calls": len(turn.records),
        }
        emit("chat", metrics, properties, {"stage": self.stage, "model": self.model})
        log.info(
            "turn",
            extra={
                **properties,
                "user_id": self.user_id,
                "model": self.model,
                "cold_start": self.cold_start,
                "duration_ms": duration_ms,
                "ttft_ms": self.ttft_ms,
                "timing": self.phases,
            },
        )

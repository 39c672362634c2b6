"""The measurements of one run, and the one EMF record they become."""

import time
from dataclasses import dataclass

from aws_lambda_powertools.metrics import MetricUnit

from sidestream.chat.context import RunState
from sidestream.chat.timing import QUEUE
from sidestream.telemetry import emit, logger

log = logger("chat")

JUDGED = ("RunErrors", "TTFTWithinTarget")
"""What decides whether a new version stays."""


@dataclass(slots=True)
class RunRecord:
    """When things happened in a run: seconds of `time.perf_counter`, counted from `started`."""

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
    first_token_ready_at: float | None = None
    first_token_sent_at: float | None = None

    def event(self) -> None:
        """Note that an event went out."""
        if self.first_event_at is None:
            self.first_event_at = time.perf_counter()

    def token_ready(self) -> None:
        """Note that a word of the answer is there to be sent."""
        if self.first_token_ready_at is None:
            self.first_token_ready_at = time.perf_counter()

    def token_sent(self) -> None:
        """Note that a word of the answer has left the process."""
        if self.first_token_sent_at is None:
            self.first_token_sent_at = time.perf_counter()

    @property
    def first_token_at(self) -> float | None:
        """When the first word left; when it was ready, where its reader had gone."""
        return self.first_token_sent_at or self.first_token_ready_at

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from the request's first byte to the first word out, if there was one."""
        if self.first_token_at is None:
            return None
        return round((self.first_token_at - self.started) * 1000, 3)

    def finished(self, run: RunState, status: str, now: float) -> None:
        """Write the EMF record and the log line of the run."""
        count, ms = MetricUnit.Count, MetricUnit.Milliseconds
        duration_ms = round((now - self.started) * 1000, 3)
        metrics: dict[str, tuple[MetricUnit, float]] = {
            "RunDuration": (ms, duration_ms),
            "ToolErrors": (count, sum(record.failed for record in run.records)),
            "ColdStart": (count, int(self.cold_start)),
            "InputTokens": (count, run.input_tokens),
            "OutputTokens": (count, run.output_tokens),
            "RunErrors": (count, int(status == "failed")),
        }
        if QUEUE in self.phases:
            metrics["DatabaseWait"] = (ms, self.phases[QUEUE])
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
            "tool_calls": len(run.records),
        }
        dimensions = {"stage": self.stage, "model": self.model}
        emit("chat", metrics, properties, dimensions, by_version=JUDGED)
        log.info(
            "run",
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

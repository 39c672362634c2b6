"""Time to first token: sending one message and measuring it, and what a set of measurements says.

A token is counted once: a sample is one request, and its time ends with its first text delta. The
frames of the person's own message, which come before it, hold no token. An answer that ends in an
error is late, whatever came before the error.
"""

import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import httpx2

from sidestream import network
from sidestream.cli.bearer import Bearer
from sidestream.cli.conversation import problem_sentence
from sidestream.cli.events import events
from sidestream.cli.message import first_message
from sidestream.headers import REQUEST_ID, RETRY_AFTER, SERVER_TIMING, THREAD_ID

PROMISE: Final = 0.9
"""The share of first tokens that has to be within the target."""

_TIMEOUT: Final = httpx2.Timeout(120.0, connect=10.0)
_MAX_WAIT_S: Final = 65.0  # limits are by the minute


@dataclass(frozen=True, slots=True)
class Sample:
    """One message. Times are in ms since it was sent, None where it did not come to that:
    `answered_ms` is the response's head, `first_event_ms` the stream's first event, `ttft_ms` the
    first text delta, `total_ms` the stream's end. `phases` are the function's own, by name.
    `status` is HTTP's, None when there was no response. `error` says what failed."""

    number: int
    status: int | None = None
    answered_ms: float | None = None
    first_event_ms: float | None = None
    ttft_ms: float | None = None
    total_ms: float | None = None
    phases: dict[str, float] = field(default_factory=dict)
    cold_start: bool = False
    request_id: str = ""
    error: str = ""

    def within(self, target_ms: float) -> bool:
        """Tell whether its first word came in time, and the answer to a good end."""
        return not self.error and self.ttft_ms is not None and self.ttft_ms <= target_ms

    def parts(self) -> dict[str, float]:
        """Where the time to the first word went, in ms: the function's phases, the way there and
        back with the start of the function, and the rest, which is the model's."""
        parts = dict(self.phases)
        if self.ttft_ms is not None and self.answered_ms is not None:
            parts["network"] = max(0.0, self.answered_ms - sum(self.phases.values()))
            parts["model"] = max(0.0, self.ttft_ms - self.answered_ms)
        return parts


@dataclass(frozen=True, slots=True)
class Summary:
    """What a set of samples says. Percentiles are of those that were answered; `share` is of all,
    so that a failed one counts as late."""

    count: int
    failed: int
    cold_starts: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    share: float
    target_ms: float

    @classmethod
    def of(cls, samples: Sequence[Sample], target_ms: float) -> Self:
        """Sum up. Raises `ValueError` for no samples."""
        if not samples:
            raise ValueError("no samples")
        times = sorted(
            sample.ttft_ms for sample in samples if sample.ttft_ms is not None and not sample.error
        )
        within = sum(sample.within(target_ms) for sample in samples)
        return cls(
            count=len(samples),
            failed=sum(bool(sample.error) for sample in samples),
            cold_starts=sum(sample.cold_start for sample in samples),
            p50_ms=percentile(times, 50),
            p90_ms=percentile(times, 90),
            p99_ms=percentile(times, 99),
            share=within / len(samples),
            target_ms=target_ms,
        )

    @property
    def kept(self) -> bool:
        """Tell whether the promise is kept."""
        return self.share >= PROMISE


def percentile(ordered: Sequence[float], rank: float) -> float | None:
    """Give the nearest-rank percentile of ordered values, None of none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(rank / 100 * len(ordered)) - 1)]


def report(samples: Sequence[Sample], summary: Summary, url: str) -> dict[str, Any]:
    """Give everything as a JSON document."""
    return {
        "url": url,
        "summary": {**asdict(summary), "promise": PROMISE, "kept": summary.kept},
        "samples": [{**asdict(sample), "parts": sample.parts()} for sample in samples],
    }


class Probe:
    """Sends messages as one user. A context manager, which closes its connection."""

    def __init__(self, base_url: str, token: str) -> None:
        self._client = network.client(
            base_url,
            base_url=base_url.rstrip("/"),
            auth=Bearer(token),
            timeout=_TIMEOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, number: int, message: str) -> Sample:
        """Send a message in a thread of its own, measure, and delete the thread.

        When there have been too many messages for now, waits and sends it once more.
        """
        sample, thread_id, wait_s = self._send(number, message)
        if wait_s is not None:
            time.sleep(min(wait_s, _MAX_WAIT_S))
            sample, thread_id, _ = self._send(number, message)
        if thread_id:
            self._forget(thread_id)
        return sample

    def _send(self, number: int, message: str) -> tuple[Sample, str, float | None]:
        """Give the sample, the thread, and how long to wait if it is to be sent again."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Accept": "text/event-stream"}
        started = time.perf_counter()
        try:
            with self._client.stream(
                "POST", "/api/chatkit", json=first_message(message), headers=headers
            ) as response:
                if response.is_error:
                    response.read()
                    failed = Sample(
                        number,
                        response.status_code,
                        request_id=response.headers.get(REQUEST_ID, ""),
                        error=problem_sentence(response),
                    )
                    return failed, "", _wait_s(response)
                sample = _read(number, started, response)
                return sample, response.headers.get(THREAD_ID, ""), None
        except httpx2.HTTPError as error:
            return Sample(number, error=f"{type(error).__name__}: no answer"), "", None

    def _forget(self, thread_id: str) -> None:
        body = {"type": "threads.delete", "params": {"thread_id": thread_id}}
        try:
            self._client.post("/api/chatkit", json=body)
        except httpx2.HTTPError:
            return  # what was measured stands


def _read(number: int, started: float, response: httpx2.Response) -> Sample:
    answered_ms = _since(started)
    first_event_ms = ttft_ms = None
    error = ""
    try:
        for event in events(response):
            first_event_ms = first_event_ms or _since(started)
            match event:
                case {
                    "type": "thread.item.updated",
                    "update": {"type": "assistant_message.content_part.text_delta"},
                }:
                    ttft_ms = ttft_ms or _since(started)
                case {"type": "error"}:
                    error = str(event.get("message") or "The answer failed.")
    except httpx2.HTTPError as broken:
        error = f"{type(broken).__name__}: the answer broke off"
    phases, cold_start = read_server_timing(response.headers.get(SERVER_TIMING, ""))
    if ttft_ms is None:
        error = error or "the answer had no words"
    return Sample(
        number,
        response.status_code,
        answered_ms,
        first_event_ms,
        ttft_ms,
        _since(started),
        phases,
        cold_start,
        response.headers.get(REQUEST_ID, ""),
        error,
    )


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _wait_s(response: httpx2.Response) -> float | None:
    """How long a 429 asks to wait (RFC 9110 section 10.2.3)."""
    if response.status_code != httpx2.codes.TOO_MANY_REQUESTS:
        return None
    given = response.headers.get(RETRY_AFTER, "")
    return float(given) if given.isdigit() else None


def read_server_timing(header: str) -> tuple[dict[str, float], bool]:
    """Read our `Server-Timing` header: the phases in ms by name, and whether it came cold."""
    phases: dict[str, float] = {}
    cold_start = False
    for entry in header.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        cold_start = cold_start or name == "cold"
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key == "dur":
                phases[name] = float(value)
    return phases, cold_start

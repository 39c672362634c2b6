"""Time to first token: sending one message and measuring it, and what a set of measurements says.

The plain stream is used, because its last frame carries the server's own figure. A token is counted
once: a sample is one request, and its time ends with its first `chunk`.
"""

import base64
import json
import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import httpx2

from sidestream.cli.conversation import problem_sentence

PROMISE: Final = 0.9
"""The share of first tokens that has to be within the target."""

_TIMEOUT: Final = httpx2.Timeout(120.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One message. `ttft_ms` is the client's figure, `server_ms` the function's; both are None when
    no word came, and then `error` says why. `phases` are the function's, in ms, by name."""

    number: int
    ttft_ms: float | None
    server_ms: float | None = None
    phases: dict[str, float] = field(default_factory=dict)
    cold_start: bool = False
    request_id: str = ""
    error: str = ""

    def within(self, target_ms: float) -> bool:
        """Tell whether its first word came in time."""
        return self.ttft_ms is not None and self.ttft_ms <= target_ms

    def parts(self) -> dict[str, float]:
        """Where the time went, in ms: the function's phases, the model with what is around it in
        the function, and the way there and back."""
        parts = dict(self.phases)
        if self.ttft_ms is not None and self.server_ms is not None:
            parts["model"] = max(0.0, self.server_ms - sum(self.phases.values()))
            parts["network"] = max(0.0, self.ttft_ms - self.server_ms)
        return parts


@dataclass(frozen=True, slots=True)
class Summary:
    """What a set of samples says. Percentiles are of those that got a word; `share` is of all."""

    count: int
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
        times = sorted(sample.ttft_ms for sample in samples if sample.ttft_ms is not None)
        within = sum(sample.within(target_ms) for sample in samples)
        return cls(
            count=len(samples),
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
        self._user = subject(token)
        self._client = httpx2.Client(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, number: int, message: str) -> Sample:
        """Send a message in a thread of its own, measure, and delete the thread."""
        started = time.perf_counter()
        try:
            with self._client.stream(
                "POST",
                f"/api/{self._user}/chat",
                json={"message": message},
                headers={"Idempotency-Key": uuid.uuid4().hex},
            ) as response:
                if response.is_error:
                    response.read()
                    return Sample(number, None, error=problem_sentence(response))
                sample, thread_id = _read(number, started, response)
        except httpx2.HTTPError as error:
            return Sample(number, None, error=f"{type(error).__name__}: no answer")
        if thread_id:
            params = {"thread_id": thread_id}
            self._client.post("/api/chatkit", json={"type": "threads.delete", "params": params})
        return sample


def _read(number: int, started: float, response: httpx2.Response) -> tuple[Sample, str]:
    first_ms = server_ms = None
    thread_id = error = ""
    for line in response.iter_lines():
        if not line.startswith("data:"):
            continue
        frame = json.loads(line.removeprefix("data:"))
        match frame.get("type"):
            case "chunk" if first_ms is None:
                first_ms = round((time.perf_counter() - started) * 1000, 1)
            case "error":
                error = str(frame.get("message"))
            case "done":
                server_ms, thread_id = frame.get("ttft_ms"), frame["thread_id"]
    phases, cold_start = read_server_timing(response.headers.get("server-timing", ""))
    request_id = response.headers.get("x-request-id", "")
    if first_ms is None:
        error = error or "the answer had no words"
        return Sample(number, None, None, phases, cold_start, request_id, error), thread_id
    return Sample(number, first_ms, server_ms, phases, cold_start, request_id), thread_id


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


def subject(token: str) -> str:
    """Give the user id that a JWT speaks for, without checking it. Raises `ValueError`."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, ValueError, KeyError, TypeError):
        raise ValueError("the token is not a JWT with a subject") from None

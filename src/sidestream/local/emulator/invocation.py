"""One invocation: from the event to the outcome, and the record kept of it."""

import asyncio
import base64
import binascii
import enum
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from .response import Answer

ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"

# What RAPID lets through; anything else is reported as Runtime.Unknown.
_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


class Phase(enum.Enum):
    """Where an invocation stands.

        QUEUED -> RUNNING -> RESPONDING -> DONE

    RUNNING since the runtime took it from `/next`, RESPONDING since the first byte of `/response`
    or `/error`. Time-outs and crashes lead to DONE from anywhere.
    """

    QUEUED = "Queued"
    RUNNING = "Running"
    RESPONDING = "Responding"
    DONE = "Done"


@dataclass(frozen=True, slots=True)
class FunctionError:
    """Why an invocation failed, as the runtime or the platform put it."""

    type: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended. `whole` says that the response was received to its end."""

    error: FunctionError | None = None
    whole: bool = True
    trailers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InvocationRecord:
    """What is kept of a request after it was answered.

    `status` is the client's; `error_type` is set for errors before the response and in its
    trailers. `trailers` has lower-case names, undecoded. `cold` says that the request waited for an
    environment to start, or to be restored; only then are `init_duration_ms` or
    `restore_duration_ms` set. `environment_pid` is None when no environment took the request.
    """

    request_id: str
    method: str
    path: str
    status: int
    error_type: str | None
    error_message: str | None
    trailers: Mapping[str, str]
    duration_ms: float
    init_duration_ms: float | None
    restore_duration_ms: float | None
    environment_pid: int | None
    cold: bool


class Invocation:
    """An event on its way through an environment. `answer` receives what the runtime posts."""

    def __init__(self, request_id: str, trace_id: str, event: bytes, answer: Answer) -> None:
        self.request_id = request_id
        self.invocation_id = str(uuid.uuid4())
        self.trace_id = trace_id
        self.event = event
        self.answer = answer
        self.phase = Phase.QUEUED
        self.deadline_ms = 0
        self.started_s = time.monotonic()
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    @property
    def duration_ms(self) -> float:
        """Time since the environment got it."""
        return (time.monotonic() - self.started_s) * 1000

    def begin(self, timeout_s: float) -> None:
        """Start the function's clock."""
        self.started_s = time.monotonic()
        self.deadline_ms = int((time.time() + timeout_s) * 1000)

    def finish(self, outcome: Outcome) -> None:
        """Settle it; whatever comes later is too late and changes nothing."""
        self.phase = Phase.DONE
        self.event = b""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def fail(self, error: FunctionError) -> None:
        """Settle it as failed, with a response that is not whole."""
        self.finish(Outcome(error=error, whole=False))


def reported_error(error_type: str, body: bytes) -> FunctionError:
    """The error that a runtime reports by a type header and a JSON body."""
    known = error_type if _ERROR_TYPE.fullmatch(error_type) else "Runtime.Unknown"
    try:
        message = str(json.loads(body)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        message = body.decode(errors="replace")
    return FunctionError(known, message)


def trailing_error(trailers: Mapping[str, str]) -> FunctionError | None:
    """The error that a streamed response ended with, if any; its body is base64 of JSON."""
    if ERROR_TYPE not in trailers:
        return None
    try:
        body = base64.b64decode(trailers.get(ERROR_BODY, ""), validate=True)
    except binascii.Error:
        body = trailers[ERROR_BODY].encode()
    return reported_error(trailers[ERROR_TYPE], body)

"""An event for a function that has no URL: what a schedule does.

Each event gets an environment of its own, which ends with it: between two of them nothing runs.
"""

import json
import secrets
import uuid
from typing import Any

from .environment import InitError
from .faults import Faults
from .function import FunctionSpec
from .invocation import FunctionError, Invocation
from .pool import Pool
from .process import LineSink


class EventFailed(Exception):
    """The function did not start, or failed."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(f"{error.type} {error.message}".strip())
        self.error = error


class _Payload:
    """Keeps what the function gives."""

    def __init__(self) -> None:
        self.data = b""

    def begin(self, content_type: str, streamed: bool) -> None:
        """Nothing to prepare."""

    async def feed(self, data: bytes) -> None:
        """Keep a piece."""
        self.data += data

    async def finish(self) -> None:
        """Nobody waits."""


async def invoke(spec: FunctionSpec, event: Any, on_line: LineSink) -> Any:
    """Invoke a function with an event, and give what it returned. Raises `EventFailed`."""
    pool, payload = Pool(spec, Faults(), on_line), _Payload()
    trace = f"Root=1-0-{secrets.token_hex(12)};Sampled=0"
    invocation = Invocation(str(uuid.uuid4()), trace, json.dumps(event).encode(), payload)
    try:
        environment, _cold = await pool.reserve()
        await environment.invoke(invocation)
    except InitError as error:
        raise EventFailed(error.error) from None
    finally:
        await pool.close()
    failure = invocation.outcome.result().error
    if failure is not None:
        raise EventFailed(failure)
    return json.loads(payload.data or b"null")

"""What an application can know of the invocation it serves.

:class:`LambdaContext` has the attribute names of the object that AWS's runtime hands to a handler
(https://docs.aws.amazon.com/lambda/latest/dg/python-context.html), so libraries that take one,
such as Powertools, take this too. The context variables carry what a log record and a trace
need to code that never sees the scope; several invocations may share the process.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .asgi import Scope

EVENT_KEY = "aws.event"
CONTEXT_KEY = "aws.context"
END_KEY = "aws.end"

request_id: ContextVar[str] = ContextVar("lambda_request_id", default="")
tenant_id: ContextVar[str | None] = ContextVar("lambda_tenant_id", default=None)
trace_id: ContextVar[str] = ContextVar("lambda_trace_id", default="")


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """One invocation: who it is, how long it has, and which function serves it."""

    aws_request_id: str
    deadline_ms: int
    """Unix time in milliseconds at which Lambda ends the invocation."""
    invoked_function_arn: str
    trace_id: str
    cold_start: bool
    """True for the first invocation of an environment that was not warmed ahead of time."""
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    tenant_id: str | None = None
    client_context: Mapping[str, Any] | None = None
    identity: Mapping[str, Any] | None = None

    def remaining_ms(self) -> int:
        """Milliseconds until the deadline, never below zero."""
        return max(0, self.deadline_ms - int(time.time() * 1000))

    def get_remaining_time_in_millis(self) -> int:
        """The same under AWS's name."""
        return self.remaining_ms()


def lambda_context(scope: Scope) -> LambdaContext | None:
    """The context of a request, or None when the app is served by an ordinary web server."""
    context = scope.get(CONTEXT_KEY)
    return context if isinstance(context, LambdaContext) else None

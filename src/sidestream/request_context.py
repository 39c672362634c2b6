"""Around every request of either function: when it came, its id, its language, the size it may
have, its one log line, which counts it too, and the net that turns whatever escapes into a
problem."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aws_lambda_powertools import Logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY, RequestBodyLimitMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidestream import headers
from sidestream.correlation import PLAIN_ID, correlation_id
from sidestream.problems import Internal, Problem, TooLarge, problem_response
from sidestream.streaming.context import CONTEXT_KEY
from sidestream.telemetry import counted, log_failure

STARTED: Final = "sidestream.started"
REQUEST_ID: Final = "sidestream.request_id"
LOCALE: Final = "sidestream.locale"
IS_HEAD: Final = "sidestream.is_head"
OUTCOME: Final = "sidestream.outcome"


@dataclass(slots=True)
class Outcome:
    """What became of a request, for whoever has its scope or a copy of it."""

    failed: bool = False
    """By our own fault, whatever status the answer has."""


class RequestContext:
    """Pure ASGI: `BaseHTTPMiddleware` would run the app in a task of its own.

    `language` chooses the language for an `Accept-Language` header. With `follows`, what is done
    goes by the caller's request id in the database's logs, where the caller gives one. The metric
    `ServerErrors` has a 1 for each request that failed by our own fault, and a 0 for each other.
    """

    def __init__(
        self,
        app: ASGIApp,
        log: Logger,
        max_body_bytes: int,
        *,
        stage: str,
        language: Callable[[str | None], str],
        follows: bool = False,
    ) -> None:
        self._app = _BodyLimit(app, max_body_bytes)
        self._log = log
        self._stage = stage
        self._language = language
        self._follows = follows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[STARTED] = started = time.perf_counter()
        scope[REQUEST_ID] = request_id = _request_id(scope)
        scope[OUTCOME] = outcome = Outcome()
        scope[LOCALE] = self._language(Headers(scope=scope).get("accept-language"))
        given = _given_id(scope)
        correlation_id.set((given if self._follows else None) or request_id)
        # A context variable: the plain append_keys would show one request's id on another's lines.
        self._log.thread_safe_append_keys(request_id=request_id, caller_request_id=given)
        status = 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = MutableHeaders(scope=message)
                own[headers.REQUEST_ID] = request_id
                # What is answered is one person's, and is what its type says.
                own.setdefault("cache-control", "no-store")
                own["x-content-type-options"] = "nosniff"
            await send(message)

        # What answers GET answers HEAD, with the body left out by whoever serves the function.
        method = scope["method"]
        asked = {**scope, IS_HEAD: True, "method": "GET"} if method == "HEAD" else scope
        try:
            await self._app(asked, receive, tagged)
        except Exception as error:
            outcome.failed = True
            log_failure(self._log, "unexpected failure", error)
            if status:
                raise
            await refusal(scope, Internal())(scope, receive, tagged)
        finally:
            failed = outcome.failed or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            self._log.info(
                "request",
                extra={
                    "method": method,
                    "route": getattr(asked.get("route"), "path_format", None),
                    "status": status,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                    **counted("ServerErrors", int(failed), self._stage),
                },
            )


class _BodyLimit:
    """Starlette's limit of a request's body, whose refusal, a line of text, becomes a problem."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._limited = RequestBodyLimitMiddleware(app, max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def as_problem(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                content_type = Headers(raw=message["headers"]).get("content-type", "")
                refused = message["status"] == TooLarge.status and "text/plain" in content_type
                if refused:
                    await refusal(scope, too_large(scope))(scope, receive, send)
            if not refused:
                await send(message)

        await self._limited(scope, receive, as_problem)


def refusal(scope: Scope, problem: Problem) -> Response:
    """Give the response to a request that ends in a problem."""
    return problem_response(problem, scope[REQUEST_ID], scope[LOCALE])


def too_large(scope: Scope) -> TooLarge:
    """Give the problem of a request whose body goes beyond its limit."""
    most = scope[MAX_BODY_SIZE_SCOPE_KEY]
    return TooLarge("The request may have {count} bytes at most.", count=most)


def _request_id(scope: Scope) -> str:
    """Lambda's own id of the invocation, or the caller's, or a new one."""
    context = scope.get(CONTEXT_KEY)
    if context is not None:
        return str(context.aws_request_id)
    return _given_id(scope) or uuid.uuid4().hex


def _given_id(scope: Scope) -> str | None:
    """The id of the request that led to this one: a chat run's, when the chat calls a tool."""
    given = Headers(scope=scope).get(headers.REQUEST_ID, "")
    return given if PLAIN_ID.fullmatch(given) else None
